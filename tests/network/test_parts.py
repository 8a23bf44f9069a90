"""Families taken apart: plain JSON and plain arrays, from which every field comes back."""

import json
from collections.abc import Callable
from dataclasses import fields, is_dataclass, replace
from typing import Any

import numpy as np
import pytest

from stdask.errors import EnsembleError
from stdask.network.ensemble import Fallback, Family, Stretch
from stdask.network.parts import from_parts, to_parts
from stdask.science.translation.calibration import N_GROUPS, Calibration
from tests.network.made_up import made_up_family, made_up_plan
from tests.network.test_blend import made_up_blend

BARE = replace(made_up_family(), density=None)


def full_family() -> Family:
    """Return a family that has every optional part."""
    rng = np.random.default_rng(3)
    calibration = Calibration(
        scales=rng.uniform(1, 2, 3),
        weights=rng.normal(0, 0.1, (3, 9)),
        input_factors=rng.uniform(1, 2, 3),
        member_factors=rng.uniform(1, 2, 3),
        group_columns=np.array([1, -1]),
        group_factors=rng.uniform(1, 2, (3, N_GROUPS)),
        missing_factors=rng.uniform(1, 2, 3),
        wide_factors=rng.uniform(2, 5, (3, N_GROUPS + 1)),
        correlation_root=np.array([[0.8, 0.6, 0.0], [0.6, 0.8, 0.0], [0.0, 0.0, 1.0]]),
    )
    return replace(
        made_up_family(),
        latent_plan=made_up_plan(4, 3, 8, 1, 5, seed=2),
        stretch=Stretch(*rng.uniform(1, 2, (3, 3))),
        blend=made_up_blend(),
        fallback=Fallback(np.array([True, False, False]), rng.normal(size=(5, 35, 3))),
        calibration=calibration,
    )


def assert_same(one: Any, other: Any, where: str) -> None:
    """Assert that two values are equal to the last bit, with everything in them."""
    assert type(one) is type(other), where
    if is_dataclass(one):
        for field in fields(one):
            assert_same(getattr(one, field.name), getattr(other, field.name), f"{where}.{field.name}")
    elif isinstance(one, dict):
        assert one.keys() == other.keys(), where
        for name in one:
            assert_same(one[name], other[name], f"{where}[{name}]")
    elif isinstance(one, np.ndarray):
        assert one.dtype == other.dtype, where
        np.testing.assert_array_equal(one, other, err_msg=where)
    else:
        assert one == other, where


def test_every_field_comes_back_through_json_and_arrays():
    family = full_family()
    assert [field.name for field in fields(family) if getattr(family, field.name) is None] == []
    document, arrays = to_parts(family)
    assert_same(from_parts(json.loads(json.dumps(document)), arrays), family, "family")


def test_an_ensemble_of_an_earlier_version_opens_without_wide_factors_and_correlations():
    family = full_family()
    document, arrays = to_parts(family)
    opened = from_parts(document, {n: a for n, a in arrays.items() if "wide" not in n and "correlation" not in n})
    assert family.calibration
    earlier = replace(family.calibration, wide_factors=None, correlation_root=None)
    assert_same(opened, replace(family, calibration=earlier), "family")
    assert_same(from_parts(*to_parts(opened)), opened, "family")


def test_processes_of_an_earlier_version_have_gaussian_bumps():
    family = full_family()
    document, arrays = to_parts(family)
    opened = from_parts(document, {name: array for name, array in arrays.items() if "smoothness" not in name})
    assert opened.blend
    assert family.blend
    gaussian = replace(family.blend, smoothnesses=np.full(3, np.inf, np.float32))
    x = np.random.default_rng(1).normal(size=(20, 4)).astype(np.float32)
    for label in range(3):
        np.testing.assert_array_equal(opened.blend.evaluate(0, label, x), gaussian.evaluate(0, label, x))
    assert_same(from_parts(*to_parts(opened)), opened, "family")


def test_what_a_family_does_not_have_leaves_nothing_behind():
    document, arrays = to_parts(BARE)
    assert {name.split(".")[0] for name in arrays} == {
        "scaling", "plan", "input_domain", "label_domain", "neighbourhood"
    }  # fmt: skip
    assert_same(from_parts(document, arrays), BARE, "family")


def without(name: str) -> Callable[[dict, dict], object]:
    return lambda _, arrays: arrays.pop(name)


def with_array(name: str, change: Callable[[np.ndarray], np.ndarray]) -> Callable[[dict, dict], object]:
    return lambda _, arrays: arrays.update({name: change(arrays[name])})


def with_arrays(start: str, change: Callable[[np.ndarray], np.ndarray]) -> Callable[[dict, dict], object]:
    return lambda _, arrays: arrays.update(
        {n: change(a) for n, a in arrays.items() if n.startswith(start) and a.ndim > 1}
    )


@pytest.mark.parametrize(
    "change",
    [
        without("plan.up0.bias"),
        without("scaling.gains"),
        with_array("plan.up0.kernel", lambda a: a[:, :, :-1]),
        with_array("plan.stem.kernel", lambda a: a[:, :-1]),
        with_array("plan.head.bias", lambda a: a[:, :2]),
        with_array("plan.centre_a.bias", lambda a: a[:1]),
        with_array("plan.down0.kernel", lambda a: a.astype(np.float64)),
        with_array("latent_plan.stem.bias", lambda a: a[None]),
        with_array("blend.weights", lambda a: a[..., :-1]),
        with_array("blend.stars", lambda a: a.astype(np.float64)),
        *(with_arrays("blend.", lambda a, axis=axis: np.take(a, [0], axis)) for axis in (0, 1)),
        lambda _, arrays: arrays.update({"plan.up9.kernel": np.zeros(3, np.float32)}),
        *(lambda document, _, depth=depth: document.update(depth=depth) for depth in (0, 2, -1, 10**9, "1", None)),
        lambda document, _: document.update(inputs=["TEFF"]),
        lambda document, _: document.pop("labels"),
    ],
)
def test_weights_that_do_not_fit_together_never_reach_the_compiled_kernel(change: Callable[[dict, dict], object]):
    document, arrays = to_parts(full_family())
    change(document, arrays)
    with pytest.raises(EnsembleError, match=r"do not fit together \(.*\)\. Train it again"):
        from_parts(document, arrays)


def test_arrays_are_of_plain_numbers():
    # Safetensors has neither objects nor texts, and no pickle ever lies on disk.
    assert {array.dtype.kind for array in to_parts(full_family())[1].values()} <= set("fiub")
