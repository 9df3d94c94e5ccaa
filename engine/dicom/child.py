"""``python -m engine.dicom.child``: decodes one film from stdin in a bounded process.

The answer on stdout is one line of JSON, then the stored values, int32, little endian. Whatever
a hostile file does to a decoder happens here: the process that asked sees an answer or none.
"""

import json
import sys
import warnings
from dataclasses import asdict
from typing import Any

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


def main() -> int:
    bind()
    from engine.dicom import gate
    from engine.dicom.parsing import film_of
    from engine.errors import ImageUnreadable

    warnings.simplefilter("ignore")  # they quote values of the file
    answer: dict[str, Any]
    body = b""
    try:
        film = film_of(gate.outline(sys.stdin.buffer.read()))
        height, width = film.stored.shape
        facts = asdict(film)
        del facts["stored"]
        answer = {"film": facts, "height": height, "width": width}
        body = film.stored.astype("<i4").tobytes()
    except ImageUnreadable as error:
        answer = {"sentence": str(error)}
    sys.stdout.buffer.write(json.dumps(answer).encode() + b"\n" + body)
    sys.stdout.buffer.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main())
