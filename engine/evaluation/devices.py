"""Devices and letters drawn onto a synthetic film, so that there is something to erase.

No real film ships, so what erasing does is shown on drawn films with drawn devices. Placement
follows the organ map, sizes are in centimetres of a chest whose lungs span 28 cm. Everything is
drawn larger, softened and reduced, so that a thin lead has the soft edge it has on a film.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from engine.api import HEART, LEFT_LUNG, RIGHT_LUNG, Mask, Organs, Pixels

LUNG_SPAN = 28.0  # cm, both lungs of an adult on a film
LARGEST = 1024  # px, about the side that devices are drawn at before they are reduced
SOFTNESS = 0.035  # cm, standard deviation of the blur of an edge
SEEN = 1 / 512  # opacity below this is left away, so that the mask can cover all of a device
MARGIN = 1 / 100  # of the film's side, painted around a device
METAL, WIRE = 0.98, 0.93  # brightness; a film of a thick piece of metal is nearly white
WORDS = ("AP", "PORTABLE 14:32", "ERECT", "SUPINE", "AP SITTING 06:10")

Point = tuple[float, float]  # column, row in px of the film
Points = Sequence[Point]


@dataclass(frozen=True)
class Chest:
    """Landmarks in px of the film; image left is the patient's right."""

    left: float
    right: float
    top: float
    bottom: float
    middle: float  # column of the spine
    heart: tuple[float, float, float, float]  # left, top, right, bottom
    cm: float  # px in a centimetre


class Overlay:
    """A film on which shapes are laid one after the other, and what of it they covered."""

    def __init__(self, film: Pixels, chest: Chest) -> None:
        self.film = film.astype(np.float32)
        self.covered = np.zeros(film.shape, bool)
        self.factor = max(round(LARGEST / max(film.shape)), 1)
        self.softness = SOFTNESS * chest.cm * self.factor

    def lay(self, shape: NDArray[np.uint8], opacity: float, brightness: float) -> None:
        """Blend ``brightness`` in where ``shape`` is 255; (H * factor, W * factor)."""
        height, width = self.film.shape
        soft = cv2.GaussianBlur(shape.astype(np.float32) / 255, (0, 0), self.softness)
        share = opacity * cv2.resize(soft, (width, height), interpolation=cv2.INTER_AREA)
        share[share < SEEN] = 0
        self.film = self.film + share * (np.float32(brightness) - self.film)
        self.covered |= share > 0

    def blank(self) -> NDArray[np.uint8]:
        height, width = self.film.shape
        return np.zeros((height * self.factor, width * self.factor), np.uint8)

    def line(self, points: Points, width: float) -> NDArray[np.uint8]:
        """A curve through ``points``, ``width`` px of the film wide."""
        page, thick = self.blank(), max(round(width * self.factor), 1)
        cv2.polylines(page, [self._fixed(points)], False, 255, thick, cv2.LINE_AA, shift=4)
        return page

    def area(self, points: Points) -> NDArray[np.uint8]:
        """The inside of a closed outline."""
        page = self.blank()
        cv2.fillPoly(page, [self._fixed(points)], 255, cv2.LINE_AA, shift=4)
        return page

    def letters(self, text: str, at: Point, height: float) -> NDArray[np.uint8]:
        """``text`` with its top left corner ``at``; letters about ``height`` px tall."""
        page = Image.fromarray(self.blank())
        font = ImageFont.load_default(max(height * self.factor / 0.72, 6))
        place = (at[0] * self.factor, at[1] * self.factor)
        ImageDraw.Draw(page).text(place, text, fill=255, font=font)
        return np.array(page)

    def _fixed(self, points: Points) -> NDArray[np.int32]:
        """Canvas coordinates in sixteenths, pixel centres on pixel centres."""
        at = (np.asarray(points, float) + 0.5) * self.factor - 0.5
        return np.round(at * 16).astype(np.int32)[:, None]


def with_devices(
    film: Pixels, organs: Organs, generator: np.random.Generator, names: Sequence[str] = ()
) -> tuple[Pixels, Mask]:
    """``film`` with devices on it, and the mask (H, W) a user would paint over them.

    ``names`` are of :data:`DEVICES`; none stands for one to three of them by chance. Outside
    the mask the film keeps its bits. Organs that the map lacks are guessed from the film.
    """
    chest = chest_of(organs)
    if not names:
        count = int(generator.integers(1, 4))
        names = [str(n) for n in generator.choice(list(DEVICES), count, replace=False)]
    overlay = Overlay(film, chest)
    for name in names:
        DEVICES[name](overlay, chest, generator)
    reach = max(round(MARGIN * max(film.shape)), 1)
    brush = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1))
    mask = cv2.dilate(overlay.covered.astype(np.uint8), brush).astype(np.float32)
    drawn = np.where(overlay.covered, overlay.film.clip(0, 1), film)
    return drawn.astype(np.float32), mask


def chest_of(organs: Organs) -> Chest:
    """Landmarks from a label map; shares of the picture stand in for what is not drawn."""
    width = organs.shape[1]
    lungs = np.isin(organs, (LEFT_LUNG, RIGHT_LUNG))
    left, top, right, bottom = _box(lungs, (0.12, 0.12, 0.88, 0.82), organs.shape)
    heart = _box(organs == HEART, (0.36, 0.45, 0.68, 0.8), organs.shape)
    columns = np.arange(width)
    sides = [(organs == lung).sum(0) for lung in (LEFT_LUNG, RIGHT_LUNG)]
    middle = (left + right) / 2
    if all(side.any() for side in sides):
        middle = float(np.mean([np.average(columns, weights=side) for side in sides]))
    return Chest(left, right, top, bottom, middle, heart, (right - left) / LUNG_SPAN)


def smooth(points: Points, per_piece: int = 24) -> list[Point]:
    """A Catmull-Rom curve through ``points``."""
    p = np.asarray([points[0], *points, points[-1]], float)
    t = np.linspace(0, 1, per_piece, endpoint=False)[:, None]
    pieces = [
        0.5
        * (
            2 * b
            + (c - a) * t
            + (2 * a - 5 * b + 4 * c - d) * t**2
            + (3 * b - a - 3 * c + d) * t**3
        )
        for a, b, c, d in zip(p[:-3], p[1:-2], p[2:-1], p[3:], strict=True)
    ]
    return [(float(x), float(y)) for x, y in np.vstack([*pieces, p[-1:]])]


def pacemaker(overlay: Overlay, chest: Chest, generator: np.random.Generator) -> None:
    """A generator below one clavicle, its leads through the veins to the right heart."""
    side = 1 if generator.random() < 0.8 else -1  # 1: patient's left, the image's right
    cm = chest.cm
    outer = chest.right if side > 0 else chest.left
    column = outer - side * cm * generator.uniform(2.6, 3.8)
    row = chest.top + cm * generator.uniform(5.2, 6.4)
    tilt = np.radians(generator.uniform(-18, 18))
    to_film = _placed((column, row), tilt, side, cm)

    vein = vein_path(chest, side)
    x0, y0, x1, y1 = chest.heart
    wide, tall = x1 - x0, y1 - y0
    sway = generator.uniform(-0.03, 0.03, 4)
    apex = (x0 + (0.80 + sway[0]) * wide, y0 + (0.88 + sway[1]) * tall)
    ventricle = [
        (x0 + 0.17 * wide, y0 + 0.42 * tall),
        (x0 + 0.27 * wide, y0 + 0.78 * tall),
        (x0 + 0.52 * wide, y0 + (0.93 + sway[2]) * tall),
        apex,
    ]
    atrium = [
        (x0 + 0.15 * wide, y0 + 0.34 * tall),
        (x0 + 0.21 * wide, y0 + 0.56 * tall),
        (x0 + 0.32 * wide, y0 + 0.55 * tall),
        (x0 + (0.36 + sway[3]) * wide, y0 + 0.36 * tall),
    ]
    loop = [(-1.6, -2.4), (1.4, -2.9), (3.1, -0.6), (2.3, 2.2), (-0.4, 2.9), (-2.8, 1.5)]
    for number, end in enumerate((ventricle, atrium)):
        around = [to_film((x * (1 + 0.07 * number), y * (1 - 0.06 * number))) for x, y in loop]
        apart = [(x + 0.28 * cm * number, y + 0.2 * cm * number) for x, y in vein]
        lead(overlay, smooth([*around, *apart, *end]), cm, coil=number == 0 and sway[0] > 0.015)
    _can(overlay, to_film, cm)


def vein_path(chest: Chest, side: int) -> list[Point]:
    """From the axilla of one side through the subclavian vein down the superior vena cava."""
    cm, middle, top = chest.cm, chest.middle, chest.top
    cava = [
        (middle - 1.9 * cm, top + 6.2 * cm),
        (middle - 2.1 * cm, (top + 6.2 * cm + chest.heart[1]) / 2 + cm),
    ]
    shoulder = [
        (middle + side * 8.2 * cm, top + 2.6 * cm),
        (middle + side * 5.4 * cm, top + 1.5 * cm),
    ]
    if side > 0:
        return [*shoulder, (middle + 2.6 * cm, top + 2.3 * cm), (middle, top + 4.0 * cm), *cava]
    return [*shoulder, (middle - 2.9 * cm, top + 2.2 * cm), *cava]


def lead(overlay: Overlay, path: Points, cm: float, *, coil: bool) -> None:
    """A pacing lead with ring and tip; a defibrillator's has a shock coil before them."""
    overlay.lay(overlay.line(path, 0.2 * cm), 0.85, WIRE)
    for start, end, width in ((0.0, 0.4, 0.3), (1.3, 1.65, 0.3)):
        overlay.lay(overlay.line(_last(path, start * cm, end * cm), width * cm), 1.0, METAL)
    if coil:
        overlay.lay(overlay.line(_last(path, 2.4 * cm, 7.4 * cm), 0.36 * cm), 0.95, METAL)


def port(overlay: Overlay, chest: Chest, generator: np.random.Generator) -> None:
    """A venous port under the patient's right clavicle, its line over the neck to the cava."""
    cm = chest.cm
    centre = (
        chest.middle - cm * generator.uniform(7.4, 8.8),
        chest.top + cm * generator.uniform(4.6, 5.8),
    )
    start = (centre[0] + 1.2 * cm, centre[1] - 0.5 * cm)
    neck = [
        (chest.middle - 6.0 * cm, chest.top + 1.5 * cm),
        (chest.middle - 4.6 * cm, chest.top - 1.0 * cm),
        (chest.middle - 3.3 * cm, chest.top + 0.3 * cm),
    ]
    overlay.lay(
        overlay.line(smooth([start, *neck, *vein_path(chest, -1)[-2:]]), 0.24 * cm), 0.6, WIRE
    )
    for radius, opacity, brightness in ((1.35, 0.6, 0.9), (0.95, 0.75, METAL), (0.62, 0.55, 0.62)):
        overlay.lay(overlay.area(_ellipse(centre, radius * cm, 0.86 * radius * cm)),
                    opacity, brightness)  # fmt: skip


def central_line(overlay: Overlay, chest: Chest, generator: np.random.Generator) -> None:
    """A catheter from the right jugular vein into the superior vena cava."""
    cm, lean = chest.cm, generator.uniform(-0.4, 0.4)
    neck = [
        (chest.middle - (4.4 + lean) * cm, -2 * cm),
        (chest.middle - (3.2 + lean) * cm, chest.top - 0.5 * cm),
        (chest.middle - 2.4 * cm, chest.top + 2.8 * cm),
    ]
    path = smooth([*neck, *vein_path(chest, -1)[-2:]])
    overlay.lay(overlay.line(path, 0.26 * cm), 0.55, WIRE)


def stomach_tube(overlay: Overlay, chest: Chest, generator: np.random.Generator) -> None:
    """A nasogastric tube down the oesophagus and under the left diaphragm."""
    cm, lean = chest.cm, generator.uniform(-0.4, 0.4)
    middle, low = chest.middle, chest.heart[3]
    path = smooth(
        [
            (middle + (0.1 + lean) * cm, -2 * cm),
            (middle + 0.3 * cm, chest.top + 3 * cm),
            (middle - 0.1 * cm, (chest.top + low) / 2),
            (middle + 0.9 * cm, low - 1.5 * cm),
            (middle + 2.6 * cm, low + 1.6 * cm),
            (middle + 5.4 * cm, low + (4.4 + lean) * cm),
            (middle + 6.2 * cm, low + 9.0 * cm),
        ]
    )
    overlay.lay(overlay.line(path, 0.5 * cm), 0.22, 0.9)
    overlay.lay(overlay.line([(x + 0.12 * cm, y) for x, y in path], 0.15 * cm), 0.6, WIRE)


def breathing_tube(overlay: Overlay, chest: Chest, generator: np.random.Generator) -> None:
    """A tracheal tube whose tip ends above the carina, with its opaque line."""
    cm, lean = chest.cm, generator.uniform(-0.5, 0.5)
    tip = (chest.middle - 0.2 * cm, chest.top + generator.uniform(3.6, 5.2) * cm)
    path = smooth([(chest.middle + lean * cm, -2 * cm), (chest.middle, chest.top), tip])
    overlay.lay(overlay.line(path, 1.05 * cm), 0.16, 0.85)
    for aside, width, opacity in ((-0.5, 0.14, 0.3), (0.5, 0.14, 0.3), (0.2, 0.14, 0.65)):
        overlay.lay(overlay.line([(x + aside * cm, y) for x, y in path], width * cm), opacity, WIRE)


def electrodes(overlay: Overlay, chest: Chest, generator: np.random.Generator) -> None:
    """Electrodes of a monitor on the skin, each with its wire to an edge of the film."""
    cm = chest.cm
    height, width = overlay.film.shape
    low = chest.bottom - 3.5 * cm
    spots = [
        (chest.left + 3.5 * cm, chest.top + 4.0 * cm, -1),
        (chest.right - 3.5 * cm, chest.top + 4.4 * cm, 1),
        (chest.right - 1.5 * cm, low, 1),
        (chest.left + 2.0 * cm, low + cm, -1),
    ]
    for x, y, side in spots[: int(generator.integers(3, 5))]:
        x, y = x + cm * generator.uniform(-1, 1), y + cm * generator.uniform(-1, 1)
        sway = generator.uniform(-1.5, 1.5, 2) * cm
        down = y + 0.45 * (height - y)
        edge = width + cm if side > 0 else -cm
        wire = [
            (x, y),
            (x - side * 1.6 * cm + sway[0], y + 2.2 * cm),
            (x + side * 0.8 * cm + sway[1], down),
            (edge, height * generator.uniform(0.9, 1.05)),
        ]
        overlay.lay(overlay.area(_ellipse((x, y), 1.5 * cm, 1.4 * cm)), 0.1, 0.8)
        overlay.lay(overlay.line(smooth(wire), 0.16 * cm), 0.7, WIRE)
        overlay.lay(overlay.area(_ellipse((x, y), 0.55 * cm, 0.52 * cm)), 0.85, METAL)
        overlay.lay(overlay.area(_ellipse((x, y), 0.26 * cm, 0.24 * cm)), 0.5, 0.6)


def sternal_wires(overlay: Overlay, chest: Chest, generator: np.random.Generator) -> None:
    """Twisted wires that close the breastbone after an operation on the heart."""
    cm = chest.cm
    rows = np.linspace(
        chest.top + 4.5 * cm, chest.heart[3] - 2.5 * cm, int(generator.integers(5, 7))
    )
    for row in rows:
        x = chest.middle + cm * generator.uniform(-0.3, 0.3)
        tilt = np.radians(generator.uniform(-12, 12))
        to_film = _placed((x, float(row)), tilt, 1, cm)
        ring = [to_film((0.95 * np.cos(a), 0.45 * np.sin(a))) for a in np.linspace(0.5, 6.0, 40)]
        knot = [to_film(p) for p in ((0.8, 0.2), (0.45, 0.05), (0.7, -0.15), (0.35, -0.25))]
        overlay.lay(overlay.line(ring, 0.13 * cm), 0.9, METAL)
        overlay.lay(overlay.line(smooth(knot), 0.2 * cm), 1.0, METAL)


def letters(overlay: Overlay, chest: Chest, generator: np.random.Generator) -> None:
    """A side marker and what the machine burns into the picture."""
    cm = chest.cm
    width = overlay.film.shape[1]
    words = str(generator.choice(WORDS))
    overlay.lay(overlay.letters("L", (width - 3.2 * cm, 1.2 * cm), 1.9 * cm), 0.97, METAL)
    place = (0.8 * cm, cm * generator.uniform(0.6, 1.4))
    overlay.lay(overlay.letters(words, place, 0.95 * cm), 0.95, METAL)


DEVICES: dict[str, Callable[[Overlay, Chest, np.random.Generator], None]] = {
    "pacemaker": pacemaker,
    "electrodes": electrodes,
    "central line": central_line,
    "stomach tube": stomach_tube,
    "breathing tube": breathing_tube,
    "port": port,
    "sternal wires": sternal_wires,
    "letters": letters,
}


def _can(overlay: Overlay, to_film: Callable[[Point], Point], cm: float) -> None:
    """The generator itself: can, battery, electronics, and the clear header with its plugs."""
    angles = np.linspace(0, 2 * np.pi, 72, endpoint=False)
    # A rounded square (superellipse), narrower below, flat where the header sits.
    power = 0.72
    outline = [
        (
            2.35 * np.sign(np.cos(a)) * abs(np.cos(a)) ** power * (1 - 0.06 * np.sin(a)),
            2.05 * np.sign(np.sin(a)) * abs(np.sin(a)) ** power + 0.25,
        )
        for a in angles
    ]
    header = [(-1.9, -1.6), (-1.7, -2.5), (-0.6, -2.75), (1.2, -2.6), (1.9, -1.9), (1.9, -1.5)]
    battery = [(-1.7, 0.35), (1.7, 0.35), (1.5, 1.8), (-1.5, 1.8)]
    overlay.lay(overlay.area([to_film(p) for p in header]), 0.45, 0.9)
    for row in (-2.3, -1.85):
        plug = [to_film(p) for p in ((-1.4, row), (0.9, row))]
        overlay.lay(overlay.line(plug, 0.22 * cm), 0.95, METAL)
    overlay.lay(overlay.area([to_film(p) for p in outline]), 0.88, 0.93)
    overlay.lay(overlay.area([to_film(p) for p in battery]), 0.8, METAL)
    for box in ((-1.6, -1.2, -0.3, -0.2), (-0.05, -1.25, 0.7, -0.35), (0.95, -1.1, 1.6, -0.1)):
        x0, y0, x1, y1 = box
        chip = [(x0, y0), (x1, y0), (x1, y1), (x0, y1)]
        overlay.lay(overlay.area([to_film(p) for p in chip]), 0.55, 0.78)


def _placed(centre: Point, tilt: float, side: int, cm: float) -> Callable[[Point], Point]:
    """From centimetres about ``centre`` to px; ``side`` -1 mirrors, ``tilt`` turns (radians)."""
    cos, sin = float(np.cos(tilt)), float(np.sin(tilt))

    def to_film(p: Point) -> Point:
        x, y = p
        return (
            float(centre[0] + side * cm * (cos * x - sin * y)),
            float(centre[1] + cm * (sin * x + cos * y)),
        )

    return to_film


def _ellipse(centre: Point, across: float, down: float) -> list[Point]:
    angles = np.linspace(0, 2 * np.pi, 48, endpoint=False)
    return [
        (float(centre[0] + across * np.cos(a)), float(centre[1] + down * np.sin(a))) for a in angles
    ]


def _last(path: Points, start: float, end: float) -> list[Point]:
    """The piece of ``path`` from ``start`` to ``end`` px before its end."""
    p = np.asarray(path, float)[::-1]
    along = np.concatenate([[0], np.cumsum(np.hypot(*np.diff(p, axis=0).T))])
    at = np.linspace(start, end, 12)
    return [(float(np.interp(a, along, p[:, 0])), float(np.interp(a, along, p[:, 1]))) for a in at]


def _box(
    inside: NDArray[np.bool_], shares: tuple[float, float, float, float], shape: tuple[int, ...]
) -> tuple[float, float, float, float]:
    """Left, top, right, bottom of what is inside; ``shares`` of the picture where nothing is."""
    height, width = shape[:2]
    if not inside.any():
        return shares[0] * width, shares[1] * height, shares[2] * width, shares[3] * height
    columns, rows = np.flatnonzero(inside.any(0)), np.flatnonzero(inside.any(1))
    return float(columns[0]), float(rows[0]), float(columns[-1]), float(rows[-1])
