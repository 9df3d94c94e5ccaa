from engine.evaluation.card import limits, write_card

WHOLE = {
    "schema": 1,
    "date": "2026-11-25",
    "command": "python -m engine evaluate --data DIR",
    "device": "2 processor cores",
    "minutes": 31.4,
    "quick": False,
    "seed": 7,
    "models": {
        "diffusion": {
            "sha256": "ab" * 32,
            "bytes": 29_997_556,
            "licence": "Apache-2.0",
            "training": {"films": 2563, "minutes": 99},
        }
    },
    "gates": [
        {
            "gate": "obedience: left lung",
            "must": ">= 0.96",
            "value": 0.954,
            "holds": False,
            "detail": "Dice, 200 held-out maps",
        },
        {"gate": "no copies", "must": ">= 0.9", "value": 1.013, "holds": True},
        {"gate": "looks real", "must": "<= 0.8", "value": None, "holds": None},
    ],
    "segmenter": {"films": 29, "dice": {"left lung": 0.9602, "right lung": 0.9647, "heart": 0.934}},
    "obedience": {
        "map": {
            "healthy": {
                "maps": 200,
                "dice": {"left lung": 0.954, "right lung": 0.958, "heart": 0.936},
                "dice_10th": {"left lung": 0.938, "right lung": 0.942, "heart": 0.895},
                "ratio_r": 0.954,
                "ratio_slope": 0.932,
                "ratio_error": 0.02,
            }
        },
        "controller": {
            "healthy": {
                "maps": 200,
                "dice": {"left lung": 0.9, "right lung": 0.9, "heart": 0.9},
            }
        },
    },
    "findings": {
        "effusion": {
            "offered": True,
            "hits": 52,
            "of": 64,
            "rate": 0.8125,
            "interval": [0.70, 0.89],
            "without": 0.11,
            "auc_real": 0.84,
            "mean_change": 1.7,
        },
        "mass": {"offered": True, "hits": 16, "of": 64, "rate": 0.25, "interval": [0.16, 0.37]},
        "nodule": {"offered": False, "hits": 7, "of": 64, "rate": 0.11, "interval": [0.05, 0.21]},
    },
    "realism": {
        "space": "judge features",
        "n": 400,
        "two_sample": {"generated": 0.91, "reconstructed": 0.78, "real": 0.5},
        "frechet": {"generated": 12.5, "reconstructed": 6.25, "real": 2.0},
        "kid_x1000": {"generated": 30.0, "reconstructed": 12.0, "real": 0.5},
        "precision": 0.7,
        "recall": 0.5,
        "density": 0.8,
        "coverage": 0.6,
    },
    "copies": {
        "ratio": {"block mean": 1.01, "detail": 1.08},
        "max_ssim": 0.71,
        "pairs_above_0.9": 0,
    },
    "codec": {
        "linear": {"psnr": 34.1, "ssim": 0.924, "mse": 0.0004},
        "fidelity": {"psnr": 35.2, "ssim": 0.941, "mse": 0.0003},
        "films": 264,
    },
    "upscaling": {"bicubic": {"psnr": 36.0, "ssim": 0.93, "mse": 0.0002}},
    "sampling": {"steps": 20, "seconds": {"generate": 2.8}},
}


def test_every_figure_of_the_results_is_in_the_card(tmp_path):
    text = write_card(WHOLE, tmp_path).read_text("utf-8")

    assert (
        "| obedience: left lung | >= 0.96 | 0.954 | **missed** | Dice, 200 held-out maps |" in text
    )
    assert "| no copies | >= 0.9 | 1.013 | holds |  |" in text
    assert "| effusion | yes | 52 of 64 | 81% (70% to 89%) | 11% | 0.84 | 1.70 |" in text
    assert "30.0 MB" in text and "| 2563 | 99 |" in text
    assert "0.954 (0.938)" in text
    assert "block mean 1.01, detail 1.08" in text
    assert "| fidelity decoder (keeps) | 35.20 | 0.941 | 0.00030 |" in text
    assert "| bicubic | 36.00 | 0.930 | 0.00020 |" in text
    assert "| generate | 2.8 |" in text
    assert "Better is the map given to the network" in text
    assert "python -m engine evaluate --data DIR" in text


def test_what_was_not_measured_is_said_not_to_be(tmp_path):
    text = write_card({"schema": 1}, tmp_path).read_text("utf-8")

    assert text.count("Not measured in this run.") == 10
    assert "None" not in text


def test_the_sources_are_acknowledged_whatever_was_measured(tmp_path):
    text = " ".join(write_card({}, tmp_path).read_text("utf-8").split())

    assert "Acknowledgement: NIH Clinical Center; X. Wang, Y. Peng" in text
    assert "RSNA Pneumonia Detection Challenge 2018" in text
    assert "do not state the hospital or the basis of consent" in text
    assert "not for diagnosis" in text


def test_limits_follow_from_the_figures():
    said = " ".join(limits(WHOLE))

    assert "obedience: left lung is 0.954, and must be >= 0.96" in said
    assert "no copies" not in said and "looks real" not in said
    assert "do not appear reliably when asked for: nodule" in said
    assert "fewer than half of the films: mass" in said
    assert "tells drawn films from real ones in 91% of cases" in said


def test_a_quick_run_is_marked_as_one(tmp_path):
    text = write_card({**WHOLE, "quick": True}, tmp_path).read_text("utf-8")

    assert "**quick** run" in text


def test_sheets_and_what_was_seen_on_them_are_taken_in_where_they_exist(tmp_path):
    without = write_card(WHOLE, tmp_path).read_text("utf-8")
    (tmp_path / "cards").mkdir()
    (tmp_path / "cards" / "samples.jpg").write_bytes(b"")
    (tmp_path / "eyes.md").write_text("Clavicles are smoky.\n", "utf-8")

    text = write_card(WHOLE, tmp_path).read_text("utf-8")

    assert "cards/" not in without and "still wrong" not in without
    assert "![samples](cards/samples.jpg)" in text
    assert "cards/erasures.jpg" not in text
    assert "Clavicles are smoky." in text
