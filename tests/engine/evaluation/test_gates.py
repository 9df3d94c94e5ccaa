from engine.evaluation.gates import gate_table, gates_of

OBEDIENT = {
    "maps": 200,
    "dice": {"left lung": 0.97, "right lung": 0.96, "heart": 0.939},
    "ratio_maps": 200,
    "ratio_r": 0.96,
    "ratio_slope": 1.08,
}


def finding(**changes):
    figures = {
        "offered": True, "hits": 30, "of": 40, "rate": 0.75, "interval": [0.6, 0.86],
        "without": 0.1, "mcnemar_p": 0.001, "passes": True,
    }  # fmt: skip
    return {**figures, **changes}


def held(results):
    return {one["gate"]: one["holds"] for one in gates_of(results)}


def test_a_figure_at_its_limit_holds_and_one_below_does_not():
    found = held({"obedience": {"map": {"healthy": OBEDIENT}}})

    assert found["obedience: left lung"] is True
    assert found["obedience: right lung"] is True
    assert found["obedience: heart"] is False
    assert found["size tracks: r"] is True
    assert found["size tracks: slope"] is False


def test_what_was_not_measured_neither_holds_nor_fails():
    assert set(held({}).values()) == {None}
    assert held({"obedience": {"map": {"healthy": OBEDIENT}}})["codec: PSNR, dB"] is None


def test_a_finding_that_fails_may_not_be_offered():
    found = held(
        {
            "findings": {
                "effusion": finding(),
                "mass": finding(passes=False),
                "nodule": finding(passes=False, offered=False),
            }
        }
    )

    assert found["finding appears: effusion"] is True
    assert found["finding appears: mass"] is False
    assert found["finding appears: nodule"] is True


def test_one_pair_too_alike_is_a_copy():
    ratios = {"block mean": 1.0, "detail": 0.89}
    copies = {"films": 9, "ratio": ratios, "max_ssim": 0.91, "pairs_above_0.9": 1}

    found = held({"copies": copies})

    assert found["no copies: block mean"] is True
    assert found["no copies: detail"] is False
    assert found["no copies: pairs with SSIM > 0.9"] is False


def test_a_model_without_a_map_is_measured_by_its_controller():
    found = held({"obedience": {"controller": {"healthy": OBEDIENT}}})

    assert found["obedience: left lung"] is True


def test_the_table_has_a_line_for_each_gate_and_counts_them():
    gates = gates_of({"obedience": {"map": {"healthy": OBEDIENT}}})

    lines = gate_table(gates).splitlines()

    assert len(lines) == len(gates) + 1
    assert lines[2].startswith("MISSED  obedience: heart") and "0.939" in lines[2]
    assert lines[-1] == "3 of 5 measured gates hold."
