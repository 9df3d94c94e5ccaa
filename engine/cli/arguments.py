"""What each command takes. Defaults that depend on the model are filled in by the model."""

import argparse
from collections.abc import Callable

MASK = "picture of the same size: white where something may change, black where nothing may"
ORGANS = (
    "organ map: indexed PNG with 0 none, 1 left lung, 2 right lung, 3 heart, 4 aorta (sides are "
    "the patient's), or the grey levels 0, 64, 128, 192, 255"
)
FINDING = "finding and where: words, '=', a mask file; repeat it for more findings"


def _common(parser: argparse.ArgumentParser, output: str) -> None:
    parser.add_argument("-o", "--output", metavar="OUT", required=True, help=output)
    models = parser.add_argument_group("models")
    models.add_argument(
        "--models", metavar="DIR", help="folder with model files; default: the embedded models"
    )
    models.add_argument(
        "--device", default="auto", help="auto, cpu, cuda or cuda:N (default: auto)"
    )
    models.add_argument(
        "--precision",
        default="auto",
        help="auto, float32, bfloat16 or float16 (default: auto, which is bfloat16 where the "
        "device computes in it; a replay then follows its recipe)",
    )
    told = parser.add_argument_group("what is told")
    told.add_argument("--json", action="store_true", help="write the result to stdout as JSON")
    told.add_argument("--quiet", action="store_true", help="no progress on stderr")


def _written(parser: argparse.ArgumentParser) -> None:
    written = parser.add_argument_group("what is written")
    written.add_argument(
        "--mark",
        choices=("strip", "corner", "none"),
        default="strip",
        help='where "SYNTHETIC, not for diagnosis" stands: in a strip below the picture, burnt '
        "into a corner, or nowhere; recipe and metadata are always written (default: strip)",
    )
    written.add_argument(
        "--bits",
        type=int,
        choices=(8, 16),
        default=16,
        help="bits a pixel (default: 16); an edited DICOM film keeps its own",
    )
    written.add_argument(
        "--masks",
        metavar="FILE.dcm",
        help="with a DICOM output: write organs and zones as a DICOM segmentation, too",
    )
    written.add_argument(
        "--words-checked",
        action="store_true",
        help="a person has looked: no words in the picture name the patient (asked for where a "
        "DICOM file says that some do)",
    )
    written.add_argument(
        "--recipe", dest="recipe_out", metavar="FILE", help="write the recipe as JSON, too"
    )


def _sampling(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("sampling (defaults are those of the model)")
    group.add_argument(
        "--seed", default="0", metavar="N", help="whole number; the same makes the same picture "
        "(default: 0)",
    )  # fmt: skip
    group.add_argument(
        "--quality",
        metavar="NAME",
        help="draft, standard or fine: which of the model's settings fill in what is not given "
        "here (default: standard; draft for published models on a processor)",
    )
    group.add_argument("--steps", metavar="N", help="steps of each stage, 1 to 2000")
    group.add_argument(
        "--detail-steps", metavar="N", help="steps of the upscaler, for large pictures"
    )
    group.add_argument("--sampler", metavar="NAME", help="ddim or dpmpp")
    group.add_argument("--eta", metavar="X", help="fresh noise of ddim, 0 (none) to 1")
    group.add_argument("--guidance", metavar="X", help="weight of the words, 1 (none) to 30")
    group.add_argument(
        "--guidance-lasts",
        metavar="X",
        help="how much the noise falls before guidance of a finding is worked out again, "
        "1 (at every step) to 100",
    )
    group.add_argument(
        "--exact",
        action="store_true",
        help="the arithmetic of the published code to the letter; needs its model files",
    )
    group.add_argument(
        "--count",
        default="1",
        metavar="N",
        help="N variations with seeds from --seed upwards, written to OUT-1.png, OUT-2.png ...",
    )


def _zone(parser: argparse.ArgumentParser, feather: str) -> None:
    group = parser.add_argument_group("zone that may change, px of the picture")
    group.add_argument(
        "--grow", default="0", metavar="PX", help="widen what is painted (default: 0)"
    )
    group.add_argument(
        "--feather", metavar="PX", help=f"fade the change at its inner rim (default: {feather})"
    )
    group.add_argument(
        "--context",
        metavar="PX",
        help="how far around the zone the model sees, at a finer scale (default: everywhere)",
    )


def _image(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("image", metavar="IMAGE", help="radiograph: DICOM, PNG, JPEG or TIFF")


def _findings(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--finding", metavar="WORDS=MASK", action="append", default=[], help=FINDING
    )
    parser.add_argument(
        "--strength",
        metavar="X",
        default="1",
        help="how much the findings stand out, from 0 (left to the network) to 2 (default: 1)",
    )


def _generate(parser: argparse.ArgumentParser) -> None:
    _common(parser, "PNG or DICOM file (.dcm) to write")
    anatomy = parser.add_mutually_exclusive_group()
    anatomy.add_argument("--organs", metavar="FILE", help=ORGANS)
    shape_arguments(parser, anatomy)
    _findings(parser)
    parser.add_argument("--report", default="", metavar="TEXT", help="words for the whole picture")
    parser.add_argument(
        "--anatomy",
        choices=("auto", "map", "controller"),
        default="auto",
        help="how the organ map is obeyed: given to the network, or by the anatomy controller "
        "(default: what the model does best)",
    )
    parser.add_argument(
        "--held-steps", metavar="N", help="steps that follow the controller (default: half)"
    )
    _sampling(parser)
    _written(parser)


def shape_arguments(parser: argparse.ArgumentParser, anatomy: "argparse._ActionsContainer") -> None:
    """A named chest in ``anatomy``, and how it is changed."""
    anatomy.add_argument(
        "--template",
        metavar="NAME",
        help="one of the anatomies that ship; average where only the options below are given",
    )
    group = parser.add_argument_group(
        "shape of the template", "steps are standard deviations of films, -2 to 2 (default: 0)"
    )
    group.add_argument(
        "--ratio", metavar="R", help="cardiothoracic ratio, 0.35 to 0.70 (default: the template's)"
    )
    group.add_argument("--volume", metavar="X", help="area of the lungs at the same width")
    group.add_argument(
        "--rotation", metavar="X", help="above 0 the patient has turned to his right"
    )
    group.add_argument(
        "--habitus", metavar="X", help="above 0 short and broad, below tall and narrow"
    )
    group.add_argument("--view", metavar="X", help="above 0 as on AP films, below as on PA films")
    group.add_argument("--size", default="256", metavar="PX", help="side, px (default: 256)")


def _insert(parser: argparse.ArgumentParser) -> None:
    _image(parser)
    _common(parser, "PNG or DICOM file (.dcm) to write")
    _findings(parser)
    parser.add_argument(
        "--remove", metavar="MASK", action="append", default=[], help="remove what is there"
    )
    parser.add_argument("--organs", metavar="FILE", help=ORGANS + "; default: read from IMAGE")
    _zone(parser, "1/64 of the longer side")
    _sampling(parser)
    _written(parser)


def _erase(parser: argparse.ArgumentParser) -> None:
    _image(parser)
    _common(parser, "PNG or DICOM file (.dcm) to write")
    parser.add_argument("--mask", metavar="FILE", required=True, help=MASK)
    parser.add_argument("--words", default="", metavar="TEXT", help="what should be there instead")
    parser.add_argument("--organs", metavar="FILE", help=ORGANS + "; default: read from IMAGE")
    _zone(parser, "0")
    _sampling(parser)
    _written(parser)


def _outpaint(parser: argparse.ArgumentParser) -> None:
    _image(parser)
    _common(parser, "PNG or DICOM file (.dcm) to write")
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("--keep", metavar="FILE", help="picture of the same size: white is kept")
    which.add_argument(
        "--add",
        metavar="SIDE=PX,...",
        help="px to add at top, bottom, left, right of the image, as in top=64,left=32",
    )
    _sampling(parser)
    _written(parser)


def _upscale(parser: argparse.ArgumentParser) -> None:
    _image(parser)
    _common(parser, "PNG or DICOM file to write, 1024 px")
    parser.add_argument(
        "--method", default="ddim", choices=("ddim", "ddpm"), help="few or many steps (ddim)"
    )
    _sampling(parser)
    _written(parser)


def _segment(parser: argparse.ArgumentParser) -> None:
    _image(parser)
    _common(
        parser,
        "organ map to write: indexed PNG, see generate --organs; or, for a DICOM file of ours, a "
        "DICOM segmentation (.dcm)",
    )
    parser.set_defaults(recipe_out=None, masks=None, count="1")


def _replay(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "recipe", metavar="FILE", help="PNG or DICOM file of ours, or a recipe in JSON"
    )
    _common(parser, "PNG or DICOM file (.dcm) to write")
    parser.add_argument(
        "--input",
        metavar="NAME=FILE",
        action="append",
        default=[],
        help="an input that the file does not hold: image, mask, keep, organs, finding-1 ...",
    )
    _written(parser)


COMMANDS: dict[str, tuple[str, Callable[[argparse.ArgumentParser], None]]] = {
    "generate": (
        "Make a new radiograph from organs, findings and words; all of them optional.",
        _generate,
    ),
    "insert": ("Put findings into a radiograph, or remove what is there.", _insert),
    "erase": (
        "Remove devices, letters or wires; every pixel outside the mask stays as it is.",
        _erase,
    ),
    "outpaint": ("Complete the field of view around what is kept.", _outpaint),
    "upscale": ("Make a radiograph 1024 px large, with invented fine detail.", _upscale),
    "segment": ("Read lungs and heart from a radiograph into an organ map.", _segment),
    "replay": (
        "Make the picture of a recipe again, from a PNG of ours or a JSON file.",
        _replay,
    ),
}
