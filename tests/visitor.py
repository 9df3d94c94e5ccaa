"""A person at the page without a browser: the same requests over real HTTP, in the same order."""

import gzip
import json
import time
import uuid
import zlib
from pathlib import Path
from typing import Any

import httpx
import numpy as np

ENDED = ("done", "stopped", "failed", "lost")


class Visitor:
    """One browser. ``url`` ends in a slash."""

    def __init__(self, url: str):
        self.http = httpx.Client(
            base_url=url, headers={"origin": url.rstrip("/"), "sec-fetch-site": "same-origin"},
            timeout=120, limits=httpx.Limits(keepalive_expiry=1),  # sooner than the server's
        )  # fmt: skip
        self.http.get("/").raise_for_status()
        self.drawing: tuple[np.ndarray, list, int | None] | None = None
        self.rev = 1
        self.session_hash = uuid.uuid4().hex[:10]
        config = self.http.get("/config").json()
        parts = {part["id"]: part for part in config["components"]}
        named = {
            part["props"]["elem_id"]: id
            for id, part in parts.items()
            if part["props"].get("elem_id")
        }
        click = next(
            one
            for one in config["dependencies"]
            if [named["run"], "click"] in [list(target[:2]) for target in one["targets"]]
            and len(one["inputs"]) > 2
        )
        self._click = click["id"]
        self._tell = next(
            one["id"]
            for one in config["dependencies"]
            if any(target[1] == "submit" for target in one["targets"])
        )
        self._usual = [parts[id]["props"].get("value") for id in click["inputs"]]
        self._usual[click["inputs"].index(named["report"])] = ""  # as a page sends what is empty
        self._places = {name: click["inputs"].index(id) for name, id in named.items()
                        if id in click["inputs"]}  # fmt: skip

    def run(self, values: dict | None = None, **told) -> str:
        """Press the button; the id of the run. ``values`` of the panel by the names of their
        elements; ``told`` as the page's script tells it."""
        id, data = str(uuid.uuid4()), list(self._usual)
        data[0], data[1] = self._flushed(id), json.dumps({"job": id, "selected": None, **told})
        for name, value in (values or {}).items():
            data[self._places[name]] = value
        self._event(data=data, fn_index=self._click)
        return id

    def draw(self, bits: np.ndarray, findings: Any = (), state: int | None = None) -> None:
        """Paint; what is on the canvas goes along with each run. ``state`` is the picture below."""
        self.drawing = (bits, list(findings), state)

    def _flushed(self, job: str) -> dict | None:
        """What the canvas sends before a run: the drawing as an uploaded file."""
        if self.drawing is None:
            return None
        bits, findings, state = self.drawing
        raw, self.rev = np.ascontiguousarray(bits, "<u4").tobytes(), self.rev + 1
        sent = {"files": ("labels.u32.gz", gzip.compress(raw, 1))}
        path = self.http.post("/gradio_api/upload", files=sent).raise_for_status().json()[0]
        return {
            "v": 1, "doc": self.desk()["doc"], "rev": self.rev, "job": job,
            "state": None if state is None else str(state), "w": bits.shape[1],
            "h": bits.shape[0], "crc32": zlib.crc32(raw), "findings": findings,
            "labels": {"path": path, "meta": {"_type": "gradio.FileData"}},
        }  # fmt: skip

    def _event(self, **event) -> None:
        """One event of Gradio's page, answered at once."""
        body = {**event, "session_hash": self.session_hash}
        self.http.post("/gradio_api/run/predict", json=body).raise_for_status()

    def tell(self, told: dict) -> None:
        """What the page's own script says."""
        self._event(data=[], fn_index=self._tell, event_data=told)

    def view(self, id: str) -> dict:
        return self.http.get(f"/api/jobs/{id}").raise_for_status().json()

    def until(self, id: str, holds, seconds: float = 300) -> dict:
        """The view of a run as soon as it ``holds``."""
        end = time.monotonic() + seconds
        while not holds(view := self.view(id)):
            assert time.monotonic() < end, view
            time.sleep(0.02)
        return view

    def wait(self, id: str, seconds: float = 300) -> dict:
        """The end of a run."""
        return self.until(id, lambda view: view["state"] in ENDED, seconds)

    def stop(self, id: str) -> None:
        self.http.post(f"/api/jobs/{id}/stop").raise_for_status()

    def save(self, doc: str, rev: int, bits: np.ndarray, report: str, findings: Any = ()) -> dict:
        """What the page does two seconds after a change; the answer is the acknowledgement."""
        raw = np.ascontiguousarray(bits, "<u4").tobytes()
        head = {
            "v": 1, "doc": doc, "rev": rev, "job": "save", "state": None, "w": bits.shape[1],
            "h": bits.shape[0], "crc32": zlib.crc32(raw), "findings": list(findings),
            "report": report,
        }  # fmt: skip
        body = json.dumps(head).encode() + b"\n" + gzip.compress(raw, 1)
        return self.http.post("/api/save", content=body).raise_for_status().json()

    def desk(self) -> dict:
        return self.http.get("/api/desk").raise_for_status().json()

    def open(self, data: bytes) -> dict:
        """What the page sends of a file that is dropped on it."""
        answer = self.http.post("/api/files", content=data, headers={"x-name": "film.png"})
        return answer.raise_for_status().json()

    def ready(self, seconds: float = 300) -> dict:
        """The desk when the models are there."""
        end = time.monotonic() + seconds
        while (desk := self.desk())["state"] != "ready":
            assert time.monotonic() < end, desk
            time.sleep(0.05)
        return desk


def children_of(pid: int) -> list[int]:
    """The processes that ``pid`` started and that still are, on Linux."""
    found: list[int] = []
    for path in Path(f"/proc/{pid}/task").glob("*/children"):
        found += map(int, path.read_text().split())
    return found


def memory_of(pid: int) -> float:
    """MB that a process holds in main memory."""
    status = Path(f"/proc/{pid}/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith("VmRSS"))
    return int(line.split()[1]) / 1024
