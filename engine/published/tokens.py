"""Words to word-piece numbers for the published text encoders (BERT's uncased vocabulary)."""

from collections.abc import Callable
from pathlib import Path

from engine.errors import ModelMissing

Tokenizer = Callable[[str, int], list[int]]  # (text, length) -> exactly ``length`` numbers


def read_tokenizer(vocabulary: Path) -> Tokenizer:
    """A tokenizer from ``vocab.txt``, one piece a line.

    Numbers start with [CLS], end with [SEP], and are filled up with [PAD] = 0; the networks
    attend to that padding, so its length is part of the model.
    """
    from tokenizers.implementations import BertWordPieceTokenizer

    if not vocabulary.exists():
        raise ModelMissing(
            f"The vocabulary '{vocabulary.name}' of the published models is missing from the "
            "installation. Install XReal Studio again."
        )
    pieces = BertWordPieceTokenizer(str(vocabulary), lowercase=True, strip_accents=True)

    def numbers(text: str, length: int) -> list[int]:
        pieces.enable_truncation(max_length=length)
        pieces.enable_padding(length=length)
        return pieces.encode(text).ids

    return numbers
