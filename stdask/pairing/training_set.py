"""The pairs as arrays for one family: the stars that train fits and evaluate tests."""

from dataclasses import dataclass, fields

import numpy as np
import pyarrow as pa

from stdask.config.training import TrainConfig
from stdask.science.keys.splits import is_test_star
from stdask.science.translation.resampling import measured_behind
from stdask.storage.tables import to_numpy


@dataclass(frozen=True)
class TrainingSet:
    """The usable pairs of one family, row by row the same stars: with all inputs, and at least one label."""

    inputs: np.ndarray  # (n_stars, n_inputs)
    errors: np.ndarray  # (n_stars, n_measured)
    labels: np.ndarray  # (n_stars, n_labels), NaN where B has none
    label_errors: np.ndarray  # (n_stars, n_labels), as B states them, NaN where it does not
    reddening: np.ndarray  # (n_stars,), E(B-V) of A [mag], NaN where it has none
    star_keys: np.ndarray  # (n_stars,), uint64
    ids: np.ndarray  # (n_stars,), str, in A
    is_test: np.ndarray  # (n_stars,), bool

    def __len__(self) -> int:
        """Return the number of stars."""
        return len(self.inputs)

    @property
    def n_with_label(self) -> np.ndarray:
        """Number of stars that have each label, (n_labels,)."""
        return np.isfinite(self.labels).sum(axis=0)

    def subset(self, chosen: np.ndarray) -> "TrainingSet":
        """Return the stars of a mask of shape (n_stars,)."""
        return TrainingSet(**{field.name: getattr(self, field.name)[chosen] for field in fields(self)})


def training_set(pairs: pa.Table, family: str, train: TrainConfig, seed: int) -> TrainingSet:
    """Return the usable pairs of a family, split into test stars and others by star.

    Parameters
    ----------
    pairs
        The table that pair wrote.
    family
        "intrinsic" or "extrinsic".
    train, seed
        `[train]`, and the seed of the run.
    """
    used = pairs.filter(pairs.column(f"USED_{family.upper()}"))
    inputs = train.inputs(family)
    errors = [f"{name}_ERR" for name in measured_behind(inputs)[0]]
    keys = used.column("STAR_KEY").to_numpy()
    return TrainingSet(
        stack_columns(used, [f"A_{name}" for name in inputs]),
        stack_columns(used, [f"A_{name}" for name in errors]),
        stack_columns(used, [f"B_{item.label}" for item in train.labels(family)]),
        stack_columns(used, [f"B_{item.label}_ERR" for item in train.labels(family)]),
        to_numpy(used, "A_EBV") if "A_EBV" in used.column_names else np.full(used.num_rows, np.nan),
        keys,
        to_numpy(used, "ID_A"),
        is_test_star(keys, train.test_fraction, seed),
    )


def stack_columns(table: pa.Table, names: list[str]) -> np.ndarray:
    """Return columns side by side, shape (n_rows, n_columns), float64."""
    return np.stack([to_numpy(table, name).astype(np.float64) for name in names], axis=-1)
