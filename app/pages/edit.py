"""The Edit page: the canvas on the left and in the centre, the request panel on the right."""

import time
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import gradio as gr
from fastapi import FastAPI
from gradio.blocks import Block
from gradio.components import Component
from gradio.themes import Default
from gradio.themes.utils.fonts import LocalFont

from app.canvas.component import LabelCanvas
from app.pages.desk import Desk
from app.pages.form import VERBS, Form
from app.pages.remembered import Remembered
from app.pages.shown import REST, Shown
from app.panels import details, erase, generate, insert, outpaint, run, upscale, zone

STATIC = Path(__file__).parent.parent / "static"
FONT = LocalFont("IBM Plex Sans", weights=(400, 700))  # comes with Gradio
SCRIPTS = (
    "account.js",
    "dialogs.js",
    "gallery.js",
    "examples.js",
    "help.js",
    "tour.js",
    "narrow.js",
    "titles.js",
    "runs.js",
    "faults.js",
    "asking.js",
    "details.js",
    "patient.js",
    "zones.js",
    "reports.js",
    "page.js",
    "documents.js",
    "files.js",
    "folder.js",
    "words.js",
    "exporting.js",
    "measures.js",
    "ready.js",
)  # in the order they are loaded
STYLES = ("page.css", "panel.css", "steps.css", "files.css", "words.css", "access.css")
# Gradio shows the controls before the scripts of HEAD are there. Should one of them fail to come, a
# page that does less is better than none.
UNREADY = """
#desk,#bar{visibility:hidden;animation:seen 0s 60s forwards}
html.ready #desk,html.ready #bar{visibility:visible}
html:not(.ready) body::after{content:"XReal Studio is starting";position:fixed;inset:45% 0 auto;
 text-align:center;color:#8b8b8b;animation:gone 0s 60s forwards}
@keyframes seen{to{visibility:visible}}
@keyframes gone{to{visibility:hidden}}
"""
HEAD = (
    f"<style>{UNREADY}</style>"
    + "".join(f'<link rel="stylesheet" href="/page/{name}">' for name in STYLES)
    + "".join(f'<script src="/page/{name}" defer></script>' for name in SCRIPTS)
)
UPLOADS = "100mb"  # by way of Gradio: drawings
SEND = "async (...values) => await window.XREAL.page.send(values)"


@dataclass(frozen=True)
class EditPage:
    canvas: LabelCanvas
    verb: gr.Radio
    generate: generate.GeneratePanel
    insert: insert.InsertPanel
    erase: zone.ZonePanel
    outpaint: outpaint.OutpaintPanel
    details: details.DetailsPanel
    bar: run.RunBar

    @property
    def form(self) -> list[Component]:
        """The components whose values are the fields of :class:`Form`, in its order."""
        return [
            self.verb,
            self.generate.report,
            self.insert.change,
            *self.outpaint.values,
            *self.details.values,
            self.bar.variations,
            *self.details.more,
            *self.insert.zone.values,
            *self.erase.values,
        ]

    @property
    def shown(self) -> list[Block]:
        """What the fields of :class:`Shown` go to, in its order."""
        return [
            self.canvas,
            self.verb,
            self.generate.report,
            self.details.seed,
            self.details.keep,
            self.details.quality,
            self.details.fold,
            self.insert.finding,
            *self.generate.shape.shown,
            self.bar.status,
            *(self.named[name] for name in REST),
        ]

    @property
    def named(self) -> dict[str, Component]:
        """The components of the form by the names of their values."""
        return {f.name: part for f, part in zip(fields(Form), self.form, strict=True)}


def mount(app: FastAPI, desk: Desk) -> FastAPI:
    blocks = build(desk)
    blocks.queue(api_open=False)
    return gr.mount_gradio_app(
        app,
        blocks,
        path="/",
        server_name=desk.settings.host,
        server_port=desk.settings.port,
        footer_links=[],
        run_history=False,
        allowed_paths=[],
        show_error=False,
        max_file_size=UPLOADS,
        ssr_mode=False,
        enable_monitoring=False,
        pwa=False,
        mcp_server=False,
        theme=Default(font=[FONT, "ui-sans-serif", "sans-serif"]),
        head=HEAD,
    )


def build(desk: Desk) -> gr.Blocks:
    with Remembered(
        title="XReal Studio", analytics_enabled=False, fill_width=True, delete_cache=(600, 3600)
    ) as blocks:
        html = "".join((STATIC / name).read_text("utf-8") for name in ("bar.html", "words.html"))
        gr.HTML(html_template=html, elem_id="bar")
        page = lay_out()
        connect(page, desk, blocks)
    return blocks


def lay_out() -> EditPage:
    with gr.Row(elem_id="desk"):
        canvas = LabelCanvas(elem_id="editor")
        with gr.Column(elem_id="ask"):
            verb = gr.Radio(list(VERBS), value="Generate", label="Verb", elem_id="verb")
            with gr.Column(elem_id="ask-body"):
                generating = generate.build()
                inserting = insert.build()
                erasing = erase.build()
                outpainting = outpaint.build()
                upscale.build()
                how = details.build()
            bar = run.build()
    return EditPage(canvas, verb, generating, inserting, erasing, outpainting, how, bar)


def connect(page: EditPage, desk: Desk, blocks: gr.Blocks) -> None:
    """What happens on an event. No event goes through Gradio's queue: the stream that brings its
    answers closes after the last one, and an event sent just then is answered only with the next.
    Nothing here takes long; runs have a queue of their own."""
    insert.connect(page.insert)
    typed_seed = details.connect(page.details)
    quiet: dict[str, Any] = {
        "show_progress": "hidden",
        "trigger_mode": "multiple",
        "queue": False,  # see connect
        "api_visibility": "private",
    }

    def shown(found: Shown) -> list[Any]:
        return found.updates()

    def start(request: gr.Request, drawing: Any, call: str, *values: Any) -> Any:
        return shown(desk.start(desk.session(request), drawing, call, Form(*values)))

    def asked(event: gr.EventData, request: gr.Request) -> Any:
        return shown(desk.asked(desk.session(request), event))

    def told(event: gr.EventData, request: gr.Request) -> Any:
        return shown(desk.told(desk.session(request), event._data or {}))

    def typed(report: str, request: gr.Request) -> None:
        desk.typed(desk.session(request), report)

    def filled(request: gr.Request, *values: Any) -> Any:
        desk.filled(desk.session(request), Form(*values))
        return gr.update(filled=time.monotonic_ns())

    def opened(request: gr.Request) -> Any:
        return shown(desk.all(desk.session(request)))

    page.verb.change(None, page.verb, None, js="(v) => { window.XREAL.page.verb(v) }")
    page.bar.run.click(
        start, [page.canvas, page.bar.call, *page.form], page.shown, js=SEND, **quiet
    )
    page.canvas.ask(asked, None, page.shown, **quiet)
    page.bar.status.submit(told, None, page.shown, **quiet)
    page.generate.report.blur(typed, page.generate.report, None, **quiet)
    heard = ("report", "seed")  # in ways of their own: the seed when its Keep is ticked, too
    changes = [part.input for name, part in page.named.items() if name not in heard]  # type: ignore
    last = {**quiet, "trigger_mode": "always_last"}
    gr.on(changes, filled, page.form, page.bar.status, **last)
    typed_seed.then(filled, page.form, page.bar.status, **last)
    blocks.load(opened, None, page.shown, **quiet)
