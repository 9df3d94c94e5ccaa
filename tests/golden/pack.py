"""Pack recorded reference runs into this folder, losslessly.

    python tests/golden/pack.py SOURCE

SOURCE holds the runs as recorded: ``checkpoints/``, one folder a case, ``inventory/``. Noise that
``torch.manual_seed(seed)`` reproduces bit for bit is left out, except for the case that tests
recorded noise. Weights are stored byte plane by byte plane, which deflate shrinks better; rows of
the word embedding that no recorded text reads become 0. Images of the eta 0 runs are left out,
because their latents say the same and the eta 1 runs show the decoding.
"""

import gzip
import json
import shutil
import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch

HERE = Path(__file__).parent
KEEPS_NOISE = "xreal_controlled_s8"
WORDS = "cond_stage_model.transformer.token_emb.weight"


def read_tokens(source: Path) -> list[int]:
    """Numbers of the word pieces in any recorded text."""
    sys.path.insert(0, str(HERE.parent.parent))
    from engine.published.tokens import read_tokenizer

    with np.load(source / "text_encoder" / "outputs.npz") as arrays:
        numbers = set(arrays["tokens"].flatten().tolist())
    tokenizer = read_tokenizer(HERE.parent.parent / "assets" / "models" / "vocab.txt")
    for path in source.glob("*/config.json"):
        call = json.loads(path.read_text()).get("call", {})
        for text in (call.get("conditioning"), call.get("pathology")):
            numbers.update(tokenizer(text or "", 150))
    return sorted(numbers)


def pack_weights(source: Path, target: Path, tokens: list[int]) -> None:
    """A published-layout checkpoint -> {target}.npz: ``planes`` (4, N) uint8 and ``index`` JSON."""
    whole = torch.load(source, map_location="cpu", weights_only=True)
    top = "state_dict" if "state_dict" in whole else "model"
    rows: list[list[Any]] = []
    chunks = []
    for name, tensor in whole.pop(top).items():
        stored = tensor.untyped_storage().nbytes()
        if tensor.dtype == torch.float32 and stored >= tensor.numel() * 4:
            rows.append([name, list(tensor.shape), "weights"])
            if name == WORDS:
                read = torch.zeros_like(tensor)
                read[tokens] = tensor[tokens]
                tensor = read
            chunks.append(tensor.contiguous().flatten().numpy())
        else:  # leftovers that must not matter: one value, expanded or a counter
            kind = str(tensor.dtype).removeprefix("torch.")
            rows.append([name, list(tensor.shape), kind, tensor.flatten()[0].item()])
    planes = np.concatenate(chunks).view(np.uint8).reshape(-1, 4).T
    index = json.dumps({"top": top, "rest": whole, "rows": rows})
    np.savez_compressed(target, planes=np.ascontiguousarray(planes), index=np.array(index))


def pack_case(source: Path, target: Path) -> None:
    target.mkdir(parents=True, exist_ok=True)
    config = json.loads((source / "config.json").read_text())
    shutil.copyfile(source / "config.json", target / "config.json")
    for kept in source.glob("*puts.npz"):
        with np.load(kept) as arrays:
            names = [k for k in arrays if k not in ("trace000_x_in", "decode_out_0")]
            if source.name.endswith("sample_s5_eta0") or source.name.endswith("b2_s5_eta0"):
                names = [k for k in names if k != "out"]
            np.savez_compressed(target / kept.name, **{k: arrays[k] for k in names})
    recorded = source / "noises.npz"
    if not recorded.exists():
        return
    with np.load(recorded) as noises:
        torch.manual_seed(config["seed"])
        drawn = [torch.randn(shape).numpy() for _, shape in config["draws"]]
        same = all(np.array_equal(drawn[int(k)], noises[k]) for k in noises)
        if source.name == KEEPS_NOISE or not same:
            np.savez_compressed(target / "noises.npz", **{k: noises[k] for k in noises})


def main(source: Path) -> None:
    (HERE / "checkpoints").mkdir(exist_ok=True)
    (HERE / "inventory").mkdir(exist_ok=True)
    tokens = read_tokens(source)
    for path in sorted((source / "checkpoints").iterdir()):
        pack_weights(path, HERE / "checkpoints" / f"{path.stem}.npz", tokens)
    for path in sorted((source / "inventory").glob("*.tsv")):
        packed = HERE / "inventory" / f"{path.name}.gz"
        packed.write_bytes(gzip.compress(path.read_bytes(), mtime=0))
    for path in sorted(source.glob("*/config.json")):
        pack_case(path.parent, HERE / path.parent.name)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
