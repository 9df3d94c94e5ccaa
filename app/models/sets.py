"""What the Models page can do: change the set in use, verify, import and remove model files.

One long task at a time, in a thread of its own, with progress and Stop. Weights never come through
the browser: a file is named by its path on this computer, or lies in the import folder.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from app import messages
from app.models import filing
from app.models.chosen import SETS, at_start, remember
from app.runs.loading import Engine, Loading
from app.runs.lost import Lost
from app.settings import Settings
from engine.errors import Cancelled, EngineError, InvalidRequest

TaskState = Literal["running", "done", "stopped", "failed"]
WEIGHTS = (".pt", ".pth", ".ckpt", ".bin", ".safetensors")  # what the import folder lists
LONGEST_PATH = 4096
Call = Callable[..., Any]  # a function of ``filing``, its values, and on_step where it has one


def called_here(function: Callable[..., Any], *values: Any, **on_step: Any) -> Any:
    """Carries a function of ``filing`` out in this process."""
    return function(*values, *on_step.values())


@dataclass
class Task:
    """An import or a verification; ``said`` are its sentences, oldest first."""

    kind: Literal["import", "verify"]
    name: str
    path: Path | None = None
    state: TaskState = "running"
    step: str = ""
    done: int = 0
    total: int = 0
    said: list[tuple[bool, str]] = field(default_factory=list)  # whether good, sentence
    choices: tuple[tuple[str, str], ...] = ()  # roles to choose from: name, title
    step_started: float = 0.0
    stop: threading.Event = field(default_factory=threading.Event)

    def on_step(self, step: str, done: int, total: int) -> None:
        """What the engine says at every piece of a file; here a Stop is heard."""
        if self.stop.is_set():
            raise Cancelled
        if step != self.step:
            self.step, self.step_started = step, time.monotonic()
        self.done, self.total = done, total

    def seconds_left(self) -> float | None:
        """Of the step that runs."""
        if self.state != "running" or not self.done or not self.total:
            return None
        spent = time.monotonic() - self.step_started
        return spent / self.done * (self.total - self.done)

    def view(self) -> dict[str, Any]:
        return {
            "kind": self.kind,
            "name": self.name,
            "path": None if self.path is None else str(self.path),
            "state": self.state,
            "step": self.step,
            "fraction": self.done / self.total if self.total else 0.0,
            "seconds_left": self.seconds_left(),
            "said": [{"good": good, "sentence": sentence} for good, sentence in self.said],
            "choices": [{"role": role, "title": title} for role, title in self.choices],
        }


class Models:
    """The sets of models, which of them is in use, and the task that runs.

    ``open_set`` opens a set by its name: "embedded", "xreal", "cheff", or "folder" for all models
    of the folder that the program was started with. ``call`` carries out what needs torch.
    """

    def __init__(
        self,
        settings: Settings,
        loading: Loading,
        open_set: Callable[[str], Engine],
        call: Call = called_here,
    ) -> None:
        self.folder = settings.models or settings.data / "models"
        self.inbox = settings.data / "import"
        self.in_use = at_start(settings)
        self.chosen: str | None = None  # the set that is being loaded
        self.fault = ""  # why the set that was chosen last is not in use
        self.task: Task | None = None
        self._settings = settings
        self._loading = loading
        self._open_set = open_set
        self._call = call
        self._listed = filing.Listing((), {})
        self._lock = threading.Lock()

    def use(self, name: str) -> None:
        """Load another set in the background; what was in use is loaded again if that fails."""
        with self._lock:
            failed = self._loading.state == "failed"
            if name == self.in_use and self.chosen is None and not failed:
                return
            self._change(name)

    def _change(self, name: str) -> None:
        def ended(fault: str | None) -> None:
            with self._lock:
                if fault is None:
                    self.in_use = name
                    remember(self._settings, name)
                self.fault, self.chosen = fault or "", None

        self._loading.change(lambda: self._open_set(name), ended)
        self.chosen, self.fault = name, ""

    def listing(self) -> filing.Listing:
        """The files and what each set can obey; the newest that is known while models start."""
        try:
            found: filing.Listing = self._call(filing.listing, self.folder, self.names)
        except Lost:
            return self._listed
        self._listed = found
        return found

    @property
    def names(self) -> tuple[str, ...]:
        """The sets of the page; that of the folder only where the program began with one."""
        return SETS if self._settings.models is None else ("folder", *SETS)

    def verify(self) -> None:
        """Hash every model file again and say of each whether it is what it was."""

        def work(task: Task) -> None:
            found = self._call(filing.verify, self.folder, on_step=task.on_step)
            task.said += [(intact, sentence) for _, intact, sentence in found]

        self._begin(Task("verify", "Verify all"), work)

    def bring_in(self, path: str, role: str | None = None) -> None:
        """Check a weights file of this computer and convert it into the model folder."""
        file = named_file(path)
        self._begin(Task("import", file.name, file), lambda task: self._import(task, file, role))

    def _import(self, task: Task, file: Path, role: str | None) -> None:
        found = self._call(filing.bring_in, file, self.folder, role, on_step=task.on_step)
        task.choices = found.choices
        task.said += [(not found.choices, sentence) for sentence in found.said]
        if found.taken:
            self._follow(found.family)

    def _follow(self, family: str | None) -> None:
        """Load the set in use again where it got another file."""
        with self._lock:
            ours = self.in_use in ("folder", family)
            if ours and self.chosen is None:
                self._change(self.in_use)

    def remove(self, name: str) -> None:
        """Take an imported model away. Refused while the set it belongs to is in use."""
        found = self._call(filing.stored, name, self.folder)
        if found is None:
            raise InvalidRequest(f"There is no imported model '{name}'. Reload the page.")
        title, family = found
        with self._lock:
            if {self.in_use, self.chosen} & {"folder", family or "folder"}:
                raise InvalidRequest(f"The {title} is in use. Choose another model set first.")
            if self.task is not None and self.task.state == "running":
                raise InvalidRequest("Files are being read. Stop that, or wait for it to end.")
            self._call(filing.remove, name, self.folder)

    def stop(self) -> None:
        """Stop the task at its next piece; what was there before stays as it was."""
        if self.task is not None:
            self.task.stop.set()

    def waiting(self) -> list[dict[str, Any]]:
        """The weights files of the import folder: name, path, bytes."""
        try:
            self.inbox.mkdir(parents=True, exist_ok=True, mode=0o700)
            found = sorted(path for path in self.inbox.iterdir() if is_weights(path))
            return [{"name": p.name, "path": str(p), "size": p.stat().st_size} for p in found]
        except OSError:
            return []  # a folder that cannot be read lists nothing; a path can still be typed

    def _begin(self, task: Task, work: Callable[[Task], None]) -> None:
        with self._lock:
            if self.task is not None and self.task.state == "running":
                raise InvalidRequest("Files are being read. Stop that, or wait for it to end.")
            self.task = task
        threading.Thread(target=_carry_out, args=(task, work), name="models", daemon=True).start()


def _carry_out(task: Task, work: Callable[[Task], None]) -> None:
    try:
        work(task)
        task.state = "done" if all(good for good, _ in task.said) else "failed"
    except Cancelled:
        task.said.append((False, "Stopped. Nothing was changed."))
        task.state = "stopped"
    except Exception as error:
        task.said.append((False, messages.sentence(error)))
        task.state = "failed"


def named_file(text: str) -> Path:
    """The file that a person named by its path; refuses what is not a plain file."""
    text = text.strip().strip("\"'")
    if not text or len(text) > LONGEST_PATH or "\0" in text:
        raise InvalidRequest("Type the path of a weights file on this computer.")
    path = Path(text).expanduser()
    if not path.is_absolute():
        raise InvalidRequest("Type the whole path of the file, from the root of the disk on.")
    try:
        if path.is_dir():
            raise InvalidRequest(f"'{path.name}' is a folder. Name one file in it.")
        if not path.is_file():
            raise InvalidRequest(f"There is no file '{path.name}' there. Check the path.")
    except OSError as error:
        raise EngineError(f"The file '{path.name}' cannot be read. Check its rights.") from error
    return path


def is_weights(path: Path) -> bool:
    return path.suffix.lower() in WEIGHTS and path.is_file() and not path.name.startswith(".")
