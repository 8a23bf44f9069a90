"""Validate: there and back again. A family trained the other way brings translated stars back to the scale of A."""

import numpy as np
import pyarrow as pa

from stdask import schema
from stdask.config.run import Run
from stdask.config.training import LabelConfig
from stdask.display.console import say
from stdask.network.ensemble import Family, predict
from stdask.pairing.training_set import TrainingSet, training_set
from stdask.science.assessment.metrics import score
from stdask.science.translation.masking import count_patterns
from stdask.stages.train.family import train_family
from stdask.tools.validate.stars import Checked, Rows, Validation


def check(validation: Validation) -> dict[str, Rows]:
    """Train from B to A on the same training stars, and send the test stars there and back."""
    inverse = inverse_run(validation.run)
    swapped, rows = swap_sides(validation.pairs), []
    for checked in validation.checked:
        name = checked.family.name
        if not inverse.config.train.labels(name):
            say(f"  {name}: no label has a counterpart in A, so there is no way back", "yellow")
            continue
        stars = training_set(swapped, name, inverse.config.train, validation.run.config.seed)
        complete = np.isfinite(stars.inputs).all(axis=1) & np.isfinite(stars.labels).all(axis=1)
        stars = stars.subset(complete)
        patterns = count_patterns(stars.inputs)  # complete: the way back misses no input
        back = train_family(name, stars, patterns, inverse, validation.workers).family
        rows += roundtrip_rows(validation, checked, back, stars, complete)
    validation.workers.refresh()  # TensorFlow takes 0.8 GB of each worker
    return {"roundtrip": rows}


def roundtrip_rows(
    validation: Validation, checked: Checked, back: Family, stars: TrainingSet, complete: np.ndarray
) -> Rows:
    """Return how far A -> B -> A, and B -> A alone, lie from A on the test stars.

    Parameters
    ----------
    validation, checked
        All families, and the one that `back` inverts.
    back
        From B to A.
    stars
        Its pairs, B's values as inputs.
    complete : shape (n_pairs,), bool
        Which of the pairs of `checked` those are.
    """
    there = checked.stars.subset(complete)
    there, test = there.subset(there.is_test), stars.subset(stars.is_test)
    translated = _translated(validation, checked, there.inputs, back.inputs)
    ways = {"A to B to A": predict(back, translated), "B to A": predict(back, test.inputs)}
    evaluate, rows = validation.run.config.evaluate, []
    for number, label in enumerate(back.labels):
        stated = there.errors[:, checked.family.measured.index(label)]
        unit = schema.quantity(label, validation.run.definition_a.labels[label].unit).unit
        for way, values in ways.items():
            scores = score(
                values[:, number] - test.labels[:, number], evaluate.n_bootstraps, validation.run.config.seed
            )
            row = {"family": back.name, "label": label, "unit": unit, "way": way, "n": scores["n"]}
            row |= {name: scores[name] for name in ("mae", "mae_err", "robust", "robust_err")}
            rows.append(row | {"stated_error_of_a": float(np.nanmedian(stated))})
    return rows


def _translated(validation: Validation, checked: Checked, inputs: np.ndarray, labels: tuple[str, ...]) -> np.ndarray:
    """Return labels of B, each by the family that translates it, from the inputs of `checked`."""
    found: dict[str, np.ndarray] = {}
    for other in validation.checked:
        if set(other.family.inputs) <= set(checked.family.inputs):
            columns = [checked.family.inputs.index(name) for name in other.family.inputs]
            found |= dict(zip(other.family.labels, predict(other.family, inputs[:, columns]).T, strict=True))
    return np.stack([found[label] for label in labels], axis=-1)


def inverse_run(run: Run) -> Run:
    """Return a run that trains from B to A: each counterpart becomes the label, and its label the input."""
    turned = {}
    for family in schema.FAMILIES:
        items = {item.source: item.label for item in reversed(run.config.train.labels(family)) if item.source}
        turned[family] = tuple(
            LabelConfig.model_validate({"label": source, "from": label}) for source, label in reversed(items.items())
        )
    train = run.config.train.model_copy(update={**turned, "features": (), "debias": False})
    return run.model_copy(update={"config": run.config.model_copy(update={"train": train})})


def swap_sides(pairs: pa.Table) -> pa.Table:
    """Return the pairs with A and B in each other's place; ids and keys stay, and so do the test stars."""
    other = {"A_": "B_", "B_": "A_"}
    return pairs.rename_columns([other.get(name[:2], name[:2]) + name[2:] for name in pairs.column_names])
