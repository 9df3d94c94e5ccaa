"""Many readers at once over HTTP: how long an acknowledged answer takes.

``python -m tests.studies.bench_readers --readers 30`` serves the reading room in a process of its
own, with every wait for the disk that a user's study has, and lets each reader answer trials: with
six seconds a case (published reader studies took 5.8 to 8.7), with one, and with none. The time is
from sending Submit to having its acknowledgement. JSON with ``--json``.
"""

import argparse
import http.client
import json
import os
import random
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

from app.studies.shelf import Shelf
from tests.studies.reading_rooms import opened
from tests.studies.served_room import Served

WANTED_MS = 150.0
PACES = {"six seconds a case": 6.0, "a second a case": 1.0, "no pause at all": 0.0}


class Browser:
    """One reader with a connection that is kept open, as browsers do."""

    def __init__(self, port: int, code: str, name: str) -> None:
        self.port, self.tab = port, f"bench-tab-{name}"
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
        self.cookie = ""
        self.ask("enter", code=code)
        self.ask("note", kind="consented", value={})
        self.ask("note", kind="display_checked", value={"squares": True})

    def ask(self, action: str, **body: Any) -> dict[str, Any]:
        headers = {
            "Content-Type": "application/json",
            "Origin": f"http://127.0.0.1:{self.port}",
            "Cookie": self.cookie,
        }
        text = json.dumps({"tab": self.tab, **body})
        answer = self.asked("POST", f"/read/api/{action}", text, headers)
        told = json.loads(answer.read())
        if answer.status != 200:
            raise RuntimeError(told["sentence"])
        cookie = answer.headers.get("Set-Cookie")
        if cookie:
            self.cookie = cookie.partition(";")[0]
        return told

    def picture(self, name: str) -> None:
        headers = {"Cookie": self.cookie}
        self.asked("GET", f"/read/api/pictures/{name}", None, headers).read()

    def asked(self, method: str, path: str, text: str | None, headers: Any) -> Any:
        """The answer; a connection that the server closed while it was idle is opened again."""
        for _ in range(3):
            try:
                self.connection.request(method, path, text, headers)
                return self.connection.getresponse()
            except (BrokenPipeError, ConnectionResetError, http.client.RemoteDisconnected):
                self.connection.close()
        raise RuntimeError("The server closes every connection.")

    def read(self, cases: int, pause: float) -> list[float]:
        """Milliseconds of each Submit until its acknowledgement."""
        found = []
        for _ in range(cases):
            trial = self.ask("state")["trial"]
            for name in trial["pictures"]:
                self.picture(name)
            self.ask("shown", trial=trial["trial_id"])
            time.sleep(pause * random.uniform(0.5, 1.5))  # people do not press in step
            name = trial["trial_id"]
            number = f"{self.tab}-{name}"
            self.ask("answer", trial=name, question="source", value=2, request=f"{number}-a")
            begun = time.perf_counter()
            self.ask("submit", trial=name, answers={"source": 2}, request=number, at="")
            found.append(1000 * (time.perf_counter() - begun))
        return found


def run(readers: int, cases: int) -> dict[str, Any]:
    """Median and 95th percentile of an acknowledged answer in ms, with and without pauses."""
    with tempfile.TemporaryDirectory(dir=os.environ.get("XREAL_BENCH")) as folder:
        shelf = Shelf(Path(folder) / "studies")
        study = opened(shelf, "turing", count=max(8, cases + 2), readers=readers)
        study.store.close_file()
        with Served(Path(folder)) as served:
            browsers = [Browser(served.port, code, name) for name, code in study.codes.items()]
            found = {name: measured(browsers, cases, pause) for name, pause in PACES.items()}
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else float("nan")
    return {
        "readers": readers,
        "cores": os.cpu_count(),
        "load": round(load, 1),
        **found,
    }


def measured(browsers: list[Browser], cases: int, pause: float) -> dict[str, float]:
    times: list[float] = []
    faults: list[Exception] = []

    def work(browser: Browser) -> None:
        try:
            times.extend(browser.read(cases, pause))
        except Exception as error:
            faults.append(error)

    threads = [threading.Thread(target=work, args=(one,)) for one in browsers]
    begun = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if faults:
        raise faults[0]
    seconds = time.perf_counter() - begun
    times.sort()
    return {
        "answers": len(times),
        "median_ms": round(times[len(times) // 2], 1),
        "p95_ms": round(times[int(len(times) * 0.95)], 1),
        "answers_per_second": round(len(times) / seconds, 1),
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--readers", type=int, default=30)
    parser.add_argument("--cases", type=int, default=6, help="of each reader, three times")
    parser.add_argument("--json", action="store_true")
    told = parser.parse_args()
    result = run(told.readers, told.cases)
    if told.json:
        sys.stdout.write(json.dumps(result) + "\n")
    else:
        lines = [f"{result['readers']} readers, {result['cores']} cores, load {result['load']}"]
        for name in PACES:
            one = result[name]
            lines.append(
                f"{name}: median {one['median_ms']} ms, 95 % under {one['p95_ms']} ms, "
                f"{one['answers_per_second']} answers a second (wanted: median {WANTED_MS:.0f} ms)"
            )
        sys.stdout.write("\n".join(lines) + "\n")
