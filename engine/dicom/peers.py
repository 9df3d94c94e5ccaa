"""Sending to one configured peer: C-STORE to an archive, or STOW-RS to a DICOMweb address.

Off unless somebody names a file that says who the peer is. Only files of ours are sent: pictures
marked synthetic, and their masks. The peer stores what it gets anew, so the recipe, which lies in
the file's header, does not arrive with it; the marks in the data set and in the pixels do.
"""

import io
import json
import re
import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, cast, get_args
from urllib.parse import urlsplit

from engine.dicom import gate
from engine.dicom.segmentation import OWN
from engine.dicom.writing import CAPTURE
from engine.errors import EngineError, ImageUnreadable, InvalidRequest

Way = Literal["C-STORE", "STOW-RS"]
SEGMENTATION = "1.2.840.10008.5.1.4.1.1.66.4"
OURS = {"PatientName", "PatientID", "SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID"}
LONGEST_FILE = 20_000  # bytes of a description of a peer
FORM = (
    '{"name": "Research archive", "way": "C-STORE", "host": "127.0.0.1", "port": 4242, '
    '"title": "ARCHIVE"} or {"name": "Research archive", "way": "STOW-RS", '
    '"url": "https://archive.example/dicom-web"}'
)


class NotSent(EngineError):
    """The peer did not take it; what was made is still here."""


@dataclass(frozen=True, kw_only=True)
class Peer:
    """``name`` is what the page calls it. C-STORE: ``host``, ``port`` and the application entity
    ``title`` of the peer, ``own_title`` of ours; TLS where ``tls`` is True. STOW-RS: the ``url`` of
    its DICOMweb service, ``user`` and ``password_file`` where it asks for them. ``authority`` is a
    file of certificates to trust, ``certificate`` and ``key`` are ours; ``seconds`` each answer may
    take."""

    name: str
    way: Way
    host: str = ""
    port: int = 0
    title: str = ""
    own_title: str = "XREAL"
    tls: bool = False
    url: str = ""
    user: str = ""
    password_file: str = ""
    authority: str = ""
    certificate: str = ""
    key: str = ""
    seconds: float = 30.0

    def __post_init__(self) -> None:
        if self.way not in get_args(Way):
            raise InvalidRequest(f"A peer is reached by C-STORE or STOW-RS, not '{self.way}'.")
        if not 0 < len(self.name) <= 64:
            raise InvalidRequest("The peer needs a name of at most 64 letters.")
        if not 1 <= self.seconds <= 600:
            raise InvalidRequest("The seconds that a peer may take go from 1 to 600.")
        if self.way == "C-STORE":
            titles = all(0 < len(t) <= 16 and t.isascii() for t in (self.title, self.own_title))
            if not (self.host and 1 <= self.port <= 65535 and titles):
                raise InvalidRequest(
                    "A peer by C-STORE needs its host, its port (1 to 65535) and its application "
                    f"entity title (at most 16 letters), for example {FORM}."
                )
        elif urlsplit(self.url).scheme not in ("http", "https") or not urlsplit(self.url).hostname:
            raise InvalidRequest(
                f"A peer by STOW-RS needs the address of its DICOMweb service, for example {FORM}."
            )


def read_peer(path: str | Path) -> Peer:
    """The peer that a JSON file describes; raises :class:`InvalidRequest` with what is wrong."""
    path = Path(path)
    try:
        data = path.read_bytes()
    except OSError as error:
        raise InvalidRequest(
            f"The description of the peer cannot be read: {error.strerror}."
        ) from error
    try:
        told = json.loads(data) if len(data) <= LONGEST_FILE else None
    except (ValueError, RecursionError):
        told = None
    if not isinstance(told, Mapping):
        raise InvalidRequest(f"The description of the peer is not JSON of this form: {FORM}.")
    known = Peer.__dataclass_fields__
    for name, value in told.items():
        if name not in known:
            raise InvalidRequest(f"A peer has no '{name}'. It has: {', '.join(known)}.")
        fits = isinstance(value, bool) if name == "tls" else not isinstance(value, bool)
        kind = {"port": int, "seconds": (int, float), "tls": bool}.get(name, str)
        if not fits or not isinstance(value, kind):
            raise InvalidRequest(f"'{name}' in the description of the peer is not what it must be.")
    missing = [name for name in ("name", "way") if name not in told]
    if missing:
        raise InvalidRequest(f"The description of the peer lacks its '{missing[0]}': {FORM}.")
    return Peer(**cast(Any, told))


def require_ours(data: bytes) -> None:
    """Refuses a file that this program did not make synthetic: no patient's film is ever sent."""
    try:
        outline = gate.outline(data)
        right = outline.text(0x0008001C) == "YES" and all(
            re.fullmatch(form, outline.text(tag))
            for name, (tag, form) in OWN.items()
            if name in OURS
        )
    except ImageUnreadable:
        right = False
    if not right:
        raise InvalidRequest(
            "Only DICOM files that XReal Studio wrote are sent: synthetic pictures and their "
            "masks. This is none."
        )


def check(peer: Peer) -> None:
    """Ask the peer whether it is there and talks to us; raises :class:`NotSent` where not."""
    if peer.way == "STOW-RS":
        _web(peer, lambda client: client.search_for_studies(limit=1))
        return
    from pynetdicom.sop_class import Verification  # pyright: ignore[reportAttributeAccessIssue]

    association = _associated(peer, [Verification])
    try:
        answer = association.send_c_echo()
    finally:
        association.release()
    if getattr(answer, "Status", None) != 0:
        raise NotSent(f"'{peer.name}' was reached but did not answer the check. Ask who runs it.")


def send(peer: Peer, files: Sequence[bytes]) -> None:
    """Send DICOM files of ours. Raises :class:`NotSent` with how far it came."""
    from pydicom import dcmread

    for data in files:
        require_ours(data)
    datasets = [dcmread(io.BytesIO(data)) for data in files]
    if peer.way == "STOW-RS":
        answer = _web(peer, lambda client: client.store_instances(datasets))
        if answer is not None and answer.get("FailedSOPSequence"):
            raise NotSent(
                f"'{peer.name}' did not keep what was sent. It may not take this kind of picture: "
                "ask who runs it. The picture is still here."
            )
        return
    association = _associated(peer, [CAPTURE, SEGMENTATION])
    try:
        for count, dataset in enumerate(datasets):
            _store(peer, association, dataset, count, len(datasets))
    finally:
        if association.is_established:
            association.release()


def _store(peer: Peer, association: Any, dataset: Any, count: int, all_of_them: int) -> None:
    so_far = f"{count} of {all_of_them} files were taken before. " if count else ""
    try:
        status = association.send_c_store(dataset).get("Status")
    except (ValueError, RuntimeError) as error:  # no such context, or the line went dead
        raise NotSent(
            f"'{peer.name}' does not take this kind of picture, or the connection ended. {so_far}"
            "Ask who runs it. The picture is still here."
        ) from error
    if status is None:
        raise NotSent(
            f"'{peer.name}' did not answer within {peer.seconds:g} s, or the connection broke. "
            f"{so_far}Look there before you send it again. The picture is still here."
        )
    if status >> 8 == 0xA7:
        raise NotSent(f"'{peer.name}' has no room left. {so_far}The picture is still here.")
    if status != 0 and status >> 8 != 0xB0:  # B0xx: taken, with a warning
        raise NotSent(
            f"'{peer.name}' refused the picture (DICOM status {status:04X}). {so_far}"
            "Ask who runs it. The picture is still here."
        )


def _associated(peer: Peer, classes: Sequence[Any]) -> Any:
    from pydicom.uid import ExplicitVRLittleEndian
    from pynetdicom.ae import ApplicationEntity

    entity = ApplicationEntity(peer.own_title)
    entity.acse_timeout = entity.dimse_timeout = entity.network_timeout = peer.seconds
    entity.connection_timeout = peer.seconds
    for one in classes:
        entity.add_requested_context(one, ExplicitVRLittleEndian)
    tls = (_context(peer), peer.host) if peer.tls else None
    association = entity.associate(peer.host, peer.port, ae_title=peer.title, tls_args=tls)
    if association.is_established:
        return association
    if association.is_rejected:
        raise NotSent(
            f"'{peer.name}' does not talk to '{peer.own_title}', or is not called '{peer.title}'. "
            "Have both titles entered there. Nothing was sent."
        )
    if association.rejected_contexts:
        raise NotSent(
            f"'{peer.name}' does not take this kind of picture. Ask who runs it. Nothing was sent."
        )
    how = " by TLS" if peer.tls else ""
    raise NotSent(
        f"'{peer.name}' cannot be reached{how} at port {peer.port}. Is it running, and does it "
        f"{'use TLS with a certificate that is trusted here' if peer.tls else 'expect no TLS'}? "
        "Nothing was sent."
    )


def _context(peer: Peer) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=peer.authority or None)
        if peer.certificate:
            context.load_cert_chain(peer.certificate, peer.key or None)
    except (OSError, ssl.SSLError) as error:
        raise NotSent(
            "The certificates in the description of the peer cannot be read. Nothing was sent."
        ) from error
    return context


def _web(peer: Peer, ask: Any) -> Any:
    import requests
    from dicomweb_client import DICOMwebClient

    session = requests.Session()
    session.trust_env = False  # no proxy and no password that nobody here wrote down
    session.max_redirects = 0
    if peer.authority:
        session.verify = peer.authority
    if peer.certificate:
        session.cert = (peer.certificate, peer.key) if peer.key else peer.certificate
    if peer.user:
        session.auth = (peer.user, _password(peer))
    client = DICOMwebClient(peer.url, session=session, timeout=peer.seconds)
    client.set_http_retry_params(retry=False)
    try:
        return ask(client)
    except requests.exceptions.SSLError as error:
        raise NotSent(
            f"'{peer.name}' has no certificate that is trusted here. Name the authority in the "
            "description of the peer. Nothing was sent."
        ) from error
    except requests.exceptions.HTTPError as error:
        raise NotSent(_of_status(peer, error)) from error
    except requests.exceptions.Timeout as error:
        raise NotSent(
            f"'{peer.name}' did not answer within {peer.seconds:g} s. Look there before you send "
            "it again. The picture is still here."
        ) from error
    except requests.exceptions.JSONDecodeError as error:
        raise NotSent(_not_dicomweb(peer)) from error
    except (requests.exceptions.RequestException, OSError) as error:
        raise NotSent(
            f"'{peer.name}' cannot be reached. Is it running? The picture is still here."
        ) from error
    except (ValueError, TypeError, KeyError) as error:  # an answer that is no DICOMweb
        raise NotSent(_not_dicomweb(peer)) from error


def _not_dicomweb(peer: Peer) -> str:
    return (
        f"What answers for '{peer.name}' is no DICOMweb service. Check its address. The picture is "
        "still here."
    )


def _of_status(peer: Peer, error: Any) -> str:
    status = getattr(error.response, "status_code", 0)
    if status in (401, 403):
        return f"'{peer.name}' asks for another user or password. Nothing was sent."
    if status == 404:
        return f"There is no DICOMweb service at the address of '{peer.name}'. Nothing was sent."
    if status in (413, 507):
        return f"'{peer.name}' has no room for the picture. The picture is still here."
    return (
        f"'{peer.name}' refused the picture (HTTP status {status}). Ask who runs it. The picture "
        "is still here."
    )


def _password(peer: Peer) -> str:
    try:
        return Path(peer.password_file).read_text("utf-8").strip()
    except (OSError, UnicodeError) as error:
        raise NotSent("The password file of the peer cannot be read. Nothing was sent.") from error
