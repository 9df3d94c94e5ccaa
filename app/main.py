"""Start the page: one server on this computer, one job table, one process for the models."""

import asyncio
import errno
import logging
import os
import shutil
import signal
import socket
import sys
import threading
import time
import webbrowser
from collections.abc import Sequence

from app import messages
from app.access import starting
from app.allocation import return_what_is_freed
from app.runs.loading import Loading
from app.settings import PORT, Settings, Unsuitable, read, with_peer

CONNECTIONS = 512  # at once; more are answered by 503
log = logging.getLogger(__name__)
OPENER = "app.runs.opening:open_set"
OFFLINE = {  # read by the libraries when they are imported
    "GRADIO_ANALYTICS_ENABLED": "False",
    "GRADIO_RUN_HISTORY": "False",
    "GRADIO_SHARE": "False",
    "GRADIO_MCP_SERVER": "False",
    "GRADIO_SSR_MODE": "False",
    "HF_HUB_OFFLINE": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "TRANSFORMERS_OFFLINE": "1",
    "DO_NOT_TRACK": "1",
}


# Others of these would open folders, keep what people did, or let files run what is in them.
MEDDLING = ("GRADIO_", "TORCH_FORCE_")


def main(argv: Sequence[str], opener: str = OPENER) -> int:
    """Serve until the end; 0, or 2 with one sentence where it cannot start like this.

    ``opener`` names the function that opens a model set, in the process of the models.
    """
    if argv[:1] == ["users"]:
        from app.access import cli

        return cli.main(argv[1:])
    try:
        settings = with_peer(read(argv))
        said = starting.checked(settings)
        door = listen(settings)
        prepare(settings)
    except Unsuitable as why:
        sys.stderr.write(f"{why}\n")
        return 2
    return_what_is_freed()
    for sentence in said:
        sys.stdout.write(f"{sentence}\n")
    # The server raises the signal again when it has closed; without this the process would
    # end there and leave its temporary files behind.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    if hasattr(signal, "SIGHUP"):  # the terminal was closed
        signal.signal(signal.SIGHUP, lambda *_: os.kill(os.getpid(), signal.SIGTERM))
    try:
        serve(settings, door, opener)
    finally:
        shutil.rmtree(settings.temp, ignore_errors=True)
    return 0


def listen(settings: Settings) -> socket.socket:
    """The port, taken before anything slow, so that a busy one is said at once."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    door = socket.socket(family, socket.SOCK_STREAM)
    if os.name == "posix":  # elsewhere this would let two programs share the port
        door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        door.bind((settings.host, settings.port))
    except OSError as error:
        door.close()
        if error.errno == errno.EADDRNOTAVAIL:
            raise Unsuitable(f"'{settings.host}' is no address of this computer.") from None
        if error.errno == errno.EACCES:
            raise Unsuitable(
                f"Port {settings.port} is kept for the system. Choose one from 1024 on, such as "
                "--port 8443."
            ) from None
        other = settings.port + 1 if settings.port < 65535 else PORT
        raise Unsuitable(
            f"Port {settings.port} is in use, perhaps by XReal Studio in another window. "
            f"Use that one, or start with --port {other}."
        ) from None
    return door


def prepare(settings: Settings) -> None:
    """Own folders and an environment in which no library reaches for the network."""
    os.umask(0o077)
    try:
        shutil.rmtree(settings.temp, ignore_errors=True)
        settings.temp.mkdir(parents=True, mode=0o700)
        messages.log_to(settings.log)
    except OSError as error:
        raise Unsuitable(
            f"The folder '{settings.data}' cannot be written ({error.strerror}). "
            "Name another one in the variable XREAL_DATA."
        ) from error
    for name in list(os.environ):
        if name.startswith(MEDDLING):
            del os.environ[name]
    os.environ.update(OFFLINE)
    os.environ["GRADIO_TEMP_DIR"] = str(settings.temp)


def serve(settings: Settings, door: socket.socket, opener: str = OPENER) -> None:
    import uvicorn  # after prepare(): these read the environment

    from app import server
    from app.document.autosave import Documents
    from app.document.recovery import recover
    from app.document.session import Sessions
    from app.models.chosen import at_start
    from app.models.sets import Models
    from app.models.templates import embedded_templates
    from app.pages import edit
    from app.pages.desk import Desk
    from app.runs.jobs import Jobs
    from app.runs.journal import Journal
    from app.runs.worker import Worker
    from engine.files import remove_leftovers

    remove_leftovers(settings.data)
    recover(settings.documents)
    worker = Worker(opener, settings)
    loading = Loading(lambda: worker.open(at_start(settings)))
    worker.on_end = loading.again
    jobs = Jobs(loading, Journal(settings.jobs))
    models = Models(settings, loading, worker.open, worker.call)
    documents = Documents(settings.documents, each=starting.with_users(settings))
    desk = Desk(settings, loading, jobs, Sessions(documents), embedded_templates, models)
    application = server.build(desk, lambda app: edit.mount(app, desk))
    config = uvicorn.Config(
        application,
        log_level="warning",
        timeout_graceful_shutdown=1,
        server_header=False,
        proxy_headers=False,  # what a proxy says is read, and believed or not, by the guard
        ssl_certfile=settings.certificate,
        ssl_keyfile=settings.key,
        limit_concurrency=CONNECTIONS,
    )
    running = uvicorn.Server(config)
    after = threading.Thread(
        target=once_answering, args=(running, settings, loading, jobs), daemon=True
    )
    after.start()
    try:
        asyncio.run(running.serve(sockets=[door]))
    except KeyboardInterrupt:
        log.info("ended from the keyboard")
    finally:
        jobs.close()
        worker.close()


def once_answering(running, settings: Settings, loading: Loading, jobs) -> None:
    """The page first, then the models: they take seconds and the page does not need them."""
    while not running.started:
        if running.should_exit:
            return
        time.sleep(0.02)
    sys.stdout.write(f"XReal Studio is open at {settings.address} (end with Ctrl+C)\n")
    sys.stdout.flush()
    loading.start()
    jobs.start()
    if settings.browser and not settings.open_to_others:
        webbrowser.open(settings.address)
