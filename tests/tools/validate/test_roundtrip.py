"""There and back again: sides swapped, labels turned round, and a way back that undoes the way there."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from stdask.config.run import Run
from stdask.network.ensemble import Family
from stdask.pairing.training_set import training_set
from stdask.tools.validate.roundtrip import check, inverse_training, roundtrip_rows, swap_sides
from tests.hand_made import make_run
from tests.tools.validate.checked_stars import TEFF_B, checked, identity, stars_and_labels, training

NOISE = 40.0  # K, of B


@pytest.fixture
def run(tmp_path: Path) -> Run:
    items = [{"label": "TEFF", "from": "TEFF"}, {"label": "MG_FE"}, {"label": "M_H", "from": "FE_H"}]
    train = {"intrinsic": items, "extrinsic": [{"label": "VHELIO", "from": "RV"}], "features": ["BP_G_0"]}
    return make_run(tmp_path, train={**train, "debias": True})


def test_counterparts_become_labels_and_their_labels_inputs(run: Run):
    train = inverse_training(run.config.train)
    assert [(item.label, item.source) for item in train.intrinsic] == [("TEFF", "TEFF"), ("FE_H", "M_H")]
    assert train.inputs("intrinsic") == ("TEFF", "M_H")
    assert train.inputs("extrinsic") == ("TEFF", "M_H", "VHELIO")
    assert not train.debias
    assert run.config.train.inputs("intrinsic") == ("TEFF", "FE_H", "BP_G_0")  # the run itself is as it was


def test_a_counterpart_of_two_labels_comes_back_from_the_first(tmp_path: Path):
    items = [{"label": "FE_H", "from": "FE_H"}, {"label": "M_H", "from": "FE_H"}]
    train = inverse_training(make_run(tmp_path, train={"intrinsic": items}).config.train)
    assert [(item.label, item.source) for item in train.intrinsic] == [("FE_H", "FE_H")]


def test_swapped_pairs_have_the_same_test_stars_and_each_others_values(run: Run):
    rng = np.random.default_rng(1)
    names = [f"{side}_{name}{error}" for side in "AB" for name in ("TEFF", "FE_H", "M_H") for error in ("", "_ERR")]
    columns: dict[str, Any] = {name: rng.normal(size=50) for name in names}
    columns |= {"A_BP_G_0": rng.normal(size=50), "A_BP_MAG_ERR": np.ones(50), "A_G_MAG_ERR": np.ones(50)}
    columns |= {"B_MG_FE": rng.normal(size=50), "B_MG_FE_ERR": np.ones(50), "STAR_KEY": np.arange(50, dtype=np.uint64)}
    columns |= {"ID_A": np.arange(50).astype(str), "USED_INTRINSIC": np.ones(50, dtype=bool)}
    pairs = pa.table(columns)
    there = training_set(pairs, "intrinsic", run.config.train, 7)
    back = training_set(swap_sides(pairs), "intrinsic", inverse_training(run.config.train), 7)
    np.testing.assert_array_equal(back.is_test, there.is_test)
    np.testing.assert_array_equal(back.ids, there.ids)
    np.testing.assert_array_equal(back.inputs, there.labels[:, [0, 2]])
    np.testing.assert_array_equal(back.labels, there.inputs[:, [0, 1]])
    np.testing.assert_array_equal(back.errors, np.column_stack([columns["B_TEFF_ERR"], columns["B_M_H_ERR"]]))
    assert swap_sides(swap_sides(pairs)).equals(pairs)


def test_without_pairs_that_have_all_labels_there_is_no_way_back(run: Run, capsys: pytest.CaptureFixture):
    first = np.arange(400) < 200  # B has TEFF of these stars, and M_H of the others
    columns: dict[str, Any] = {f"A_{name}": np.ones(400) for name in ("TEFF", "TEFF_ERR", "FE_H", "FE_H_ERR")}
    columns |= {"B_TEFF": np.where(first, 5000, np.nan), "B_M_H": np.where(first, np.nan, 0.1)}
    columns |= {"B_TEFF_ERR": np.ones(400), "B_M_H_ERR": np.ones(400), "ID_A": np.arange(400).astype(str)}
    columns |= {"STAR_KEY": np.arange(400, dtype=np.uint64), "USED_INTRINSIC": np.ones(400, dtype=bool)}
    ours = SimpleNamespace(family=SimpleNamespace(name="intrinsic"))
    workers = SimpleNamespace(refresh=lambda: None)
    validation = SimpleNamespace(run=run, pairs=pa.table(columns), checked=[ours], workers=workers)
    assert check(validation).roundtrip == []
    assert "only 0 usable pairs for the intrinsic networks, 200 are needed" in " ".join(capsys.readouterr().out.split())


def two_labels(family: Family) -> dict[str, np.ndarray]:
    """Return the heads of the networks, cut to two labels."""
    return {name: array[..., :2] for name, array in family.plan.arrays.items() if name.startswith("head.")}


def test_a_way_back_that_undoes_the_way_there_leaves_nothing_but_what_b_adds(run: Run):
    inputs, labels = stars_and_labels(2000, 8)
    labels[:, TEFF_B] += 25 + np.random.default_rng(1).normal(0, NOISE, 2000)
    family = identity()
    there = replace(family, scaling=replace(family.scaling, offsets=np.array([25.0, 0.1, 0.0])))
    back = replace(
        family,
        inputs=("TEFF", "MG_FE", "MG_FE", "VHELIO"),  # of B; the networks say 0, whatever stands between
        labels=("TEFF", "RV"),
        plan=replace(family.plan, arrays={**family.plan.arrays, **two_labels(family)}),
        scaling=replace(
            family.scaling,
            own_input=np.array([0, 3]),
            gains=np.ones(2),
            offsets=np.array([-25.0, 0.0]),
            scales=np.ones(2),
        ),
    )
    stars = training(inputs, labels, errors=[60, 0, 0, 0, 1])
    ours = checked(run, there, stars)
    turned = replace(stars, inputs=labels[:, [0, 1, 1, 2]], labels=inputs[:, [0, 3]])
    complete = np.arange(2000) < 1500
    rows = roundtrip_rows([ours], ours, back, turned.subset(complete), complete, run.definition_a.units)
    assert [(r.label, r.way, r.n) for r in rows] == [
        (label, way, 300) for label in ("TEFF", "RV") for way in ("A to B to A", "B to A")
    ]
    assert rows[0].mae == pytest.approx(0, abs=0.01)  # float32 networks at 4800 K
    assert rows[1].robust == pytest.approx(NOISE, abs=4 * rows[1].robust_err)
    assert [row.stated_error_of_a for row in rows] == [60, 60, 1, 1]
    assert [row.unit for row in rows] == ["K", "K", "km/s", "km/s"]
