"""Sending to one archive: an SCP in this process, a small DICOMweb server, and a real Orthanc."""

import contextlib
import http.server
import io
import json
import shutil
import socket
import subprocess
import threading
import time
import urllib.request
from pathlib import Path
from typing import ClassVar

import pydicom
import pytest
from pynetdicom import AE, evt
from pynetdicom.sop_class import Verification

from engine.cli.main import main
from engine.dicom.peers import Peer, check, read_peer, require_ours, send
from engine.dicom.segmentation import organ_segments, segmentation_of
from engine.dicom.writing import CAPTURE, film_of, to_bytes
from engine.errors import EngineError, InvalidRequest
from engine.files import data_folder
from engine.ledger import NAME, entries
from engine.provenance import recipe_of
from tests.engine.dicom.exports import HASHES, ORGANS, generated, noise
from tests.engine.dicom.films import film

SEG = "1.2.840.10008.5.1.4.1.1.66.4"


@contextlib.contextmanager
def archive(status=0, classes=(CAPTURE, SEG, Verification), title="ARCHIVE", slow=0.0, tls=None):
    """An archive by C-STORE; what it took is in the list."""
    taken = []
    done = threading.Event()

    def store(event):
        done.wait(slow)
        if status == 0 and not slow:
            taken.append(event.dataset)
        return status

    entity = AE(title)
    entity.require_called_aet = True
    for one in classes:
        entity.add_supported_context(one)
    server = entity.start_server(
        ("127.0.0.1", 0), block=False, evt_handlers=[(evt.EVT_C_STORE, store)], ssl_context=tls
    )
    try:
        yield server.server_address[1], taken
    finally:
        done.set()
        server.shutdown()


def at(port, **changes):
    told = {"name": "The archive", "way": "C-STORE", "host": "127.0.0.1", "port": port,
            "title": "ARCHIVE", "seconds": 20.0, **changes}  # fmt: skip
    return Peer(**told)


def free_port():
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        return door.getsockname()[1]


def picture_and_masks():
    request_recipe = recipe_of_generated()
    ds = film_of(noise(), request_recipe)
    return to_bytes(ds), to_bytes(segmentation_of(ds, organ_segments(ORGANS)))


def recipe_of_generated():
    from engine.api import GenerateRequest

    return recipe_of(GenerateRequest(), "stand-in", HASHES)


def test_a_picture_arrives_as_it_was_written():
    data = generated(noise(), "none")
    with archive() as (port, taken):
        check(at(port))
        send(at(port), [data])

    sent = pydicom.dcmread(io.BytesIO(data))
    (arrived,) = taken
    assert arrived.SOPInstanceUID == sent.SOPInstanceUID and arrived.SyntheticData == "YES"
    assert arrived.PixelData == sent.PixelData


def test_masks_arrive_beside_their_picture():
    pytest.importorskip("highdicom", reason="needs a Python for which it exists")
    with archive() as (port, taken):
        send(at(port), list(picture_and_masks()))

    assert [str(ds.SOPClassUID) for ds in taken] == [CAPTURE, SEG]


@pytest.mark.case(45)
@pytest.mark.parametrize(
    "data",
    [
        film(), film(SyntheticData="YES"), film(PatientName="SYNTHETIC^0A0B0C0D"),
        film(SyntheticData="YES", PatientName="SYNTHETIC^0A0B0C0D", PatientID="XRS-0A0B0C0D"),
        b"", b"x" * 400,
    ],
)  # fmt: skip
def test_no_film_of_a_patient_is_ever_sent(data):
    says = "Only DICOM files that XReal Studio wrote"
    with archive() as (port, taken), pytest.raises(InvalidRequest, match=says):
        send(at(port), [generated(noise()), data])
    assert taken == []


@pytest.mark.parametrize(
    ("options", "changes", "says"),
    [
        ({"title": "OTHER"}, {}, "does not talk to 'XREAL', or is not called 'ARCHIVE'"),
        ({"classes": (Verification,)}, {}, "does not take this kind of picture"),
        ({"status": 0xA700}, {}, "no room left"),
        ({"status": 0xC000}, {}, "refused the picture .DICOM status C000"),
        ({"slow": 30.0}, {"seconds": 1.0}, "did not answer within 1 s"),
    ],
)
def test_each_failure_of_an_archive_is_a_sentence(options, changes, says):
    with archive(**options) as (port, taken), pytest.raises(EngineError, match=says):
        send(at(port, **changes), [generated(noise())])
    assert taken == []


def test_an_archive_that_is_not_there_is_a_sentence():
    peer = at(free_port(), seconds=2.0)
    for ask in (lambda: check(peer), lambda: send(peer, [generated(noise())])):
        with pytest.raises(EngineError, match="cannot be reached at port"):
            ask()


# TLS, with an authority made for the test


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed, which makes the certificates of this test")
    folder = tmp_path_factory.mktemp("tls")
    words = "req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -addext"
    files = ["-keyout", str(folder / "key.pem"), "-out", str(folder / "cert.pem")]
    subprocess.run(
        ["openssl", *words.split(), "subjectAltName=IP:127.0.0.1", *files],
        check=True,
        capture_output=True,
    )
    return folder


def test_a_picture_is_sent_by_tls_to_who_is_trusted_only(certificates, tmp_path):
    import ssl

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificates / "cert.pem", certificates / "key.pem")
    with archive(tls=context) as (port, taken):
        trusting = at(port, tls=True, authority=str(certificates / "cert.pem"))
        check(trusting)
        send(trusting, [generated(noise())])
        assert len(taken) == 1
        with pytest.raises(EngineError, match="cannot be reached by TLS"):
            send(at(port, tls=True, seconds=5.0), [generated(noise())])
        with pytest.raises(EngineError, match="certificates in the description"):
            send(at(port, tls=True, authority=str(tmp_path / "none")), [generated(noise())])
    assert len(taken) == 1


# STOW-RS, against a server of the test


class Web(http.server.BaseHTTPRequestHandler):
    status, body = 200, b"{}"
    seen: ClassVar[list] = []

    def do_POST(self):
        data = self.rfile.read(int(self.headers["content-length"]))
        type(self).seen.append((self.path, self.headers.get("authorization"), data))
        self.answered(self.status, self.body)

    def do_GET(self):
        self.answered(self.status, b"[]")

    def answered(self, status, body):
        self.send_response(status)
        if status == 302:
            self.send_header("Location", "http://127.0.0.1:1/")
        self.send_header("Content-Type", "application/dicom+json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@contextlib.contextmanager
def web(status=200, body=b"{}"):
    kind = type("Answers", (Web,), {"status": status, "body": body, "seen": []})
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), kind)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/dicom-web", kind.seen
    finally:
        server.shutdown()
        server.server_close()


def by_web(url, **changes):
    return Peer(name="The web archive", way="STOW-RS", url=url, seconds=20.0, **changes)


def test_a_picture_is_posted_whole_with_user_and_password(tmp_path):
    (tmp_path / "password").write_text("secret\n")
    data = generated(noise())
    with web() as (url, seen):
        peer = by_web(url, user="me", password_file=str(tmp_path / "password"))
        check(peer)
        send(peer, [data])

    ((path, authorization, body),) = seen
    assert path.endswith("/dicom-web/studies") and authorization == "Basic bWU6c2VjcmV0"
    assert pydicom.dcmread(io.BytesIO(data)).PixelData in body


FAILED = json.dumps({"00081198": {"vr": "SQ", "Value": [{}]}}).encode()


@pytest.mark.parametrize(
    ("status", "body", "says"),
    [
        (401, b"", "another user or password"),
        (404, b"", "no DICOMweb service at the address"),
        (507, b"", "no room"),
        (500, b"", "refused the picture .HTTP status 500"),
        (200, FAILED, "did not keep what was sent"),
        (200, b"<html>", "is no DICOMweb service"),
        (302, b"", "cannot be reached"),
    ],
)
def test_each_failure_of_a_web_archive_is_a_sentence(status, body, says):
    with web(status, body) as (url, _), pytest.raises(EngineError, match=says):
        send(by_web(url), [generated(noise())])


def test_a_web_archive_that_is_not_there_is_a_sentence():
    with pytest.raises(EngineError, match="cannot be reached"):
        check(by_web(f"http://127.0.0.1:{free_port()}/dicom-web"))


# The description of the peer, and the command


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "is not JSON of this form"),
        ("[]", "is not JSON of this form"),
        ('{"name": "a"}', "lacks its 'way'"),
        ('{"name": "a", "way": "FTP"}', "C-STORE or STOW-RS, not 'FTP'"),
        ('{"name": "a", "way": "C-STORE", "host": "h", "port": 70000, "title": "T"}', "1 to 65535"),
        ('{"name": "a", "way": "C-STORE", "host": "h", "port": "1", "title": "T"}', "'port'"),
        ('{"name": "a", "way": "STOW-RS", "url": "file:///etc/passwd"}', "address of its DICOMweb"),
        ('{"name": "a", "way": "STOW-RS", "url": "http://h/", "x": 1}', "has no 'x'"),
        ('{"name": "a", "way": "STOW-RS", "url": "http://h/", "tls": 1}', "'tls'"),
        ('{"name": "a", "way": "STOW-RS", "url": "http://h/", "seconds": 0}', "from 1 to 600"),
    ],
)
def test_a_wrong_description_is_a_sentence(tmp_path, text, says):
    (tmp_path / "peer.json").write_text(text)
    with pytest.raises(InvalidRequest, match=says):
        read_peer(tmp_path / "peer.json")


def described(folder, port):
    told = {"name": "Archive", "way": "C-STORE", "host": "127.0.0.1", "port": port,
            "title": "ARCHIVE", "seconds": 20}  # fmt: skip
    (folder / "peer.json").write_text(json.dumps(told))
    return str(folder / "peer.json")


def test_the_command_sends_and_enters_it_in_the_ledger(tmp_path, capsys):
    data = generated(noise())
    (tmp_path / "a.dcm").write_bytes(data)
    (tmp_path / "real.dcm").write_bytes(film())
    with archive() as (port, taken):
        peer = described(tmp_path, port)
        assert main(["send", "--check", "--peer", peer]) == 0
        assert main(["send", str(tmp_path / "a.dcm"), "--peer", peer]) == 0
        assert main(["send", str(tmp_path / "real.dcm"), "--peer", peer]) == 2
        assert main(["send", "--peer", peer]) == 2

    assert len(taken) == 1
    said = capsys.readouterr()
    assert "'Archive' answers." in said.out and "1 file sent to 'Archive'." in said.out
    assert "real.dcm: Only DICOM files that XReal Studio wrote" in said.err
    last = entries(data_folder() / NAME)[-1]
    assert (last["kind"], last["sent"]) == ("dicom", "C-STORE") and last["recipe"]


def test_what_this_program_wrote_is_told_from_the_rest():
    require_ours(generated(noise()))


# A real archive


@pytest.fixture(scope="module")
def orthanc(tmp_path_factory):
    """A running Orthanc of the system, on this computer only: its ports by DICOM and HTTP."""
    path = shutil.which("Orthanc")
    if path is None:
        pytest.skip("Orthanc is not installed (on Debian: orthanc and orthanc-dicomweb)")
    plugin = next(Path("/usr").glob("*/orthanc/plugins/libOrthancDicomWeb.so"), None)
    if plugin is None:
        pytest.skip("the DICOMweb plugin of Orthanc is not installed (orthanc-dicomweb)")
    folder = tmp_path_factory.mktemp("orthanc")
    dicom, web = free_port(), free_port()
    (folder / "orthanc.json").write_text(
        json.dumps(
            {
                "Name": "Test", "StorageDirectory": str(folder / "db"), "DicomAet": "ORTHANC",
                "IndexDirectory": str(folder / "db"), "DicomPort": dicom, "HttpPort": web,
                "RemoteAccessAllowed": False, "AuthenticationEnabled": False,
                "DicomCheckCalledAet": True, "Plugins": [str(plugin)],
                "DicomWeb": {"Enable": True, "Root": "/dicom-web/"},
            }
        )
    )  # fmt: skip
    with (folder / "log").open("wb") as log:
        running = subprocess.Popen([path, str(folder / "orthanc.json")], stdout=log, stderr=log)
    try:
        for _ in range(600):
            if running.poll() is not None:
                pytest.skip(f"Orthanc does not start here: {(folder / 'log').read_text()[-300:]}")
            with contextlib.suppress(OSError):
                ask(web, "/system")
                break
            time.sleep(0.1)
        else:
            pytest.fail("Orthanc did not answer within a minute")
        yield dicom, web
    finally:
        running.terminate()
        running.wait(timeout=30)


def ask(port, path):
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=30) as answer:
        return answer.read()


@pytest.mark.parametrize("way", ["C-STORE", "STOW-RS"])
def test_orthanc_keeps_picture_and_masks_exactly(orthanc, way):
    pytest.importorskip("highdicom", reason="needs a Python for which it exists")
    dicom, web = orthanc
    peer = (
        at(dicom, title="ORTHANC")
        if way == "C-STORE"
        else by_web(f"http://127.0.0.1:{web}/dicom-web")
    )
    picture, masks = picture_and_masks()

    check(peer)
    send(peer, [picture, masks])

    for data in (picture, masks):
        ds = pydicom.dcmread(io.BytesIO(data))
        wanted = json.dumps({"Level": "Instance", "Query": {"SOPInstanceUID": ds.SOPInstanceUID}})
        request = urllib.request.Request(
            f"http://127.0.0.1:{web}/tools/find", wanted.encode(), method="POST"
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            (id,) = json.loads(answer.read())
        kept = pydicom.dcmread(io.BytesIO(ask(web, f"/instances/{id}/file")))
        assert kept.PixelData == ds.PixelData and kept.SyntheticData == "YES"


def test_orthanc_that_is_called_otherwise_refuses(orthanc):
    with pytest.raises(EngineError, match="does not talk to"):
        check(at(orthanc[0], title="NOBODY"))
