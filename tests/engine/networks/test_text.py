import pytest
import torch
from tokenizers import BertWordPieceTokenizer

from engine.networks.text import LENGTH, build_text_encoder, pieces, read_vocabulary, rows
from engine.training.prompts import FINDINGS, known_pieces
from engine.training.workshop import VOCABULARY


@pytest.fixture(scope="module")
def vocabulary():
    return read_vocabulary(VOCABULARY)


@pytest.mark.parametrize(
    "text",
    [
        "effusion left lower, cardiomegaly, ap view",
        "Pleural thickening, PA view, female",
        "bilateral infiltrates; post-op (day 2)",
        "zzqx~pneumothorax",
        "",
    ],
)
def test_words_are_split_as_berts_tokenizer_splits_them(vocabulary, text):
    reference = BertWordPieceTokenizer(str(VOCABULARY), lowercase=True)

    assert pieces(text, vocabulary) == reference.encode(text, add_special_tokens=False).tokens


def test_rows_start_and_end_with_the_marks_and_are_padded(vocabulary):
    known = known_pieces(vocabulary)

    table = rows(["mass", " ".join(["mass"] * 60)], vocabulary, known)

    assert table.shape == (2, LENGTH)
    numbers = [known[row] for row in table[0, :4].tolist()]
    assert numbers == [101, vocabulary["mass"], 102, 0]
    assert known[int(table[1, -1])] == 102


def test_a_piece_the_model_does_not_know_is_unknown(vocabulary):
    table = rows(["banana"], vocabulary, known_pieces(vocabulary))

    assert known_pieces(vocabulary)[int(table[0, 1])] == vocabulary["[UNK]"]


def test_different_findings_have_different_states(vocabulary):
    torch.manual_seed(0)
    known = known_pieces(vocabulary)
    encoder = build_text_encoder(len(known), width=32, layers=1).eval()

    with torch.inference_mode():
        states = encoder(rows(list(FINDINGS.values()), vocabulary, known)).last_hidden_state

    assert states.shape == (len(FINDINGS), LENGTH, 32)
    assert torch.pdist(states.flatten(1)).min() > 1e-3
