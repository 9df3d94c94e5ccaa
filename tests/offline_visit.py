"""Run as a program, if possible with no network: open the page, fetch its files, make a picture.

Prints one JSON line: ``page`` (status), ``files`` (how many it loads from here), ``failed`` (those
that did not come), ``elsewhere`` (addresses beyond this computer that it would load), and
``picture`` (exit status).
"""

import json
import re
import socket
import struct
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path
from urllib.parse import urljoin, urlsplit

LOADED = re.compile(r"""<(?:script|link|img)\b[^>]*?\b(?:src|href)=["']([^"']+)["']""")


def raise_loopback() -> None:
    """A new network namespace has a loopback that is down; elsewhere this changes nothing."""
    import fcntl

    set_flags, up_and_running = 0x8914, 0x1 | 0x40
    with socket.socket() as any_socket:
        request = struct.pack("16sH22x", b"lo", up_and_running)
        fcntl.ioctl(any_socket.fileno(), set_flags, request)


def fetch(address: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(address, timeout=60) as answer:
            return answer.status, answer.read().decode(errors="replace")
    except urllib.error.HTTPError as error:
        return error.code, ""


def visit(port: int) -> dict:
    address = f"http://127.0.0.1:{port}/"
    command = [sys.executable, "-m", "app", "--no-browser", "--port", str(port)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as app:
        try:
            assert app.stdout is not None and address in app.stdout.readline()
            status, page = fetch(address)
            files = {urljoin(address, name) for name in LOADED.findall(page)}
            ours = {one for one in files if urlsplit(one).netloc == urlsplit(address).netloc}
            failed = [one for one in sorted(ours) if fetch(one)[0] != 200]
        finally:
            app.terminate()
    elsewhere = sorted(files - ours)
    return {"page": status, "files": len(ours), "failed": failed, "elsewhere": elsewhere}


def picture(folder: Path) -> int:
    words = ["generate", "--steps", "2", "--seed", "1", "--quiet", "-o", str(folder / "film.png")]
    return subprocess.call([sys.executable, "-m", "engine", *words])


if __name__ == "__main__":
    port, folder, shut = int(sys.argv[1]), Path(sys.argv[2]), sys.argv[3] == "shut"
    if shut:
        raise_loopback()
    report = {**visit(port), "picture": picture(folder)}
    sys.stdout.write(json.dumps(report) + "\n")
