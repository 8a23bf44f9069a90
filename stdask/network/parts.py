"""Families as a JSON-like document and named arrays, for the disk, and back."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np

from stdask.errors import EnsembleError
from stdask.network.blend import Blend
from stdask.network.ensemble import Fallback, Family, Stretch
from stdask.network.plan import Plan, layer_shapes
from stdask.science.translation.calibration import Calibration
from stdask.science.translation.dissimilarity import Neighbourhood
from stdask.science.translation.gaussian_mixture import Mixture
from stdask.science.translation.scaling import Scaling
from stdask.science.translation.validity import Domain

# parts of a family that consist of arrays alone; one that is None leaves no array
ARRAYS = {
    "scaling": Scaling,
    "density": Mixture,
    "stretch": Stretch,
    "blend": Blend,
    "fallback": Fallback,
    "calibration": Calibration,
}
# parts that also carry the names of their columns
NAMED = {"input_domain": Domain, "label_domain": Domain, "neighbourhood": Neighbourhood}
PLANS = ("plan", "latent_plan")
TEXTS = ("inputs", "labels", "counterparts")
DEEPEST = 16  # doublings of the first width: more would be networks of terabytes


def to_parts(family: Family) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Return a family as a JSON-like document and named arrays."""
    document: dict[str, Any] = {"name": family.name, "depth": family.plan.depth}
    document |= {name: list(getattr(family, name)) for name in TEXTS}
    document |= {f"{part}.names": list(getattr(family, part).names) for part in NAMED}
    arrays: dict[str, np.ndarray] = {}
    for part in (*ARRAYS, *NAMED):
        if (value := getattr(family, part)) is not None:
            own = {name: array for name, array in asdict(value).items() if name != "names" and array is not None}
            arrays |= {f"{part}.{name}": array for name, array in own.items()}
    for part in PLANS:
        if (plan := getattr(family, part)) is not None:
            arrays |= {f"{part}.{name}": array for name, array in plan.arrays.items()}
    return document, arrays


def from_parts(document: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> Family:
    """Return the family that `to_parts` took apart.

    Raises
    ------
    EnsembleError
        If a part is missing, or the weights do not fit one another: the compiled kernel does not look at their shapes.
    """
    try:
        family = _joined(document, arrays)
        for plan in (family.plan, family.latent_plan):
            if plan is not None:
                _check_plan(plan, len(family.inputs), len(family.labels))
        if family.blend is not None:
            _check_blend(family)
    except (KeyError, TypeError, ValueError, IndexError, AttributeError) as exc:
        raise EnsembleError(f"The networks of the ensemble do not fit together ({exc!r}). Train it again.") from exc
    return family


def _joined(document: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> Family:
    values: dict[str, Any] = {name: tuple(document[name]) for name in TEXTS}
    kinds: dict[str, Any] = {**ARRAYS, **NAMED}
    for part, kind in kinds.items():
        own = _own(arrays, part)
        named = {"names": tuple(document[f"{part}.names"])} if part in NAMED else {}
        values[part] = kind(**own, **named) if own else None
    for part in PLANS:
        own = _own(arrays, part)
        values[part] = Plan(document["depth"], own) if own else None
    return Family(name=document["name"], **values)


def _check_plan(plan: Plan, n_inputs: int, n_labels: int) -> None:
    """Raise if the weights of a plan are not those of one network shape."""
    if not (isinstance(plan.depth, int) and 0 <= plan.depth <= DEEPEST):
        raise ValueError(f"depth {plan.depth}")
    n_members, _, first_width = plan.arrays["stem.kernel"].shape
    expected: dict[str, tuple[int, ...]] = {}
    for layer, (n_in, n_out) in layer_shapes(n_inputs, n_labels, first_width, plan.depth).items():
        expected |= {f"{layer}.kernel": (n_members, n_in, n_out), f"{layer}.bias": (n_members, n_out)}
    found = {name: array.shape for name, array in plan.arrays.items()}
    if wrong := sorted({name for name, _ in found.items() ^ expected.items()}):
        raise ValueError(f"{wrong[0]} has shape {found.get(wrong[0])}, not {expected.get(wrong[0])}")
    if not (n_members and first_width and n_inputs and n_labels):
        raise ValueError(f"stem.kernel has shape {found['stem.kernel']}")
    if any(array.dtype != np.float32 for array in plan.arrays.values()):
        raise ValueError("weights that are not float32")


def _check_blend(family: Family) -> None:
    """Raise if the Gaussian processes of a family are not those of its inputs, labels and members."""
    blend = family.blend
    expected = (family.plan.n_members, len(family.labels), len(family.inputs))
    if blend is not None and blend.slopes.shape != expected:
        raise ValueError(f"blend.slopes has shape {blend.slopes.shape}, not {expected}")


def _own(arrays: Mapping[str, np.ndarray], part: str) -> dict[str, np.ndarray]:
    return {name.removeprefix(f"{part}."): array for name, array in arrays.items() if name.startswith(f"{part}.")}
