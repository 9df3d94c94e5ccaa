"""Read the organs from a radiograph."""

from engine.api import OnEvent, Organs, Pixels, Progress, SegmentRequest
from engine.bundle import ModelSet
from engine.errors import ModelMissing
from engine.painting import Painted


def segment(request: SegmentRequest, models: ModelSet, on_event: OnEvent) -> list[Painted]:
    organs = outlines(request.image, models)
    on_event(Progress("organs", 1, 1))
    return [
        Painted(image=request.image, states={"opened": request.image}, organs=organs,
                request=request)
    ]  # fmt: skip


def outlines(image: Pixels, models: ModelSet) -> Organs:
    if models.segmenter is None:
        raise ModelMissing(f"The model set '{models.name}' has no segmenter to find the organs.")
    return models.segmenter.organs(image)
