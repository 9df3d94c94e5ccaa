"""The certificate of the server, looked at before anything listens."""

import os
import ssl
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from app.settings import Unsuitable

SOON = timedelta(days=30)
SEQUENCE, UTC_TIME, GENERAL_TIME, VERSION = 0x30, 0x17, 0x18, 0xA0


@dataclass(frozen=True)
class Validity:
    begins: datetime
    ends: datetime


class _NeedsPassphrase(Exception):
    pass


def checked(certificate: Path, key: Path, now: datetime | None = None) -> Validity:
    """When the certificate is valid; raises :class:`Unsuitable` where it cannot be used now."""
    now = now or datetime.now(UTC)
    for what, path in (("certificate", certificate), ("key", key)):
        try:
            path.read_bytes()
        except OSError as error:
            raise Unsuitable(
                f"The {what} '{path}' cannot be read ({error.strerror}). Check the path and who "
                "may read it."
            ) from error
    if os.name == "posix" and key.stat().st_mode & 0o007:
        raise Unsuitable(
            f"Everybody on this computer may read the key '{key}'. Type: chmod o-rwx '{key}'"
        )
    _refuse_misfit(certificate, key)
    found = validity(certificate.read_text("latin-1"))
    if now < found.begins:
        raise Unsuitable(
            f"The certificate '{certificate}' is valid from {said(found.begins)} on, which is in "
            "the future. Check the clock of this computer."
        )
    if now >= found.ends:
        raise Unsuitable(
            f"The certificate '{certificate}' expired on {said(found.ends)}. Have it renewed, "
            "then start again."
        )
    return found


def _refuse_misfit(certificate: Path, key: Path) -> None:
    def passphrase() -> str:
        raise _NeedsPassphrase

    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, key, passphrase)
    except _NeedsPassphrase:
        raise Unsuitable(
            f"The key '{key}' is locked by a passphrase, and nobody is there to type it when a "
            "server starts. Store it without one, readable by its owner only."
        ) from None
    except ssl.SSLError as error:
        if error.reason == "KEY_VALUES_MISMATCH":
            raise Unsuitable(
                f"The key '{key}' does not belong to the certificate '{certificate}'. "
                "Name the pair that was made together."
            ) from error
        raise Unsuitable(
            f"'{certificate}' and '{key}' are no certificate and key that can be used. Both are "
            "PEM files: text that begins with BEGIN CERTIFICATE and with BEGIN PRIVATE KEY."
        ) from error


def validity(pem: str) -> Validity:
    """From the first certificate of a PEM text (RFC 5280, 4.1): version, serial number, signature,
    issuer, validity, ..., where the version may be missing."""
    end = "-----END CERTIFICATE-----"
    start = pem.index("-----BEGIN CERTIFICATE-----")
    der = ssl.PEM_cert_to_DER_cert(pem[start : pem.index(end, start) + len(end)])
    fields = parts(parts(parts(der)[0][1])[0][1])
    if fields[0][0] == VERSION:
        fields = fields[1:]
    begins, ends = (moment(kind, text) for kind, text in parts(fields[3][1]))
    return Validity(begins, ends)


def parts(data: bytes) -> list[tuple[int, bytes]]:
    """The elements of a DER sequence: tag and content of each."""
    found, at = [], 0
    while at < len(data):
        tag, length, at = data[at], data[at + 1], at + 2
        if length & 0x80:
            digits = length & 0x7F
            length, at = int.from_bytes(data[at : at + digits], "big"), at + digits
        found.append((tag, data[at : at + length]))
        at += length
    return found


def moment(kind: int, text: bytes) -> datetime:
    """A time of a certificate; two digits of a year below 50 are of this century."""
    digits = text.decode("ascii")
    if kind == UTC_TIME:
        digits = ("20" if int(digits[:2]) < 50 else "19") + digits
    return datetime.strptime(digits, "%Y%m%d%H%M%SZ").replace(tzinfo=UTC)


def said(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d} at {moment:%H:%M} UTC"


def remark(found: Validity, now: datetime | None = None) -> str:
    """What the start says of it."""
    left = found.ends - (now or datetime.now(UTC))
    soon = " Have it renewed soon." if left < SOON else ""
    return f"The certificate is valid until {said(found.ends)} ({left.days} days).{soon}"
