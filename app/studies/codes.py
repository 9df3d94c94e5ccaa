"""Reader codes: drawn at random, shown once, kept as salted hashes."""

import hashlib
import hmac
import secrets

ALPHABET = "23456789ABCDEFGHJKMNPQRSTVWXYZ"  # nothing that looks like another character
LETTERS = 8


def new_code(reader_id: str) -> str:
    """A code such as R03-K7PX-M2QD. It names the pseudonym and nothing else."""
    drawn = "".join(secrets.choice(ALPHABET) for _ in range(LETTERS))
    return f"{reader_id}-{drawn[:4]}-{drawn[4:]}"


def hash_code(code: str) -> str:
    """Salt and scrypt hash, in hex."""
    salt = secrets.token_bytes(16)
    return f"{salt.hex()}:{_stretched(_plain(code), salt)}"


def code_matches(code: str, reader_id: str, stored: str) -> bool:
    """Whether ``code`` is the reader's; dashes, spaces and lower case do not matter."""
    plain = _plain(code)
    if not plain.startswith(reader_id):
        return False
    salt, _, wanted = stored.partition(":")
    return hmac.compare_digest(_stretched(plain, bytes.fromhex(salt)), wanted)


def _plain(code: str) -> str:
    return "".join(letter for letter in code.upper() if letter.isascii() and letter.isalnum())[:64]


def _stretched(plain: str, salt: bytes) -> str:
    return hashlib.scrypt(plain.encode(), salt=salt, n=2**14, r=8, p=1).hex()
