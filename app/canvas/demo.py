"""The label canvas alone, on pictures drawn here: ``python -m app.canvas.demo [port]``.

For those who work on the canvas, and for its browser tests. No model is loaded.
"""

import os
import sys
from pathlib import Path
from typing import Any

os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
os.environ.setdefault("HF_HUB_OFFLINE", "1")

import gradio as gr
import numpy as np
from gradio.themes import Base
from gradio.themes.utils.fonts import LocalFont
from gradio.utils import get_upload_folder
from PIL import Image

from app.canvas.component import FLUSH, STATIC, Ask, LabelCanvas, asked, shown
from app.canvas.drawing import (
    ORGAN_BITS,
    Bits,
    Drawing,
    FindingRegion,
    labels_file,
)
from app.canvas.view import Known, StateThumb, View
from engine.errors import InvalidRequest

THEME = """() => {
  const light = location.search.includes('theme=light');
  document.documentElement.classList.toggle('light', light);
  document.body.classList.toggle('dark', !light);
}"""


def phantom(side: int, opacity: float = 0.0) -> np.ndarray:
    """A drawn chest, (side, side) uint8: soft ellipses, no patient. ``opacity`` adds a shadow."""
    y, x = (np.mgrid[0:side, 0:side] + 0.5) / side

    def blob(cx: float, cy: float, rx: float, ry: float, soft: float) -> np.ndarray:
        away = np.hypot((x - cx) / rx, (y - cy) / ry)
        return 1 / (1 + np.exp((away - 1) / soft))

    chest = 0.62 * blob(0.5, 0.62, 0.46, 0.62, 0.06)
    lungs = np.maximum(blob(0.30, 0.46, 0.15, 0.33, 0.06), blob(0.70, 0.47, 0.15, 0.34, 0.06))
    heart = blob(0.55, 0.65, 0.15, 0.15, 0.08)
    ribs = 0.05 * np.sin(40 * (y + 0.6 * (x - 0.5) ** 2)) * lungs
    grey = chest - 0.42 * lungs * (1 - 0.9 * heart) + 0.12 * heart + ribs
    grey += opacity * blob(0.72, 0.66, 0.12, 0.10, 0.12)
    return (255 * np.clip(grey, 0, 1)).astype(np.uint8)


def anatomy(side: int) -> Bits:
    """The labels that belong to :func:`phantom`, (side, side)."""
    y, x = (np.mgrid[0:side, 0:side] + 0.5) / side

    def inside(cx: float, cy: float, rx: float, ry: float) -> np.ndarray:
        return np.hypot((x - cx) / rx, (y - cy) / ry) <= 1

    bits = np.zeros((side, side), np.uint32)
    bits[inside(0.70, 0.47, 0.15, 0.34)] |= 1
    bits[inside(0.30, 0.46, 0.15, 0.33)] |= 2
    bits[inside(0.55, 0.65, 0.17, 0.16)] |= 4
    bits[inside(0.53, 0.38, 0.04, 0.12)] |= 8
    return bits


class Demo:
    """One document in memory. ``received`` collects what the canvas sent."""

    def __init__(self, side: int = 256) -> None:
        self.side = side
        self.received: list[Drawing] = []
        self.asks: list[Any] = []
        self.nonce = 0
        self.address = ""

    def url(self, name: str, data: bytes | np.ndarray) -> str:
        folder = Path(get_upload_folder()) / "demo"
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / name
        if isinstance(data, np.ndarray):
            Image.fromarray(data).save(path)
        else:
            path.write_bytes(data)
        return f"/gradio_api/file={path}?v={self.nonce}"

    def states(self) -> tuple[StateThumb, ...]:
        plain = self.url(f"plain{self.side}.png", phantom(self.side))
        ill = self.url(f"ill{self.side}.png", phantom(self.side, 0.25))
        large = self.url("large.png", phantom(1024, 0.25))
        return (
            StateThumb(id="s2", label="2 Anatomy", url=plain, seed=7, detail="8 bit, PA"),
            StateThumb(
                id="s3", label="3 A effusion", url=ill, seed=41207, parent="s2",
                title="State 3: effusion in A", mark="Synthetic - not for diagnosis",
            ),
            StateThumb(id="s4", label="4 Upscaled", url=large, parent="s3"),
        )  # fmt: skip

    def view(self, **changes: Any) -> View:
        self.nonce += 1
        known = Known(
            organs=(1, 2, 3, 4),
            findings=("pleural effusion", "consolidation"),
            verbs=("generate", "insert", "erase", "segment"),
        )
        given = {"doc": "demo", "nonce": self.nonce, "name": "Untitled 14", "know": known}
        return View(**given | changes)

    def opening(self) -> View:
        """A new empty document: after a reload its revisions start again."""
        return self.view(doc=f"demo-{self.nonce}", size=(self.side, self.side))

    def filled(self) -> View:
        bits = anatomy(self.side)
        y, x = np.mgrid[0 : self.side, 0 : self.side] / self.side
        bits[np.hypot((x - 0.73) / 0.11, (y - 0.70) / 0.09) <= 1] |= 16
        bits[np.hypot((x - 0.28) / 0.07, (y - 0.30) / 0.06) <= 1] |= 32
        findings = (
            FindingRegion(4, "A", "moderate pleural effusion"),
            FindingRegion(5, "B", "patchy opacity"),
        )
        return self.view(
            doc=f"filled{self.nonce}",
            labels_url=self.url("filled.json", labels_file(bits, findings)),
            states=self.states(),
            current="s3",
            measured={"ratio": 0.48, "right": 0.53, "left": 0.47},
        )

    def answer(self, event: gr.EventData) -> Any:
        ask = asked(event)
        self.asks.append(ask)
        return self.reply(ask), "opened" if ask.kind == "open" else ask.kind

    def reply(self, ask: Ask) -> Any:
        if ask.kind == "from_picture":
            url = self.url("organs.json", labels_file(anatomy(512), replaces=ORGAN_BITS))
            changes = {"labels_url": url, "title": "from picture", "states": self.states()}
            return shown(self.view(doc=ask.doc, base=ask.rev, current=ask.state, **changes))
        if ask.kind == "delete":
            kept = tuple(s for s in self.states() if s.id != ask.data["id"])
            return shown(self.view(doc=ask.doc, base=ask.rev, states=kept, current=kept[0].id))
        return gr.skip()

    def run(self, drawing: Drawing | InvalidRequest | None) -> str:
        if drawing is None:
            return "nothing"
        if isinstance(drawing, InvalidRequest):
            return str(drawing)
        self.received.append(drawing)
        painted = [int((drawing.bits >> np.uint32(k) & 1).sum()) for k in range(30)]
        return f"rev {drawing.rev}, {drawing.bits.shape}, {painted}"


def build(demo: Demo) -> gr.Blocks:
    with gr.Blocks(title="Label canvas", analytics_enabled=False) as page:
        canvas = LabelCanvas(elem_id="editor")
        with gr.Column(elem_id="ask"):
            run = gr.Button("Run", elem_id="run")
            fill = gr.Button("Fill", elem_id="fill")
            text = gr.Textbox(label="Report", elem_id="report")
            status = gr.Textbox(label="Received", elem_id="received")
        page.load(lambda: shown(demo.opening()), None, [canvas])
        run.click(demo.run, [canvas], [status], js=FLUSH)
        fill.click(lambda: shown(demo.filled()), None, [canvas])
        text.submit(lambda t: t, [text], [status])
        canvas.ask(
            demo.answer, None, [canvas, status], show_progress="hidden", trigger_mode="multiple"
        )
    return page


def serve(demo: Demo, port: int | None = None) -> tuple[gr.Blocks, str]:
    page = build(demo)
    font = LocalFont("IBM Plex Sans", weights=(400, 700))
    _, url, _ = page.launch(
        server_name="127.0.0.1", server_port=port, quiet=True, prevent_thread_lock=True,
        ssr_mode=False, footer_links=[], css=(STATIC / "demo.css").read_text("utf-8"), js=THEME,
        theme=Base(font=[font, "sans-serif"]),
        allowed_paths=[], run_history=False, enable_monitoring=False,
    )  # fmt: skip
    return page, url


if __name__ == "__main__":
    page, _ = serve(Demo(), int(sys.argv[1]) if len(sys.argv) > 1 else None)
    page.block_thread()
