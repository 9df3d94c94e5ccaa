"""Certificates and keys of our own making, for tests of TLS: RSA and DER by hand."""

import base64
import hashlib
import secrets
from datetime import UTC, datetime, timedelta
from functools import cache

SHA256_RSA, RSA, NAME = "1.2.840.113549.1.1.11", "1.2.840.113549.1.1.1", "2.5.4.3"
ALSO_NAMED = "2.5.29.17"
HASH_PREFIX = bytes.fromhex("3031300d060960864801650304020105000420")  # RFC 8017, 9.2
E = 65537


def pair(folder, name="server", begins=-1.0, ends=365.0, key=0):
    """Paths of a certificate for localhost and of its key; times in days from now."""
    modulus, private = keys(key)
    certificate, secret = folder / f"{name}.crt", folder / f"{name}.key"
    now = datetime.now(UTC)
    text = certified(modulus, private, *(now + timedelta(days=days) for days in (begins, ends)))
    certificate.write_text(text)
    secret.write_text(pem("RSA PRIVATE KEY", private_key(modulus, private)))
    secret.chmod(0o600)
    return certificate, secret


@cache
def keys(number):
    """A modulus of 2048 bits and (p, q, d) of it, made once in a run."""
    p, q = prime(), prime()
    return p * q, (p, q, pow(E, -1, (p - 1) * (q - 1)))


def prime(bits=1024):
    small = [n for n in range(3, 2000, 2) if all(n % m for m in range(3, int(n**0.5) + 1, 2))]
    while True:
        n = secrets.randbits(bits) | (3 << (bits - 2)) | 1
        if all(n % m for m in small) and all(pow(base, n - 1, n) == 1 for base in (2, 3, 5)):
            return n


def certified(modulus, private, begins, ends):
    name = sequence(tlv(0x31, sequence(oid(NAME), tlv(0x0C, b"localhost"))))
    public = sequence(integer(modulus), integer(E))
    also = sequence(tlv(0x82, b"localhost"), tlv(0x87, bytes([127, 0, 0, 1])))
    extension = sequence(oid(ALSO_NAMED), tlv(0x04, also))
    body = sequence(
        tlv(0xA0, integer(2)),
        integer(secrets.randbits(64)),
        sequence(oid(SHA256_RSA), tlv(0x05, b"")),
        name,
        sequence(moment(begins), moment(ends)),
        name,
        sequence(sequence(oid(RSA), tlv(0x05, b"")), tlv(0x03, b"\0" + public)),
        tlv(0xA3, sequence(extension)),
    )
    digest = HASH_PREFIX + hashlib.sha256(body).digest()
    length = (modulus.bit_length() + 7) // 8
    padded = b"\x00\x01" + b"\xff" * (length - len(digest) - 3) + b"\x00" + digest
    signed = pow(int.from_bytes(padded, "big"), private[2], modulus).to_bytes(length, "big")
    whole = sequence(body, sequence(oid(SHA256_RSA), tlv(0x05, b"")), tlv(0x03, b"\0" + signed))
    return pem("CERTIFICATE", whole)


def private_key(modulus, private):
    p, q, d = private
    numbers = (0, modulus, E, d, p, q, d % (p - 1), d % (q - 1), pow(q, -1, p))
    return sequence(*(integer(number) for number in numbers))


def pem(kind, data):
    text = base64.encodebytes(data).decode()
    return f"-----BEGIN {kind}-----\n{text}-----END {kind}-----\n"


def tlv(tag, content):
    size = len(content)
    if size < 128:
        return bytes([tag, size]) + content
    digits = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(digits)]) + digits + content


def sequence(*parts):
    return tlv(0x30, b"".join(parts))


def integer(number):
    return tlv(0x02, number.to_bytes(number.bit_length() // 8 + 1, "big"))


def oid(text):
    first, second, *rest = (int(part) for part in text.split("."))
    found = bytearray([first * 40 + second])
    for part in rest:
        digits = [part & 0x7F]
        while part := part >> 7:
            digits.append(0x80 | (part & 0x7F))
        found += bytes(reversed(digits))
    return tlv(0x06, bytes(found))


def moment(time):
    if time.year < 2050:
        return tlv(0x17, time.strftime("%y%m%d%H%M%SZ").encode())
    return tlv(0x18, time.strftime("%Y%m%d%H%M%SZ").encode())
