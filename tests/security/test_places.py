"""An index of weights is believed in nothing: neither names nor places nor kinds."""

import pytest
import torch

from engine.checkpoints import jailed
from engine.checkpoints.places import Contradiction, members_of, rows_of, tensors_of
from engine.checkpoints.reading import read_weights
from engine.errors import CheckpointRefused
from tests.security.layouts import WEIGHTS, saved

NUMBERS = 600
GOOD = ["w", "float32", [20, 30], [30, 1], 0, 0, 4 * NUMBERS]
LIES = {
    "no list": {"w": GOOD},
    "no row": [5],
    "a short row": [GOOD[:6]],
    "a long row": [[*GOOD, 1]],
    "a name twice": [GOOD, GOOD],
    "a name that is none": [[7, *GOOD[1:]]],
    "a name without end": [["w" * 301, *GOOD[1:]]],
    "an unknown kind": [["w", "complex64", *GOOD[2:]]],
    "a kind that is none": [["w", "load", *GOOD[2:]]],
    "a truth for a number": [["w", "float32", [True, 30], *GOOD[3:]]],
    "a broken number": [["w", "float32", [20.0, 30], *GOOD[3:]]],
    "a negative stride": [["w", "float32", [20, 30], [-30, 1], *GOOD[4:]]],
    "a stride too few": [["w", "float32", [20, 30], [30], *GOOD[4:]]],
    "nine dimensions": [["w", "float32", [1] * 9, [1] * 9, *GOOD[4:]]],
    "more than all numbers": [["w", "float32", [2**41], [1], *GOOD[4:]]],
    "before the file": [[*GOOD[:5], -4, GOOD[6]]],
    "behind the file": [[*GOOD[:5], 4, GOOD[6]]],
    "far behind the file": [[*GOOD[:5], 2**39, 4]],
    "longer than the file": [[*GOOD[:6], 4 * NUMBERS + 4]],
    "half a number": [[*GOOD[:6], 4 * NUMBERS - 2]],
    "more than is stored": [["w", "float32", [20, 31], [31, 1], *GOOD[4:]]],
    "strides over the end": [["w", "float32", [20, 30], [31, 1], *GOOD[4:]]],
    "an offset over the end": [["w", "float32", [20, 30], [30, 1], 1, *GOOD[5:]]],
    "one of nothing": [["w", "float32", [1], [1], 0, 0, 0]],
}


@pytest.fixture
def file(tmp_path):
    (tmp_path / "weights").write_bytes(torch.arange(float(NUMBERS)).numpy().tobytes())
    return tmp_path / "weights"


@pytest.mark.case(16, 22, 26)
@pytest.mark.parametrize("lie", LIES)
def test_an_index_that_lies_is_refused(lie, file):
    with pytest.raises(Contradiction):
        tensors_of(rows_of(LIES[lie]), file, None)


@pytest.mark.case(22)
@pytest.mark.parametrize("start", [0, 8, 1200])
def test_weights_of_an_archive_lie_in_one_of_its_members(start, file):
    """Anywhere else no checksum was compared."""
    with pytest.raises(Contradiction):
        tensors_of(rows_of([[*GOOD[:5], start, 400]]), file, {1204: 400})


def test_the_index_of_these_tests_is_a_good_one(file):
    tensors = tensors_of(rows_of([GOOD]), file, None)

    assert tensors["w"].equal(torch.arange(600.0).reshape(20, 30))


@pytest.mark.case(22)
def test_the_members_of_an_archive_are_found_where_they_are(tmp_path):
    file = tmp_path / "weights.pt"
    file.write_bytes(saved(WEIGHTS))
    data = file.read_bytes()

    first = WEIGHTS["encoder.weight"].numpy().tobytes()

    assert members_of(file)[data.index(first)] == len(first)


@pytest.mark.parametrize(
    "answer",
    [
        jailed.Answer(told=LIES["behind the file"]),
        jailed.Answer(told=[[*GOOD[:5], 0, 40]]),
        jailed.Answer("made up", ("<script>",)),
        jailed.Answer("foreign", ("x\n" * 50,)),
    ],
)
def test_an_answer_that_makes_no_sense_is_one_sentence(answer, tmp_path, monkeypatch):
    """Of a process that the file took over: not even its words are passed on."""
    file = tmp_path / "weights.pt"
    file.write_bytes(saved(WEIGHTS))
    monkeypatch.setattr(jailed, "_answer", lambda *_: answer)

    with pytest.raises(CheckpointRefused) as refused:
        read_weights(file)

    assert "script" not in str(refused.value) and "\n" not in str(refused.value)
    assert str(refused.value).startswith("The file 'weights.pt' ")
