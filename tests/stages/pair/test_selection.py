"""Which pairs are used for training, cut after cut."""

import numpy as np
import pyarrow as pa
import pytest

from stdask.config.stages import PairConfig
from stdask.config.training import TrainConfig
from stdask.stages.pair.selection import select

TRAIN = TrainConfig.model_validate(
    {"intrinsic": [{"label": "TEFF", "from": "TEFF"}], "extrinsic": [{"label": "VHELIO", "from": "RV"}]}
)


def table(n: int, **changes: object) -> pa.Table:
    columns = {
        "AMBIGUOUS": np.zeros(n, bool),
        "A_GOOD": np.ones(n, bool),
        "B_GOOD": np.ones(n, bool),
        "A_EBV": np.full(n, 0.1),
        "A_TEFF": np.full(n, 5000.0),
        "A_RV": np.linspace(-100, 100, n),
        "B_TEFF": np.full(n, 5000.0),
        "B_VHELIO": np.linspace(-100, 100, n) + np.tile([0.05, -0.05, 0.1, -0.1], n // 4),
    }
    for name, (rows, value) in changes.items():
        columns[name][rows] = value
    return pa.table(columns)


def last(steps: dict[str, np.ndarray]) -> np.ndarray:
    return list(steps.values())[-1]


@pytest.mark.parametrize(
    ("column", "value"),
    [("A_GOOD", False), ("B_GOOD", False), ("A_EBV", 0.31), ("A_EBV", np.nan), ("A_TEFF", np.nan), ("B_TEFF", np.nan)],
)
def test_a_pair_is_used_only_if_it_is_good_little_reddened_and_complete(column: str, value: object):
    steps = select(table(40, **{column: (3, value)}), PairConfig.model_validate({"match": {"by": "position"}}), TRAIN)
    assert np.flatnonzero(~last(steps["intrinsic"])).tolist() == [3]
    # The extrinsic networks are not trained on B_TEFF, so they do not need it.
    assert last(steps["extrinsic"])[3] == (column == "B_TEFF")


def test_a_survey_whose_reddening_is_unknown_for_all_stars_is_not_cut_in_it():
    settings = PairConfig.model_validate({"match": {"by": "position"}})
    steps = select(table(40, A_EBV=(slice(None), np.nan)), settings, TRAIN)
    assert "A has no E(B-V): no cut" in steps["intrinsic"]
    assert last(steps["intrinsic"]).all()


@pytest.mark.parametrize("unambiguous", [True, False])
def test_a_pair_with_a_second_candidate_is_used_only_if_that_is_wanted(unambiguous: bool):
    settings = PairConfig.model_validate({"match": {"by": "position"}, "unambiguous": unambiguous})
    steps = select(table(40, AMBIGUOUS=(3, True)), settings, TRAIN)
    assert np.flatnonzero(~last(steps["intrinsic"])).tolist() == ([3] if unambiguous else [])


def test_a_missing_velocity_costs_the_extrinsic_networks_only():
    steps = select(table(40, A_RV=(5, np.nan)), PairConfig.model_validate({"match": {"by": "position"}}), TRAIN)
    assert last(steps["intrinsic"]).all()
    assert np.flatnonzero(~last(steps["extrinsic"])).tolist() == [5]


def test_velocities_that_differ_by_more_than_five_sigma_are_clipped():
    # the difference is +-0.05 or +-0.1 km/s, so 1.4826 MAD is 0.11 and 5 sigma 0.56
    pairs = table(40, B_VHELIO=([4, 9], [50.0, -99.0]))
    steps = select(pairs, PairConfig.model_validate({"match": {"by": "position"}}), TRAIN)
    assert set(np.flatnonzero(~last(steps["extrinsic"]))) == {4, 9}
    assert last(steps["intrinsic"]).all()


TWO = TrainConfig.model_validate(
    {
        "intrinsic": [{"label": "TEFF", "from": "TEFF"}, {"label": "MG_FE"}],
        "extrinsic": [{"label": "VHELIO", "from": "RV"}, {"label": "RV", "from": "RV"}],
    }
)


def test_a_pair_is_used_if_b_has_one_of_the_labels():
    pairs = table(40, B_TEFF=([3, 4], np.nan)).append_column("B_RV", pa.array(np.linspace(-100, 100, 40)))
    mg_fe = np.where(np.isin(np.arange(40), [4, 5]), np.nan, 0.1)
    pairs = pairs.append_column("B_MG_FE", pa.array(mg_fe))
    steps = select(pairs, PairConfig.model_validate({"match": {"by": "position"}}), TWO)
    assert np.flatnonzero(~last(steps["intrinsic"])).tolist() == [4]  # the one that has neither


def test_a_label_that_b_lacks_is_no_outlier():
    pairs = table(40, B_VHELIO=([4, 9], [50.0, np.nan])).append_column("B_RV", pa.array(np.linspace(-100, 100, 40)))
    pairs = pairs.append_column("B_MG_FE", pa.array(np.zeros(40)))
    steps = select(pairs, PairConfig.model_validate({"match": {"by": "position"}}), TWO)
    assert np.flatnonzero(~last(steps["extrinsic"])).tolist() == [4]


def test_listed_stars_are_gone_before_the_scatter_of_the_velocities_is_taken():
    binaries = np.arange(40) < 24
    differences = np.where(binaries, np.tile([30.0, -30.0], 20), np.tile([0.05, -0.05, 0.1, -0.1], 10))
    differences[39] = 10.0  # 1.4826 MAD is 44 km/s with the binaries, at most 0.3 without them
    pairs = table(40, B_VHELIO=(slice(None), np.linspace(-100, 100, 40) + differences))
    config = PairConfig.model_validate(
        {"match": {"by": "position"}, "exclude": [{"file": "binaries.fits", "column": "star", "survey": "a"}]}
    )
    steps = select(pairs, config, TRAIN, [binaries])
    assert list(steps["extrinsic"])[-3:] == ["a label measured", "not in binaries.fits", "5-sigma clip of B - A"]
    assert [int(left.sum()) for left in steps["extrinsic"].values()][-3:] == [40, 16, 15]
    assert last(steps["intrinsic"]).all()
