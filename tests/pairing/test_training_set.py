"""The training set of a family has its columns of the pairs, star by star, and the same test stars each time."""

from typing import Any

import numpy as np
import pyarrow as pa

from stdask.config.training import TrainConfig
from stdask.pairing.training_set import stack_columns, training_set

TRAIN = TrainConfig.model_validate(
    {"intrinsic": [{"label": "TEFF", "from": "TEFF"}, {"label": "MG_FE"}], "features": ["BP_G_0"]}
)
N = 200


def pairs() -> pa.Table:
    rng = np.random.default_rng(1)
    names = ["A_TEFF", "A_TEFF_ERR", "A_BP_G_0", "A_BP_MAG_ERR", "A_G_MAG_ERR"]
    names += [f"B_{label}{end}" for label in ("TEFF", "MG_FE") for end in ("", "_ERR")]
    columns: dict[str, Any] = {name: rng.normal(size=N) for name in names}
    columns |= {"STAR_KEY": rng.integers(0, 2**63, N).astype(np.uint64), "ID_A": np.arange(N).astype(str)}
    return pa.table(columns | {"USED_INTRINSIC": np.arange(N) % 4 > 0})


def test_usable_pairs_are_taken_with_inputs_labels_and_errors_in_the_order_of_the_run_file():
    table = pairs()
    stars = training_set(table, "intrinsic", TRAIN, seed=7)
    used = np.arange(N) % 4 > 0
    assert stars.ids.tolist() == np.arange(N)[used].astype(str).tolist()
    for values, names in (
        (stars.inputs, ["A_TEFF", "A_BP_G_0"]),
        (stars.errors, ["A_TEFF_ERR", "A_BP_MAG_ERR", "A_G_MAG_ERR"]),
        (stars.labels, ["B_TEFF", "B_MG_FE"]),
        (stars.label_errors, ["B_TEFF_ERR", "B_MG_FE_ERR"]),
    ):
        np.testing.assert_array_equal(values, stack_columns(table, names)[used])
    assert np.isnan(stars.reddening).all()  # A has none


def test_a_star_is_a_test_star_whatever_the_other_pairs_are():
    table = pairs()
    stars = training_set(table, "intrinsic", TRAIN, seed=7)
    few = training_set(table.slice(0, 50), "intrinsic", TRAIN, seed=7)
    np.testing.assert_array_equal(few.is_test, stars.is_test[: len(few)])
    assert 0.1 < stars.is_test.mean() < 0.3  # a fifth; 150 stars: 4 sigma of the binomial is 0.13


def test_a_subset_has_the_chosen_stars_in_every_column():
    stars = training_set(pairs(), "intrinsic", TRAIN, seed=7)
    test = stars.subset(stars.is_test)
    assert len(test) == stars.is_test.sum()
    assert test.is_test.all()
    np.testing.assert_array_equal(test.labels, stars.labels[stars.is_test])


def test_extrinsic_networks_have_pairs_and_labels_of_their_own_and_read_the_intrinsic_inputs_too():
    train = TrainConfig.model_validate(
        TRAIN.model_dump(by_alias=True) | {"extrinsic": [{"label": "VHELIO", "from": "RV"}]}
    )
    rng, table = np.random.default_rng(2), pairs()
    for name in ("A_RV", "A_RV_ERR", "B_VHELIO", "B_VHELIO_ERR", "A_EBV"):
        table = table.append_column(name, pa.array(rng.normal(size=N)))
    used = np.arange(N) % 2 > 0
    stars = training_set(table.append_column("USED_EXTRINSIC", pa.array(used)), "extrinsic", train, seed=7)
    for values, names in (
        (stars.inputs, ["A_TEFF", "A_BP_G_0", "A_RV"]),
        (stars.errors, ["A_TEFF_ERR", "A_BP_MAG_ERR", "A_G_MAG_ERR", "A_RV_ERR"]),
        (stars.labels, ["B_VHELIO"]),
        (stars.reddening[:, None], ["A_EBV"]),
    ):
        np.testing.assert_array_equal(values, stack_columns(table, names)[used])
    intrinsic = training_set(table, "intrinsic", train, seed=7)
    is_test = dict(zip(intrinsic.ids, intrinsic.is_test, strict=True))
    # A star is a test star of both families or of none.
    shared = [(is_test[star], own) for star, own in zip(stars.ids, stars.is_test, strict=True) if star in is_test]
    assert len(shared) > 50
    assert all(one == other for one, other in shared)
