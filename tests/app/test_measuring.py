"""Measures of a picture's organs: boxes whose widths and areas are known."""

import numpy as np
import pytest

from app.document.measuring import measures
from engine.api import HEART, LEFT_LUNG, RIGHT_LUNG


def test_a_heart_of_forty_in_a_chest_of_ninety_columns():
    organs = np.zeros((64, 100), np.uint8)
    organs[10:40, 5:35] = RIGHT_LUNG  # 900 px
    organs[10:50, 80:95] = LEFT_LUNG  # 600 px; both span columns 5 to 94
    organs[30:50, 38:78] = HEART

    assert measures(organs) == pytest.approx({"ratio": 40 / 90, "left": 0.4, "right": 0.6})


def test_what_is_not_there_is_not_measured():
    organs = np.zeros((64, 64), np.uint8)
    assert measures(organs) == {}

    organs[10:20, 10:20] = RIGHT_LUNG
    organs[30:40, 30:40] = HEART
    assert measures(organs) == {"left": 0.0, "right": 1.0}
