"""Validate: a family trained from B to A brings translated stars back to the scale of A."""

from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa

from stdask import schema
from stdask.config.training import LabelConfig, TrainConfig
from stdask.display.console import say
from stdask.network.ensemble import Family, predict
from stdask.pairing.training_set import TrainingSet, training_set
from stdask.schema.validation import RoundtripRow, ValidationTables
from stdask.science.assessment.metrics import score
from stdask.science.translation.masking import count_patterns
from stdask.stages.train.family import train_family
from stdask.stages.train.stage import too_few
from stdask.tools.validate.stars import Checked, Validation


def check(validation: Validation) -> ValidationTables:
    """Train from B to A on the same training stars, and translate the test stars there and back."""
    run = validation.run
    train = inverse_training(run.config.train)
    config = run.config.model_copy(update={"train": train})
    swapped, rows = swap_sides(validation.pairs), []
    for checked in validation.checked:
        name = checked.family.name
        if not train.labels(name):
            say(f"  {name}: no label has a counterpart in A, so there is no way back", "yellow")
            continue
        stars = training_set(swapped, name, train, config.seed)
        complete = np.isfinite(stars.inputs).all(axis=1) & np.isfinite(stars.labels).all(axis=1)
        stars = stars.subset(complete)
        if why := too_few(name, stars, train):
            say(f"  No way back: only {why}. On the way back a pair needs all labels, in A and in B.", "yellow")
            continue
        patterns = count_patterns(stars.inputs)  # complete: the way back misses no input
        back = train_family(name, stars, patterns, config, validation.workers, validation.shelves).family
        rows += roundtrip_rows(validation.checked, checked, back, stars, complete, run.definition_a.units)
    validation.workers.refresh()  # TensorFlow takes 0.8 GB of each worker
    return ValidationTables(roundtrip=rows)


def roundtrip_rows(
    families: Sequence[Checked],
    checked: Checked,
    back: Family,
    stars: TrainingSet,
    complete: np.ndarray,
    units: Mapping[str, str],
) -> list[RoundtripRow]:
    """Return how far A -> B -> A, and B -> A alone, lie from A on the test stars.

    Parameters
    ----------
    families, checked
        All families, and the one that `back` inverts.
    back
        From B to A.
    stars
        Its pairs, B's values as inputs.
    complete : shape (n_pairs,), bool
        Which of the pairs of `checked` those are.
    units
        Of the labels of A.
    """
    there = checked.stars.subset(complete)
    there, test = there.subset(there.is_test), stars.subset(stars.is_test)
    translated = _translated(families, checked, there.inputs, back.inputs)
    ways = {"A to B to A": predict(back, translated), "B to A": predict(back, test.inputs)}
    rows = []
    for number, label in enumerate(back.labels):
        stated = there.errors[:, checked.family.measured.index(label)]
        for way, values in ways.items():
            s = score(values[:, number] - test.labels[:, number], checked.n_bootstraps, checked.seed)
            errors = (s.n, s.mae, s.mae_err, s.robust, s.robust_err, float(np.nanmedian(stated)))
            rows.append(RoundtripRow(back.name, label, units[label], way, *errors))
    return rows


def _translated(
    families: Sequence[Checked], checked: Checked, inputs: np.ndarray, labels: tuple[str, ...]
) -> np.ndarray:
    """Return labels of B, each by the family that translates it, from the inputs of `checked`."""
    found: dict[str, np.ndarray] = {}
    for other in families:
        if set(other.family.inputs) <= set(checked.family.inputs):
            columns = [checked.family.inputs.index(name) for name in other.family.inputs]
            found |= dict(zip(other.family.labels, predict(other.family, inputs[:, columns]).T, strict=True))
    return np.stack([found[label] for label in labels], axis=-1)


def inverse_training(train: TrainConfig) -> TrainConfig:
    """Return how to train from B to A: each counterpart becomes the label, and its label the input."""
    turned = {}
    for family in schema.FAMILIES:
        items = {item.source: item.label for item in reversed(train.labels(family)) if item.source}
        turned[family] = tuple(
            LabelConfig.model_validate({"label": source, "from": label}) for source, label in reversed(items.items())
        )
    return train.model_copy(update={**turned, "features": (), "debias": False, "weights": "equal"})


def swap_sides(pairs: pa.Table) -> pa.Table:
    """Return the pairs with A and B in each other's place; ids, keys and test stars stay."""
    other = {"A_": "B_", "B_": "A_"}
    return pairs.rename_columns([other.get(name[:2], name[:2]) + name[2:] for name in pairs.column_names])
