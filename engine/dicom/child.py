"""``python -m engine.dicom.child``: decodes one film from stdin in a bounded process.

The answer on stdout is one line of JSON, then the stored values, int32, little endian. Whatever
a hostile file does to a decoder happens here: the process that asked sees an answer or none.
"""

import json
import sys
import warnings
from dataclasses import asdict
from typing import Any

from engine import jail

MOST_MEMORY = 2 << 30  # bytes
MOST_SECONDS = 20
# Each thread would reserve memory of its own.
ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}


def bind() -> None:
    """Memory and processor time end here, where the system can enforce that."""
    try:
        import resource
    except ImportError:  # Windows: the parent's clock is the only bound
        return
    resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, MOST_MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (MOST_SECONDS, MOST_SECONDS))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def answer(data: bytes) -> bytes:
    """What is said of ``data``: one line of JSON, then the stored values where it is a film."""
    from engine.dicom import gate
    from engine.dicom.parsing import film_of
    from engine.errors import ImageUnreadable

    told: dict[str, Any]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # they quote values of the file
            film = film_of(gate.outline(data))
    except ImageUnreadable as error:
        return json.dumps({"sentence": str(error)}).encode() + b"\n"
    height, width = film.stored.shape
    facts = asdict(film)
    del facts["stored"]
    told = {"film": facts, "height": height, "width": width}
    return json.dumps(told).encode() + b"\n" + film.stored.astype("<i4").tobytes()


def main() -> int:
    bind()
    jail.seal()
    sys.stdout.buffer.write(answer(sys.stdin.buffer.read()))
    sys.stdout.buffer.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main())
