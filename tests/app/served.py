"""The whole application in this process, on a free port, with the fake engine behind it."""

import contextlib
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from app.document.autosave import Documents
from app.document.session import Sessions
from app.models.sets import Models
from app.models.templates import Template
from app.pages.desk import Desk
from app.runs.jobs import Jobs
from app.runs.loading import Loading
from app.settings import Settings
from tests.box_chest import box_shapes

OpenSet = Callable[[str], Any]


@dataclass
class Served:
    url: str
    desk: Desk
    engine: Any
    app: Any


def square_template() -> tuple[Template, ...]:
    """Three boxes instead of a chest, so that no model file is needed."""
    shapes = box_shapes()
    return tuple(Template(name, shapes) for name in shapes.templates)


def desk_of(engine: Any, settings: Settings, open_set: OpenSet | None = None) -> Desk:
    loading = Loading(lambda: engine)
    models = Models(settings, loading, open_set or (lambda name: engine))
    sessions = Sessions(Documents(settings.documents))
    return Desk(settings, loading, Jobs(loading), sessions, square_template, models)


def application(
    engine: Any, settings: Settings, open_set: OpenSet | None = None
) -> tuple[Any, Desk]:
    """The ASGI application without a socket."""
    from app import server
    from app.pages import edit

    desk = desk_of(engine, settings, open_set)
    app = server.build(desk, lambda outer: edit.mount(outer, desk))
    desk.loading.start()
    desk.jobs.start()
    return app, desk


@contextlib.contextmanager
def serving(engine: Any, data: Any, open_set: OpenSet | None = None, **more: Any):
    """Serve over a real socket until the block ends. ``more`` are further fields of Settings.

    ``open_set`` gives the engine of a model set that is chosen on the Models page.
    """
    import uvicorn

    door = socket.socket()
    door.bind(("127.0.0.1", 0))
    settings = Settings(port=door.getsockname()[1], data=data, browser=False, **more)
    settings.temp.mkdir(parents=True, mode=0o700)
    app, desk = application(engine, settings, open_set)
    config = uvicorn.Config(
        app,
        log_level="error",
        timeout_graceful_shutdown=1,
        proxy_headers=False,
        ssl_certfile=settings.certificate,
        ssl_keyfile=settings.key,
    )
    running = uvicorn.Server(config)
    thread = threading.Thread(target=running.run, kwargs={"sockets": [door]}, daemon=True)
    thread.start()
    while not running.started:
        time.sleep(0.02)
    try:
        yield Served(settings.address, desk, engine, app)
    finally:
        running.should_exit = True
        desk.jobs.close()
        thread.join(timeout=10)
