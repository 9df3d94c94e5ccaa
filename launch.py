"""Start XReal Studio: python launch.py [options of the editor]

  python launch.py            open the editor (sets itself up the first time)
  python launch.py test       run the tests; further words go to pytest
  python launch.py setup      only set up, with the tools of the developers

The environment is made in .venv beside this file, or in the folder that XREAL_VENV names.
After the first time nothing is fetched. Works from any folder, on Linux, macOS and Windows.
"""

# Standard library only, and only syntax that Python 3.6 reads (hence annotations in quotes), so
# that an old Python is told what is wrong instead of stumbling over a line of this file.
import contextlib
import hashlib
import importlib.util
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent
WINDOWS = os.name == "nt"
PYTHONS = ((3, 11), (3, 12), (3, 13), (3, 14))
USER, DEVELOPER = ("requirements.txt",), ("requirements.txt", "requirements-dev.txt")

LEAST_GB = 3  # measured: 2.1 GB installed with the CPU build, and the downloads beside it
CUDA_GB = 12  # the CUDA build of PyTorch, its libraries and their downloads

DISK = re.compile("No space left on device|Errno 28|not enough space on the disk|WinError 112")
NETWORK = re.compile(
    "NewConnectionError|ConnectTimeout|Connection refused|Read timed out|name resolution"
    "|getaddrinfo failed|Network is unreachable|ProxyError|SSLError|CERTIFICATE_VERIFY_FAILED"
)


class Refused(Exception):
    """The start cannot go on; ``str`` is one sentence on why, and what to do."""


def main(words: "list[str]") -> int:
    command = words[0] if words and words[0] in ("test", "setup") else "open"
    folder = environment_folder()
    files = USER if command == "open" else DEVELOPER
    try:
        refuse_python(sys.version_info[:2], sys.maxsize > 2**32, platform.system())
        if not is_ready(folder, files):
            if words[:1] in (["-h"], ["--help"]):
                say(__doc__)
                return 0
            with one_at_a_time(folder):
                set_up(folder, files)
        say(gpu_notice(folder))
    except Refused as refusal:
        say(str(refusal))
        return 2
    except PermissionError:
        say(reason("Permission denied"))
        return 2
    except KeyboardInterrupt:
        say("\nStopped. Type the same again to go on where it stopped.")
        return 130
    python = str(python_of(folder))
    if command == "setup":
        say(f"Ready. The environment's Python is {python}")
        return 0
    if command == "test":
        os.chdir(str(ROOT))
        return become([python, "-m", "pytest", *words[1:]])
    # -P: a folder named "app" where the user happens to be must not be taken for ours.
    return become([python, "-P", "-m", "app", *words])


def say(text: "str | None") -> None:
    if text:
        print(text, flush=True)


# -- what must hold before anything is done ------------------------------------------------


def refuse_python(version: tuple, is_64_bit: bool, system: str) -> None:
    """Raise :class:`Refused` when this Python, e.g. (3, 9), cannot run XReal Studio."""
    first, last = dotted(PYTHONS[0]), dotted(PYTHONS[-1])
    if version not in PYTHONS:
        found = [f"python{dotted(one)}" for one in reversed(PYTHONS) if answers(one)]
        advice = f"Type: {found[0]} launch.py" if found else ""
        install = "py -3.13 launch.py" if system == "Windows" else "python3.13 launch.py"
        raise Refused(
            f"XReal Studio needs Python {first} to {last} and this is Python {dotted(version)}. "
            + (advice or f"Install Python 3.13, then type: {install}")
        )
    if not is_64_bit:
        raise Refused(
            "This is a 32-bit Python and PyTorch needs a 64-bit one. "
            "Install a 64-bit Python 3.13, then type the same again."
        )
    if system == "Darwin" and platform.machine() == "x86_64":
        raise Refused(
            "PyTorch is no longer made for Intel Macs, and this Python is one for Intel Macs. "
            "On an Apple processor install a Python for it; otherwise use Linux or Windows."
        )


def answers(version: tuple) -> bool:
    program = shutil.which(f"python{dotted(version)}")
    return bool(program) and subprocess.call([str(program), "-c", ""], **SILENT) == 0


def dotted(version: tuple) -> str:
    return f"{version[0]}.{version[1]}"


def refuse_missing_parts(version: tuple, has=importlib.util.find_spec) -> None:
    """Debian and Ubuntu leave ``venv`` and ``ensurepip`` out of their Python."""
    if not (has("venv") and has("ensurepip")):
        raise Refused(
            "This Python cannot make environments because its venv part is missing. "
            f"On Debian and Ubuntu type: sudo apt install python{dotted(version)}-venv"
        )


def refuse_full_disk(folder: Path, free_bytes: "int | None" = None) -> None:
    """Raise :class:`Refused` below what is needed for sure."""
    if pytorch_build(folder):  # what is left to install is small
        return
    place = folder
    while not place.exists():
        place = place.parent
    free = (shutil.disk_usage(str(place)).free if free_bytes is None else free_bytes) / 1e9
    if free < LEAST_GB:
        raise Refused(
            f"The disk of '{place}' has {free:.1f} GB free and setting up needs about "
            f"{LEAST_GB} GB (up to {CUDA_GB} GB where PyTorch comes with CUDA). Make room, or set "
            "XREAL_VENV to a folder on another disk, then type the same again."
        )


# -- the environment -----------------------------------------------------------------------


def environment_folder() -> Path:
    chosen = os.environ.get("XREAL_VENV")
    return Path(chosen).expanduser().absolute() if chosen else ROOT / ".venv"


def python_of(folder: Path) -> Path:
    return folder / "Scripts" / "python.exe" if WINDOWS else folder / "bin" / "python"


def is_ready(folder: Path, files: tuple) -> bool:
    """True when all of ``files`` was installed to the end for the Python that is there."""
    version = python_version(folder)
    return version in PYTHONS and all(
        stamp_of(folder, name).is_file() and stamp_of(folder, name).read_text() == digest(version)
        for name in files
    )


def stamp_of(folder: Path, name: str) -> Path:
    return folder / f"xreal-{name}.installed"


def digest(version: "tuple | None") -> str:
    """What the stamps hold: another Python or any change of a pinned version is another one."""
    content = b"".join((ROOT / name).read_bytes() for name in DEVELOPER)
    return f"{version} {hashlib.sha256(content).hexdigest()}"


def python_version(folder: Path) -> "tuple | None":
    """(3, 11) of the environment's own Python, or None where none answers."""
    code = "import sys; print(*sys.version_info[:2])"
    answer = output_of([str(python_of(folder)), "-I", "-S", "-c", code], seconds=60)
    return tuple(int(word) for word in answer.split()) if answer else None


def output_of(command: "list[str]", seconds: float) -> str:
    """What ``command`` prints, or '' when it is not there, fails or takes longer."""
    try:
        options = {**SILENT, "stdout": subprocess.PIPE, "timeout": seconds}
        done = subprocess.run(command, **options)
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.decode(errors="replace").strip() if done.returncode == 0 else ""


@contextlib.contextmanager
def one_at_a_time(folder: Path):
    """Wait for another start that sets up the same folder; a crash frees the lock."""
    key = hashlib.sha256(str(folder).encode()).hexdigest()[:16]
    with (Path(tempfile.gettempdir()) / f"xreal-setup-{key}.lock").open("a+") as lock:
        if not locked(lock.fileno()):
            say("Another start is setting this up; waiting for it.")
            while not locked(lock.fileno()):
                time.sleep(1)
        yield


def locked(descriptor: int) -> bool:
    try:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def set_up(folder: Path, files: tuple) -> None:
    """Make the environment and install ``files``; goes on where an earlier try stopped."""
    if is_ready(folder, files):  # made by the start that was waited for
        return
    refuse_missing_parts(sys.version_info[:2])
    refuse_full_disk(folder)
    say(f"Setting up XReal Studio in {folder} (only this once; it takes some minutes).")
    make_environment(folder)
    for stamp in folder.glob("xreal-*.installed"):
        stamp.unlink()
    pytorch = first_requirement()
    if pytorch:
        say("1 of 2: PyTorch (0.2 GB to download; about 3 GB where it comes with CUDA)")
        install(folder, ["--constraint", str(ROOT / "requirements.txt"), pytorch])
    say("2 of 2: everything else (about 0.3 GB to download)")
    install(folder, ["--requirement", str(ROOT / files[-1])])
    for name in files:
        stamp_of(folder, name).write_text(digest(python_version(folder)))


def first_requirement() -> str:
    """``torch==...``, which goes first and alone so that no other package chooses its build."""
    for line in (ROOT / "requirements.txt").read_text().splitlines():
        if line.startswith("torch=="):
            return line.strip()
    return ""


def make_environment(folder: Path) -> None:
    if python_version(folder) not in PYTHONS:
        if folder != ROOT / ".venv" and folder.exists() and any(folder.iterdir()):
            raise Refused(
                f"XREAL_VENV names '{folder}', which holds files but no Python that can be used. "
                "Name an empty or a new folder."
            )
        if folder.exists():  # its Python was removed or replaced, or a start was torn off
            shutil.rmtree(str(folder))
        run_to_the_end([sys.executable, "-m", "venv", str(folder)])
    python = str(python_of(folder))
    if subprocess.call([python, "-m", "pip", "--version"], **SILENT):
        run_to_the_end([python, "-m", "ensurepip", "--upgrade"])


SILENT: dict = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}


def install(folder: Path, what: "list[str]") -> None:
    """pip as the user has configured it, its progress shown as it comes."""
    pip = [str(python_of(folder)), "-m", "pip", "install", "--disable-pip-version-check"]
    run_to_the_end([*pip, "--no-input", *what])


def run_to_the_end(command: "list[str]") -> None:
    """Run with everything printed as it comes; raise :class:`Refused` with a reason on failure."""
    complaints = []
    with subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, errors="replace"
    ) as process:
        for line in process.stderr or ():
            complaints.append(line)
            sys.stderr.write(line)
    if process.returncode:
        raise Refused(reason("".join(complaints)))


def reason(complaints: str) -> str:
    """What pip or venv complained of, in one sentence, and what to do."""
    again = "then type the same again; it goes on where it stopped."
    if DISK.search(complaints):
        return (
            f"The disk is full: setting up needs about {LEAST_GB} GB, and up to {CUDA_GB} GB "
            f"where PyTorch comes with CUDA. Make room, {again}"
        )
    if NETWORK.search(complaints):
        return (
            "The packages could not be fetched because no package index was reached; the network "
            f"is needed this first time only. Check it, and the proxy if there is one, {again}"
        )
    if "Permission denied" in complaints or "WinError 5" in complaints:
        return (
            f"'{environment_folder()}' cannot be written. Move XReal Studio to a folder of yours, "
            "or set XREAL_VENV to a folder for its environment, then type the same again."
        )
    missing = re.search(r"No matching distribution found for (\S+)", complaints)
    if missing:
        return (
            f"The package index that pip uses here has no {missing.group(1)} for this computer "
            f"({platform.system()}, {platform.machine()}, Python {dotted(sys.version_info[:2])}). "
            f"Try another Python from {dotted(PYTHONS[0])} to {dotted(PYTHONS[-1])}."
        )
    return f"Setting up did not finish; the lines above say why. Put that right, {again}"


# -- the graphics card ---------------------------------------------------------------------


def gpu_notice(folder: Path) -> str:
    """What to say when there is an NVIDIA GPU that the installed PyTorch cannot use, or ''."""
    gpus = nvidia_gpus()
    build = pytorch_build(folder)
    if not gpus or not build:
        return ""
    kept = folder / "xreal-gpu-notice.txt"  # importing PyTorch takes seconds: it is asked once
    state = hashlib.sha256((repr(gpus) + build).encode()).hexdigest() + "\n"
    if not (kept.is_file() and kept.read_text().startswith(state)):
        kept.write_text(state + gpu_sentence(gpus, ask_pytorch(folder), python_of(folder)))
    return kept.read_text()[len(state) :]


def pytorch_build(folder: Path) -> str:
    """What PyTorch says of its build in a file, without being loaded; '' when not installed."""
    found = [*folder.glob("lib/python*/site-packages/torch/version.py")]
    found += folder.glob("Lib/site-packages/torch/version.py")
    return found[0].read_text() if found else ""


def nvidia_gpus() -> "list[tuple]":
    """[(name, compute capability such as (7, 5))] of the GPUs that NVIDIA's driver reports."""
    query = ["nvidia-smi", "--query-gpu=name,compute_cap", "--format=csv,noheader"]
    found = re.findall(r"(.+), (\d+)\.(\d+)", output_of(query, seconds=20))
    return [(name, (int(major), int(minor))) for name, major, minor in found]


def ask_pytorch(folder: Path) -> "list[str]":
    """[CUDA version, 'True' when usable, architectures], e.g. ['13.0', 'True', 'sm_75 sm_80']."""
    code = (
        "import torch; print(torch.version.cuda or '', torch.cuda.is_available(), "
        "' '.join(torch.cuda.get_arch_list()), sep='|')"
    )
    return output_of([str(python_of(folder)), "-W", "ignore", "-c", code], seconds=120).split("|")


def gpu_sentence(gpus: "list[tuple]", answer: "list[str]", python: Path) -> str:
    """What to say about ``gpus`` given what PyTorch answered; nothing when one can be used."""
    if len(answer) != 3:
        return ""
    name, capability = max(gpus, key=lambda gpu: gpu[1])
    cuda, usable, architectures = answer
    oldest = min(re.findall(r"(?:sm|compute)_(\d+)", architectures), key=int, default="0")
    another = (
        "look up the install selector on the website of PyTorch, choose Pip and {}, and type "
        f'"{python}" -m pip uninstall -y torch, then "{python}" -m pip install '
        f"{first_requirement()} with the --index-url option that is shown there."
    )
    works = "XReal Studio works without it, on the processor. To use it,"
    if not cuda:
        return (
            f"The graphics card ({name}) is not used because the installed PyTorch was built "
            f"without CUDA. {works} {another.format('a CUDA version')}"
        )
    if usable != "True":
        return (
            f"The graphics card ({name}) is not used because its driver does not serve CUDA "
            f"{cuda}. {works} install the newest NVIDIA driver."
        )
    if capability < (int(oldest) // 10, int(oldest) % 10):
        return (
            f"The graphics card ({name}) is too old for the installed PyTorch. Start with "
            f"--device cpu; or {another.format(f'a CUDA version older than {cuda}')}"
        )
    return ""


# -- handing over --------------------------------------------------------------------------


def become(command: "list[str]") -> int:
    """Run ``command`` in place of this process (Windows: beside it); return its exit status."""
    os.environ["PYTHONPATH"] = str(ROOT)  # only ours: strangers' packages break the pinned ones
    os.environ["PYTHONNOUSERSITE"] = "1"
    sys.stdout.flush()
    if not WINDOWS:
        os.execv(command[0], command)
    child = subprocess.Popen(command)
    while True:
        with contextlib.suppress(KeyboardInterrupt):  # the child got it too and ends by itself
            return child.wait()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
