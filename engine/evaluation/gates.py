"""The gates a model must pass before it ships, each with its figure."""

from collections.abc import Iterator
from typing import Any

Results = dict[str, Any]
Gate = dict[str, Any]
NOT_MEASURED = "not measured in this run"

LUNG, HEART = 0.96, 0.94  # Dice
RATIO_R, SLOPE = 0.95, (0.93, 1.07)
TWO_SAMPLE, KID = 0.8, 20.0
COPY_RATIO = 0.9
PSNR, SSIM = 35.0, 0.94
KINDS = {"healthy": "", "own words": ", words of the films"}


def gates_of(results: Results) -> list[Gate]:
    """Every gate in order; ``holds`` is None where nothing was measured."""
    return [
        *_obedience(results),
        *_findings(results),
        *_realism(results),
        *_copies(results),
        *_codec(results),
    ]


def gate(name: str, must: str, value: float | None, holds: bool | None, detail: str) -> Gate:
    if value is None:
        return {"gate": name, "must": must, "value": None, "holds": None, "detail": NOT_MEASURED}
    return {"gate": name, "must": must, "value": value, "holds": holds, "detail": detail}


def at_least(name: str, least: float, value: float | None, detail: str) -> Gate:
    return gate(name, f">= {least:g}", value, value is not None and value >= least, detail)


def _obedience(results: Results) -> Iterator[Gate]:
    ways = results.get("obedience") or {}
    way = "map" if "map" in ways or not ways else next(iter(ways))
    for kind, told in KINDS.items():
        figures = ways.get(way, {}).get(kind, {})
        dice, maps = figures.get("dice", {}), figures.get("maps")
        detail = f"Dice, {maps} films of held-out maps, {kind}, by {way}"
        for organ, least in (("left lung", LUNG), ("right lung", LUNG), ("heart", HEART)):
            yield at_least(f"obedience{told}: {organ}", least, dice.get(organ), detail)
        detail = f"cardiothoracic ratio drawn and read, {figures.get('ratio_maps')} films, {kind}"
        yield at_least(f"size tracks{told}: r", RATIO_R, figures.get("ratio_r"), detail)
        slope = figures.get("ratio_slope")
        holds = slope is not None and SLOPE[0] <= slope <= SLOPE[1]
        must = f"{SLOPE[0]:g} to {SLOPE[1]:g}"
        yield gate(f"size tracks{told}: slope", must, slope, holds, detail)


def _findings(results: Results) -> Iterator[Gate]:
    found = results.get("findings")
    if not found:
        yield gate("finding appears", "more often than without it", None, None, "")
        return
    for name, figures in found.items():
        of, low, high = figures["of"], *figures["interval"]
        detail = (
            f"hits in {of} films, 95 % {low:.2f} to {high:.2f}; "
            f"the same films without it {figures['without']:.2f}, p {figures['mcnemar_p']:g}"
        )
        if not figures["offered"]:
            yield gate(
                f"finding appears: {name}",
                "not offered unless it appears",
                figures["rate"],
                True,
                f"not offered; {detail}",
            )
            continue
        must = f"> {figures['without']:.2f} (without it)"
        yield gate(f"finding appears: {name}", must, figures["rate"], figures["passes"], detail)


def _realism(results: Results) -> Iterator[Gate]:
    figures = results.get("realism") or {}
    guess = figures.get("two_sample", {})
    value = guess.get("generated")
    detail = (
        f"accuracy of a fresh network on {figures.get('two_sample_n', {}).get('generated')} films; "
        f"codec alone {guess.get('reconstructed')}, real against real {guess.get('real')}"
    )
    must, holds = f"< {TWO_SAMPLE:g} (aim)", value is not None and value < TWO_SAMPLE
    yield gate("looks real: told from real films", must, value, holds, detail)
    kid, error = figures.get("kid_x1000", {}), figures.get("kid_error", {})
    value = kid.get("generated")
    detail = (
        f"{figures.get('space')}, +- {error.get('generated')}; codec alone "
        f"{kid.get('reconstructed')}, real against real {kid.get('real')} +- {error.get('real')}"
    )
    holds = value is not None and value < KID
    yield gate("looks real: KID x 1000", f"< {KID:g} (aim)", value, holds, detail)


def _copies(results: Results) -> Iterator[Gate]:
    figures = results.get("copies") or {}
    ratios = figures.get("ratio", {})
    detail = f"nearest training film, {figures.get('films')} drawn films over held-out real ones"
    for group in ("block mean", "detail"):
        yield at_least(f"no copies: {group}", COPY_RATIO, ratios.get(group), detail)
    pairs, most = figures.get("pairs_above_0.9"), figures.get("max_ssim")
    detail = f"highest SSIM with a nearest training film {most}"
    yield gate("no copies: pairs with SSIM > 0.9", "0", pairs, pairs == 0, detail)


def _codec(results: Results) -> Iterator[Gate]:
    figures = results.get("codec") or {}
    faithful = figures.get("fidelity", {})
    detail = f"faithful decoding of {figures.get('films')} held-out films"
    yield at_least("codec: PSNR, dB", PSNR, faithful.get("psnr"), detail)
    yield at_least("codec: SSIM", SSIM, faithful.get("ssim"), detail)


def gate_table(gates: list[Gate]) -> str:
    """Plain text, one gate a line."""
    said = {True: "holds", False: "MISSED", None: "-"}
    lines = []
    for one in gates:
        value = "-" if one["value"] is None else f"{one['value']:g}"
        lines.append(
            f"{said[one['holds']]:<7} {one['gate']:<48} {value:>8}  must be {one['must']}"
            f"  ({one['detail']})"
        )
    held = sum(one["holds"] is True for one in gates)
    measured = sum(one["holds"] is not None for one in gates)
    return "\n".join([*lines, f"{held} of {measured} measured gates hold.", ""])
