"""The door in: the bytes of a DICOM file become a :class:`Film`, decoded in another process."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine import png
from engine.dicom import carrying, child, gate
from engine.dicom.film import Film
from engine.dicom.tones import Lut, Tones, Window
from engine.errors import ImageUnreadable
from engine.marks import KEYWORD, rows_without_strip

PROJECT = Path(__file__).resolve().parents[2]
PATIENCE = child.MOST_SECONDS + 10  # seconds by the wall clock, its start included
BROKEN = (
    "The picture in this DICOM file cannot be decoded: it is damaged, or compressed in a broken "
    "way. Export it uncompressed from the PACS."
)


def read_film(data: bytes) -> Film:
    """The film in ``data``. Raises :class:`ImageUnreadable` with what is the case and what to do.

    Bytes are looked at here; everything that interprets them runs in a process with bounded
    memory (2 GB) and time (20 s), which may die of the file without harm. A strip that this
    program added below a film is left out.
    """
    outline = gate.outline(data)
    answer = _answer(data)
    head, _, body = answer.partition(b"\n")
    try:
        told = json.loads(head)
        if "sentence" in told:
            raise ImageUnreadable(str(told["sentence"]))
        film = _film(told, body)
    except (ValueError, KeyError, TypeError) as error:  # it died while it answered
        raise ImageUnreadable(BROKEN) from error
    recipe = png.texts(carrying.chunks_in(outline) or []).get(KEYWORD, "")
    rows = rows_without_strip(recipe, *film.stored.shape)
    return film if rows is None else replace(film, stored=film.stored[:rows])


def _answer(data: bytes) -> bytes:
    found = os.pathsep.join(filter(None, (str(PROJECT), os.environ.get("PYTHONPATH"))))
    try:
        done = subprocess.run(
            [sys.executable, "-m", "engine.dicom.child"],
            input=data,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,  # libraries quote values of the file there
            env={**os.environ, **child.ONE_THREAD, "PYTHONPATH": found},
            cwd=PROJECT,
            timeout=PATIENCE,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise ImageUnreadable(
            "The picture in this DICOM file took too long to decode, so it was not opened. Export "
            "it uncompressed from the PACS."
        ) from error
    if done.returncode != 0:
        raise ImageUnreadable(BROKEN)
    return done.stdout


def _film(told: dict[str, Any], body: bytes) -> Film:
    shape = int(told["height"]), int(told["width"])
    return film_of_facts(told["film"], np.frombuffer(body, "<i4").reshape(shape).astype(np.int32))


def film_of_facts(told: dict[str, Any], stored: NDArray[np.int32]) -> Film:
    """The film whose fields, but its values, are the plain values in ``told``."""
    facts = dict(told)
    pairs = {
        name: tuple(facts[name]) if facts[name] else None for name in ("orientation", "spacing_mm")
    }
    tones = dict(facts["tones"])
    tones["voi"] = _voi(tones["voi"])
    tones["modality"] = _lut(tones["modality"]) if tones["modality"] else None
    return Film(
        **{
            **facts,
            **pairs,
            "tones": Tones(**tones),
            "notes": tuple(facts["notes"]),
            "stored": stored,
        }
    )


def _voi(told: dict[str, Any]) -> Window | Lut:
    return _lut(told) if "entries" in told else Window(**told)


def _lut(told: dict[str, Any]) -> Lut:
    return Lut(first=told["first"], bits=told["bits"], entries=tuple(told["entries"]))
