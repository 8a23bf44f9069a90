"""Plans and families with weights far from their initial values, without TensorFlow."""

import numpy as np

from stdask.network.ensemble import Family
from stdask.network.plan import Plan
from stdask.science.translation.dissimilarity import fit_neighbourhood
from stdask.science.translation.gaussian_mixture import fit_mixture
from stdask.science.translation.scaling import NO_COUNTERPART, fit_scaling
from stdask.science.translation.validity import fit_domain


def made_up_plan(n_inputs: int, n_labels: int, width: int, depth: int, n_members: int, seed: int = 1) -> Plan:
    """Return a plan of random matrices."""
    rng = np.random.default_rng(seed)
    shapes = {"stem": (n_inputs, width)}
    for i in range(depth):
        shapes |= {f"up{i}_a": (width, width), f"up{i}_b": (width, width), f"up{i}": (width, 2 * width)}
        width *= 2
    shapes["centre_a"] = (width, width)
    for i in range(depth):
        shapes[f"down{i}"] = (2 * width, width // 2)
        width //= 2
        shapes[f"down{i}_a"] = (width, width)
    shapes["head"] = (2 * width, n_labels)
    arrays = {}
    for name, (n_in, n_out) in shapes.items():
        kernels = rng.normal(size=(n_members, n_in, n_out)) / np.sqrt(n_in)
        arrays[f"{name}.kernel"] = kernels.astype(np.float32)
        arrays[f"{name}.bias"] = rng.normal(0, 0.1, (n_members, n_out)).astype(np.float32)
    return Plan(depth, arrays)


def run_in_double(plan: Plan, member: int, x: np.ndarray) -> np.ndarray:
    """Run one member in float64, written as the formula: the truth for the engine."""
    layers = {name: array[member].astype(np.float64) for name, array in plan.arrays.items()}

    def dense(x: np.ndarray, name: str) -> np.ndarray:
        return x @ layers[f"{name}.kernel"] + layers[f"{name}.bias"]

    def relu(x: np.ndarray) -> np.ndarray:
        return np.maximum(x, 0)

    def pair(x: np.ndarray, unit: str) -> np.ndarray:
        return np.concatenate([x, relu(dense(relu(x), f"{unit}_a"))], axis=-1)

    x = dense(x, "stem")
    for i in range(plan.depth):
        x = x + dense(relu(dense(relu(x), f"up{i}_a")), f"up{i}_b")
        x = dense(x, f"up{i}")
    both = pair(x, "centre")
    for i in range(plan.depth):
        both = pair(dense(both, f"down{i}"), f"down{i}")
    return dense(both, "head")


def training_stars(n_stars: int = 400, seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Return inputs TEFF, BP_G_0, G_RP_0, RV and labels TEFF, MG_FE, VHELIO of stars that could be."""
    rng = np.random.default_rng(seed)
    inputs = np.column_stack(
        [
            rng.normal(4800, 300, n_stars),  # K
            rng.normal(0.5, 0.1, n_stars),  # mag
            rng.normal(0.6, 0.1, n_stars),  # mag
            rng.normal(0, 80, n_stars),  # km/s
        ]
    )
    labels = np.column_stack(
        [
            inputs[:, 0] + 30 + rng.normal(0, 50, n_stars),
            rng.normal(0.15, 0.1, n_stars),
            inputs[:, 3] + rng.normal(0.3, 0.5, n_stars),
        ]
    )
    return inputs, labels


def made_up_family(n_members: int = 5) -> Family:
    """Return a small family: a label with a counterpart, one without, and colours that share a magnitude."""
    inputs, labels = training_stars()
    names = ("TEFF", "BP_G_0", "G_RP_0", "RV")
    label_names = ("TEFF", "MG_FE", "VHELIO")
    return Family(
        name="intrinsic",
        inputs=names,
        labels=label_names,
        counterparts=("TEFF", None, "RV"),
        scaling=fit_scaling(inputs, labels, [0, NO_COUNTERPART, 3], "residual"),
        plan=made_up_plan(4, 3, 8, 1, n_members),
        input_domain=fit_domain(inputs, names, 10, 1),
        label_domain=fit_domain(labels, label_names, 10, 1),
        neighbourhood=fit_neighbourhood(inputs, names, 1),
        density=fit_mixture(inputs, 1),
    )
