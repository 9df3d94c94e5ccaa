"""Every route of the application, Gradio's included, and what it needs.

A route that is not in this table fails ``test_routes.py``: whoever adds one says here who may ask
for it. What an owner has is reached by that owner only; others get what unknown ids get.
"""

from enum import Enum


class Need(Enum):
    NOTHING = "open: the login page and what it is drawn with"
    CODE = "open, and throttled: what a reader opens with a code"
    LOGIN = "a login: the same for everybody"
    OWNER = "a login: everybody has their own"
    LOOPBACK = "only without users, on this computer"
    CLOSED = "not served"


GET, POST, HEAD, ALL = "GET", "POST", "HEAD", "*"
# Whole families, by the beginning of their paths.
PREFIXES: dict[str, Need] = {
    "/read": Need.CODE,  # pages and routes of the reading room
    "/studies": Need.OWNER,  # the investigator's pages
    "/api/studies": Need.OWNER,
}
ROUTES: dict[tuple[str, str], Need] = {
    # our pages
    (GET, "/login"): Need.NOTHING,
    (POST, "/login"): Need.NOTHING,
    (ALL, "/page"): Need.NOTHING,
    (POST, "/logout"): Need.LOGIN,
    (GET, "/logout"): Need.LOGIN,  # Gradio's; ours of POST comes first, and this is answered by 404
    (GET, "/password"): Need.LOGIN,
    (POST, "/password"): Need.LOGIN,
    (GET, "/models"): Need.LOGIN,
    # what the pages' scripts ask
    (GET, "/api/account"): Need.OWNER,
    (GET, "/api/about"): Need.LOGIN,
    (GET, "/api/examples"): Need.LOGIN,
    (GET, "/api/examples/{name}.png"): Need.LOGIN,
    (GET, "/api/templates"): Need.LOGIN,
    (GET, "/api/templates/{index}.png"): Need.LOGIN,
    (POST, "/api/report"): Need.LOGIN,
    (POST, "/api/words"): Need.LOGIN,
    (GET, "/api/models"): Need.LOGIN,
    (POST, "/api/models/use"): Need.LOOPBACK,
    (POST, "/api/models/verify"): Need.LOOPBACK,
    (POST, "/api/models/import"): Need.LOOPBACK,
    (POST, "/api/models/stop"): Need.LOOPBACK,
    (POST, "/api/models/remove"): Need.LOOPBACK,
    (GET, "/api/desk"): Need.OWNER,
    (POST, "/api/region"): Need.OWNER,
    (POST, "/api/patient"): Need.OWNER,
    (GET, "/api/jobs/{id}"): Need.OWNER,
    (POST, "/api/jobs/{id}/stop"): Need.OWNER,
    (GET, "/api/jobs/{id}/details"): Need.OWNER,
    (GET, "/api/jobs/{id}/preview.png"): Need.OWNER,
    (GET, "/api/states/{number}.png"): Need.OWNER,
    (GET, "/api/states/{number}/measures"): Need.OWNER,
    (GET, "/api/states/{number}/recipe"): Need.OWNER,
    (GET, "/api/states/{number}/export"): Need.OWNER,
    (GET, "/api/states/{number}/statement"): Need.OWNER,
    (POST, "/api/states/{number}/send"): Need.OWNER,
    (GET, "/api/films"): Need.OWNER,
    (POST, "/api/films/{key}"): Need.OWNER,
    (GET, "/api/drawings/{key}"): Need.OWNER,
    (POST, "/api/save"): Need.OWNER,
    (POST, "/api/history"): Need.OWNER,
    (GET, "/api/steps"): Need.OWNER,
    (POST, "/api/steps"): Need.OWNER,
    (POST, "/api/files"): Need.OWNER,
    (POST, "/api/files/{token}/drop"): Need.OWNER,
    (POST, "/api/folder"): Need.OWNER,
    (GET, "/api/documents"): Need.OWNER,
    (GET, "/api/documents/{doc}.png"): Need.OWNER,
    (POST, "/api/documents/{doc}/delete"): Need.OWNER,
    (GET, "/api/project"): Need.OWNER,
    (GET, "/api/masks"): Need.OWNER,
    # Gradio: its page and what that is made of
    (GET, "/"): Need.LOGIN,
    (HEAD, "/"): Need.LOGIN,
    (GET, "/config"): Need.LOGIN,
    (GET, "/config/"): Need.LOGIN,
    (GET, "/theme.css"): Need.LOGIN,
    (GET, "/assets/{path:path}"): Need.LOGIN,
    (GET, "/static/{path:path}"): Need.LOGIN,  # its fonts are open, the login page needs them
    (GET, "/favicon.ico"): Need.NOTHING,
    (GET, "/manifest.json"): Need.LOGIN,
    (GET, "/gradio_api/startup-events"): Need.LOGIN,
    (GET, "/gradio_api/app_id"): Need.LOGIN,
    # Gradio: events; the ids in them are those of the owner
    (POST, "/gradio_api/upload"): Need.OWNER,
    (GET, "/gradio_api/upload_progress"): Need.OWNER,
    (POST, "/gradio_api/run/{api_name}"): Need.OWNER,
    (POST, "/gradio_api/cancel"): Need.OWNER,
    (POST, "/gradio_api/reset"): Need.OWNER,
    (GET, "/gradio_api/heartbeat/{session_hash}"): Need.OWNER,
    # Gradio: what the page does not need does not exist
    **dict.fromkeys(
        [
            (GET, "/openapi.json"),
            (HEAD, "/openapi.json"),
            (POST, "/login/"),
            (GET, "/svelte/{path:path}"),
            (GET, "/robots.txt"),
            (GET, "/pwa_icon"),
            (GET, "/pwa_icon/{size}"),
            (GET, "/monitoring"),
            (GET, "/monitoring/summary"),
            (GET, "/monitoring/{key}"),
            (GET, "/gradio_api/deep_link"),
            (GET, "/gradio_api/user"),
            (GET, "/gradio_api/user/"),
            (GET, "/gradio_api/login_check"),
            (GET, "/gradio_api/login_check/"),
            (GET, "/gradio_api/token"),
            (GET, "/gradio_api/token/"),
            (GET, "/gradio_api/app_id/"),
            (GET, "/gradio_api/dev/reload"),
            (GET, "/gradio_api/runs"),
            (GET, "/gradio_api/runs/"),
            (GET, "/gradio_api/info"),
            (GET, "/gradio_api/info/"),
            (GET, "/gradio_api/openapi.json"),
            (GET, "/gradio_api/custom_component/{id}/{environment}/{type}/{file_name}"),
            (GET, "/gradio_api/proxy={url_path:path}"),
            (HEAD, "/gradio_api/proxy={url_path:path}"),
            (GET, "/gradio_api/file={path_or_url:path}"),
            (HEAD, "/gradio_api/file={path_or_url:path}"),
            (GET, "/gradio_api/file/{path:path}"),
            (POST, "/gradio_api/stream/{event_id}"),
            (POST, "/gradio_api/stream/{event_id}/close"),
            (GET, "/gradio_api/stream/{session_hash}/{run}/{component_id}/playlist.m3u8"),
            (GET, "/gradio_api/stream/{session_hash}/{run}/{component_id}/{segment_id}.{ext}"),
            (GET, "/gradio_api/stream/{session_hash}/{run}/{component_id}/playlist-file"),
            (POST, "/gradio_api/reset/"),
            (POST, "/gradio_api/api/{api_name}"),
            (POST, "/gradio_api/api/{api_name}/"),
            (POST, "/gradio_api/run/{api_name}/"),
            (POST, "/gradio_api/call/{api_name}"),
            (POST, "/gradio_api/call/{api_name}/"),
            (POST, "/gradio_api/call/v2/{api_name}"),
            (POST, "/gradio_api/call/v2/{api_name}/"),
            (GET, "/gradio_api/call/{api_name}/{event_id}"),
            (GET, "/gradio_api/call/v2/{api_name}/{event_id}"),
            (POST, "/gradio_api/component_server"),
            (POST, "/gradio_api/component_server/"),
            (POST, "/gradio_api/queue/join"),
            (GET, "/gradio_api/queue/data"),
            (GET, "/gradio_api/queue/status"),
            (GET, "/gradio_api/theme.css"),
            (POST, "/gradio_api/process_recording"),
            (POST, "/gradio_api/vibe-edit"),
            (POST, "/gradio_api/vibe-edit/"),
            (POST, "/gradio_api/undo-vibe-edit"),
            (POST, "/gradio_api/undo-vibe-edit/"),
            (GET, "/gradio_api/vibe-code"),
            (GET, "/gradio_api/vibe-code/"),
            (POST, "/gradio_api/vibe-code"),
            (POST, "/gradio_api/vibe-code/"),
            (POST, "/gradio_api/vibe-starter-queries"),
            (POST, "/gradio_api/vibe-starter-queries/"),
        ],
        Need.CLOSED,
    ),
}


def need_of(method: str, path: str) -> Need | None:
    """What the table says of a route; None where it says nothing."""
    for prefix, need in PREFIXES.items():
        if path == prefix or path.startswith(f"{prefix}/"):
            return need
    return ROUTES.get((method, path))


def live_routes(app, before=""):
    """(method, path) of all that the application answers, mounted and included ones too."""
    for route in getattr(app, "routes", []):
        if hasattr(route, "original_router"):
            yield from live_routes(route.original_router, before + route.include_context.prefix)
            continue
        path, inner = before + getattr(route, "path", ""), getattr(route, "app", None)
        methods = getattr(route, "methods", None)
        if methods:
            yield from ((method, path) for method in sorted(methods))
        elif inner is not None and getattr(inner, "routes", None):
            yield from live_routes(inner, path)
        else:
            yield ALL, path
