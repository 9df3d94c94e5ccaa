"""The results as one page that needs nothing else. It shows numbers and drawn films only."""

import base64
from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Any

from engine.evaluation.plots import histograms, scatter, shares
from engine.files import write_whole

Results = dict[str, Any]
STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; color: #1f2933; max-width: 62rem; margin: 2rem auto;
  padding: 0 1rem; background: #fff; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.15rem; margin-top: 2.2rem; }
table { border-collapse: collapse; margin: .6rem 0; font-variant-numeric: tabular-nums; }
th, td { text-align: left; padding: .25rem .7rem .25rem 0; border-bottom: 1px solid #e4e7eb;
  vertical-align: top; }
td.number, th.number { text-align: right; }
.holds { color: #0b6b3a; } .missed { color: #b42318; font-weight: 600; }
.detail { color: #52606d; font-size: .9em; } svg { max-width: 100%; height: auto; }
svg text { font: 11px system-ui, sans-serif; fill: #1f2933; }
img { max-width: 100%; } .plots { display: flex; flex-wrap: wrap; gap: 1.5rem; }
"""
GUESSES = {
    "generated": "drawn from real",
    "reconstructed": "through the codec from real",
    "real": "real from real",
}


def write_report(results: Results, path: Path) -> Path:
    """Write the page to ``path``; sheets named in the results are read from beside it."""
    parts = [
        _head(results),
        _gates(results["gates"]),
        *_failed(results),
        *_obedience(results),
        *_findings(results),
        *_realism(results),
        *_readings(results),
        *_copies(results),
        *_codec(results),
        *_upscaling(results),
        *_sampling(results),
        *_sheets(results, path.parent),
        *_models(results),
    ]
    page = (
        '<!doctype html><html lang="en"><meta charset="utf-8">'
        f"<title>Evaluation of {escape(str(results.get('set', 'models')))}</title>"
        f"<style>{STYLE}</style><body>{''.join(parts)}</body></html>"
    )
    write_whole(path, page.encode())
    return path


def table(head: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    """Numbers and their headings to the right; None is a dash."""

    def is_number(value: Any) -> bool:
        return isinstance(value, int | float) and not isinstance(value, bool)

    def cell(value: Any, tag: str, *, right: bool) -> str:
        words = "–" if value is None else f"{value:g}" if is_number(value) else escape(str(value))
        return f"<{tag}{' class=number' if right else ''}>{words}</{tag}>"

    right = [any(is_number(row[i]) for row in rows) for i in range(len(head))]
    lines = [(head, "th"), *((row, "td") for row in rows)]
    told = [
        "".join(cell(value, tag, right=r) for value, r in zip(line, right, strict=True))
        for line, tag in lines
    ]
    return "<table>" + "".join(f"<tr>{line}</tr>" for line in told) + "</table>"


def _head(results: Results) -> str:
    quick = " A quick run: few films, rough figures." if results["quick"] else ""
    return (
        f"<h1>Evaluation of {escape(str(results.get('set', 'models')))}</h1>"
        f"<p>{escape(results['date'])}, {escape(results['device'])}, "
        f"{results['minutes']:g} minutes, seed {results['seed']}.{quick} "
        "All pictures on this page are synthetic. Not for diagnosis.</p>"
        f"<p><code>{escape(results['command'])}</code></p>"
    )


def _gates(gates: Sequence[dict[str, Any]]) -> str:
    said = {True: "holds", False: "missed", None: "not measured"}
    rows = []
    for one in gates:
        mark = {True: "holds", False: "missed", None: "detail"}[one["holds"]]
        value = "–" if one["value"] is None else f"{one['value']:g}"
        rows.append(
            f"<tr><td>{escape(one['gate'])}<td class=number>{value}<td>{escape(one['must'])}"
            f"<td class={mark}>{said[one['holds']]}<td class=detail>{escape(one['detail'])}"
        )
    head = "<tr><th>gate<th class=number>figure<th>must be<th>it<th>measured on"
    return f"<h2>Gates</h2><table>{head}{''.join(rows)}</table>"


def _failed(results: Results) -> list[str]:
    if not results.get("failed"):
        return []
    rows = [(name, why) for name, why in results["failed"].items()]
    return ["<h2>What could not be measured</h2>", table(("section", "why"), rows)]


def _obedience(results: Results) -> list[str]:
    ways = results.get("obedience")
    if not ways:
        return []
    rows, plots = [], []
    for way, kinds in ways.items():
        for kind, told in kinds.items():
            dice, low = told["dice"], told["dice_10th"]
            rows.append(
                (f"{way}, {kind}", told["maps"], *dice.values(), *low.values(),
                 told.get("ratio_r"), told.get("ratio_slope"), told.get("ratio_error"))
            )  # fmt: skip
            plots.append(
                f"<figure>{scatter(told['ratios'], 'ratio drawn', 'ratio read')}"
                f"<figcaption>{escape(f'{way}, {kind}')}</figcaption></figure>"
            )
    organs = ("left lung", "right lung", "heart")
    head = ("way, words", "films", *organs, *(f"{o}, 10th" for o in organs), "r", "slope", "error")
    human = results.get("segmenter") or {}
    note = ", ".join(f"{name} {value:g}" for name, value in human.get("dice", {}).items())
    return [
        "<h2>Obedience</h2><p>Dice of the drawn map and the map that the segmenter reads from the "
        "film; 10th: nine films in ten are better. Then the cardiothoracic ratio, drawn against "
        f"read. The segmenter itself against human masks, {human.get('films', 0)} films: "
        f"{escape(note) or 'not measured'}.</p>",
        table(head, rows),
        f"<div class=plots>{''.join(plots)}</div>",
    ]


def _findings(results: Results) -> list[str]:
    found = results.get("findings")
    if not found:
        return []
    bars = [
        (name, [(f["rate"], *f["interval"]), (f["without"], *f["without_interval"])])
        for name, f in found.items()
    ]
    rows = [
        (name, "yes" if f["offered"] else "no", f["hits"], f["of"], f["rate"], f["without"],
         f["mcnemar_p"], "yes" if f["passes"] else "no", f["mean_change"], f["brightness_change"],
         f["auc_real"], _of(f.get("real_boxed")))
        for name, f in found.items()
    ]  # fmt: skip
    head = (
        "finding", "offered", "hits", "of", "rate", "without", "p", "appears", "change of logit",
        "change of brightness", "judge's AUC, real", "judge's hits in real boxes",
    )  # fmt: skip
    return [
        "<h2>Findings</h2><p>A hit: inside the region the judge scores the film above what nine in "
        "ten real held-out films without the finding reach in such a region. The control is the "
        "same film before the finding was painted in. What the judge cannot see on real films, "
        "it cannot confirm on drawn ones.</p>",
        shares(bars, ("with the finding", "the same films without"), (0.1,)),
        table(head, rows),
    ]


def _of(told: dict[str, Any] | None) -> str | None:
    return None if told is None else f"{told['hits']} of {told['of']}"


def _realism(results: Results) -> list[str]:
    figures = results.get("realism")
    if not figures:
        return []
    guesses, rows, bars = figures["two_sample"], [], []
    for name, told in GUESSES.items():
        manifold = figures["manifold"].get(name, {})
        rows.append(
            (told, guesses.get(name), figures["two_sample_n"].get(name),
             figures["frechet"].get(name), figures["kid_x1000"].get(name),
             figures["kid_error"].get(name),
             *manifold.values())
        )  # fmt: skip
        if guesses.get(name) is not None:
            bars.append((told, [(guesses[name], *figures["two_sample_interval"][name])]))
    head = (
        "set", "told apart", "films tried", "Fréchet", "KID x 1000", "its error",
        "precision", "recall", "density", "coverage",
    )  # fmt: skip
    return [
        "<h2>Realism</h2><p>Told apart: how often a network trained for it says right whether a "
        "film it never saw is real; 0.5 is a guess. Distances are in the space "
        f"<em>{escape(figures['space'])}</em>, {figures['n']} films of each set against "
        f"{figures['reference']} training films that the judge never saw. A figure says something "
        "only beside <em>real from real</em>.</p>",
        shares(bars, ("accuracy of a fresh network, 95 %",), (0.5, 0.8), (0.4, 1.0)),
        table(head, rows),
    ]


def _readings(results: Results) -> list[str]:
    read = results.get("readings")
    if not read:
        return []
    rows = [
        (name, f["films"], f["sound"], *f["area"].values(), f["ratio_mean"], f["ratio_spread"])
        for name, f in read.items()
    ]
    organs = tuple(f"{name}, area" for name in read["real"]["area"])
    head = ("set", "films", "believable chests", *organs, "mean ratio", "its spread")
    return ["<h2>What the segmenter reads</h2>", table(head, rows)]


def _copies(results: Results) -> list[str]:
    figures = results.get("copies")
    if not figures:
        return []
    rows = [
        (name, value, figures["ratio_of_smallest"][name])
        for name, value in figures["ratio"].items()
    ]
    sets = [(name, figures["distances"][name]) for name in ("drawn", "strangers")]
    return [
        "<h2>Copies</h2><p>Distance to the nearest training film: drawn films over real held-out "
        "films. Well below 1 would mean that training films are repeated. Smooth films are near "
        "to everything in the finer patterns. Highest SSIM with a nearest training film: "
        f"{figures['max_ssim']:g}; median {figures['median_ssim']:g}; pairs above 0.9: "
        f"{figures['pairs_above_0.9']}.</p>",
        table(("seen by", "median over median", "smallest over smallest"), rows),
        histograms(sets, "distance of block means to the nearest training film"),
    ]


def _codec(results: Results) -> list[str]:
    figures = results.get("codec")
    if not figures:
        return []
    rows = [
        (name, told["psnr"], told["ssim"], told["mse"])
        for name, told in figures.items()
        if isinstance(told, dict)
    ]
    return [
        f"<h2>Codec</h2><p>{figures['films']} held-out films, encoded and decoded.</p>",
        table(("decoding", "PSNR, dB", "SSIM", "MSE"), rows),
    ]


def _upscaling(results: Results) -> list[str]:
    figures = results.get("upscaling")
    if not figures:
        return []
    rows = [
        (name, told["mse"], told["psnr"], told["ssim"], told.get("seconds"))
        for name, told in figures.items()
        if isinstance(told, dict)
    ]
    return [
        f"<h2>Upscaling</h2><p>256 px to 1024 px against {figures['films']} real held-out films "
        "that exist at 1024 px. Detail that is invented costs PSNR and SSIM even where it looks "
        "right; a blurred enlargement does well in both.</p>",
        table(("way", "MSE", "PSNR, dB", "SSIM", "s a film"), rows),
    ]


def _sampling(results: Results) -> list[str]:
    figures = results.get("sampling")
    if not figures:
        return []
    rows = [(what, seconds) for what, seconds in figures["seconds"].items()]
    return [
        f"<h2>Time</h2><p>{figures['steps']} steps of {escape(str(figures['sampler']))}, on this "
        "machine with whatever else it was doing.</p>",
        table(("what", "seconds"), rows),
    ]


def _sheets(results: Results, folder: Path) -> list[str]:
    parts = []
    for name, file in (results.get("sheets") or {}).items():
        path = folder / file
        if path.is_file():
            data = base64.b64encode(path.read_bytes()).decode()
            parts.append(f"<h2>{escape(name)}</h2>")
            parts.append(f'<img alt="{escape(name)}" src="data:image/jpeg;base64,{data}">')
    return parts


def _models(results: Results) -> list[str]:
    rows = [
        (name, told["sha256"][:16], told.get("bytes"), told["licence"])
        for name, told in results["models"].items()
    ]
    if not rows:
        return []
    return ["<h2>Models</h2>", table(("model", "sha256", "bytes", "licence"), rows)]
