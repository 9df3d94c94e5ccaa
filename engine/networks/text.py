"""Words for the embedded diffusion model: BERT word pieces, few of them, and a small transformer.

The pieces are those of BERT's uncased vocabulary; a model knows only some of them and its
description lists which. A piece it does not know is read as "unknown".
"""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from torch import Tensor, nn

LENGTH = 32  # word pieces, with the two that mark the ends
PAD, UNKNOWN, START, END = "[PAD]", "[UNK]", "[CLS]", "[SEP]"


def read_vocabulary(path: Path) -> dict[str, int]:
    """Piece -> number, from a file with one piece a line."""
    return {piece: i for i, piece in enumerate(path.read_text("utf-8").splitlines())}


def pieces(text: str, vocabulary: Mapping[str, int]) -> list[str]:
    """Split text as BERT's uncased tokenizer does for plain letters: the longest piece first."""
    found: list[str] = []
    for word in re.findall(r"[a-z0-9]+|[^\sa-z0-9]", text.lower()):
        start, parts = 0, []
        while start < len(word):
            end = len(word)
            while end > start and _piece(word, start, end) not in vocabulary:
                end -= 1
            if end == start:
                parts = [UNKNOWN]
                break
            parts.append(_piece(word, start, end))
            start = end
        found += parts
    return found


def _piece(word: str, start: int, end: int) -> str:
    return word[start:end] if start == 0 else "##" + word[start:end]


def rows(texts: Sequence[str], vocabulary: Mapping[str, int], known: Sequence[int]) -> Tensor:
    """Texts -> (B, 32) rows of the embedding table; ``known`` lists the BERT number of each row."""
    row_of = {number: row for row, number in enumerate(known)}
    unknown = row_of[vocabulary[UNKNOWN]]
    table = torch.full((len(texts), LENGTH), row_of[vocabulary[PAD]])
    for i, text in enumerate(texts):
        inside = pieces(text, vocabulary)[: LENGTH - 2]
        numbers = [vocabulary[piece] for piece in (START, *inside, END)]
        table[i, : len(numbers)] = torch.tensor([row_of.get(n, unknown) for n in numbers])
    return table


def build_text_encoder(known: int, width: int = 128, layers: int = 2) -> nn.Module:
    """A transformer over ``known`` word pieces; its states are (B, 32, ``width``)."""
    from diffusers.pipelines.latent_diffusion.pipeline_latent_diffusion import (
        LDMBertConfig,
        LDMBertModel,
    )

    config = LDMBertConfig(
        vocab_size=known,
        max_position_embeddings=LENGTH,
        encoder_layers=layers,
        encoder_ffn_dim=2 * width,
        encoder_attention_heads=4,
        head_dim=width // 4,
        d_model=width,
        dropout=0.0,
    )
    return LDMBertModel(config)
