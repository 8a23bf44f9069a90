"""Validate: stars translated to another survey first, and from there to B, arrive where those translated to B do."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pyarrow as pa

from stdask import schema
from stdask.config.training import LabelConfig, TrainConfig
from stdask.display.console import say
from stdask.network.ensemble import Family, predict
from stdask.pairing.common_stars import gather_stars, match_surveys
from stdask.pairing.training_set import TrainingSet, training_set
from stdask.runs.ensemble import open_ensemble
from stdask.runs.surveys.finished import SurveyRun, translated_surveys
from stdask.schema.evaluation import MIN_GROUP
from stdask.schema.validation import TriangleRow, ValidationTables
from stdask.science.assessment.metrics import score
from stdask.science.translation.masking import count_patterns
from stdask.science.translation.resampling import measured_behind
from stdask.stages.train.family import train_family
from stdask.stages.train.stage import too_few
from stdask.storage import paths
from stdask.storage.catalogue.catalogue import Catalogue, open_catalogue
from stdask.storage.tables import read_parquet, to_numpy
from stdask.tools.validate.stars import Checked, Validation

GOOD, KEY, KEY_B = schema.GOOD.name, schema.STAR_KEY.name, f"{schema.STAR_KEY.name}_B"
DIRECT, DIFFERENCE = "A to B", "through {} minus direct"


def check(validation: Validation) -> ValidationTables:
    """Train from A to each other survey on the stars that both have, and translate the test stars both ways."""
    rows: list[TriangleRow] = []
    _, *others = translated_surveys(validation.run)
    if not others:
        say("  The run translates one survey: there is no way through another one.", "yellow")
    for other in others:
        for checked in validation.checked:
            rows += _triangle(validation, checked, other)
    validation.workers.refresh()  # TensorFlow takes 0.8 GB of each worker
    return ValidationTables(triangle=rows)


def _triangle(validation: Validation, checked: Checked, other: SurveyRun) -> list[TriangleRow]:
    """Return how far both ways lead from B, for one family; say why if there is none through the other survey."""
    run, name = validation.run, checked.family.name
    beyond = next((own for own in open_ensemble(paths.ensemble(other.output)).families if own.name == name), None)
    if beyond is None:
        return []
    config = run.config.model_copy(update={"train": training_to(run.config.train, name, beyond.inputs)})
    stars = training_set(_common_pairs(validation, other, config.train, name), name, config.train, config.seed)
    stars = stars.subset(np.isfinite(stars.inputs).all(axis=1) & np.isfinite(stars.labels).all(axis=1))
    if why := too_few(name, stars, config.train):
        say(f"  No way through {other.definition.name}: only {why}.", "yellow")
        return []
    shelves = replace(validation.shelves, prefix=f"{other.definition.name}_")
    first = train_family(name, stars, count_patterns(stars.inputs), config, validation.workers, shelves)
    test = unknown_to(checked.test, validation.pairs, other, run.definition_b.name, name)
    return triangle_rows(checked, test, first.family, beyond, other.definition.name)


def training_to(train: TrainConfig, family: str, inputs: Sequence[str]) -> TrainConfig:
    """Return how to train from A to the inputs of another survey's networks, with the inputs that A's networks have.

    What both surveys take from the same source, such as the colours of Gaia, is not translated.

    Parameters
    ----------
    train, family
        `[train]` of A, and the family.
    inputs
        What the networks of the other survey read.
    """
    own = train.inputs(family)
    labels = [
        LabelConfig.model_validate({"label": name} | ({"from": name} if name in own else {}))
        for name in inputs
        if not _is_shared(name, train.features)
    ]
    sources = {item.source for item in labels}
    features = tuple(name for name in own if name not in sources)
    unused = dict.fromkeys(schema.FAMILIES, ())
    turned = {**unused, family: tuple(labels), "features": features, "debias": False, "weights": "equal"}
    return train.model_copy(update=turned)


def _is_shared(name: str, features: Sequence[str]) -> bool:
    return name in features and schema.derived_quantity(name) is not None


def unknown_to(test: TrainingSet, pairs: pa.Table, other: SurveyRun, b: str, family: str) -> TrainingSet:
    """Return the test stars of A on which the networks of the other survey were not trained; all if those are few.

    Parameters
    ----------
    test, pairs
        The test stars, and the stars in A and B.
    other, b, family
        The other survey, the name of B, and the family of networks.
    """
    own = read_parquet(paths.pairs(other.output, other.definition.name, b), [KEY_B, schema.used_column(family).name])
    trained = to_numpy(own, KEY_B)[to_numpy(own, schema.used_column(family).name)]
    known = to_numpy(pairs, KEY)[np.isin(to_numpy(pairs, KEY_B), trained)]
    unknown = ~np.isin(test.star_keys, known)
    if unknown.sum() < MIN_GROUP:
        say(f"  {other.definition.name} was trained on nearly all test stars; they are compared anyway.", "yellow")
        return test
    return test.subset(unknown)


def triangle_rows(checked: Checked, test: TrainingSet, first: Family, beyond: Family, name: str) -> list[TriangleRow]:
    """Return how far A -> B and A -> the other survey -> B lie from B, and from each other.

    Parameters
    ----------
    checked, test
        The family from A to B, and the test stars.
    first, beyond
        From A to the inputs of the other survey's networks, and from these to B.
    name
        Of the other survey.
    """
    column = {own: number for number, own in enumerate(checked.family.inputs)}
    halfway = dict(zip(first.labels, predict(first, test.inputs[:, [column[n] for n in first.inputs]]).T, strict=True))
    inputs = np.stack([halfway[n] if n in halfway else test.inputs[:, column[n]] for n in beyond.inputs], axis=-1)
    direct, through = predict(checked.family, test.inputs), predict(beyond, inputs)
    rows = []
    for number, label in enumerate(checked.family.labels):
        if label not in beyond.labels:
            continue
        via, b = through[:, beyond.labels.index(label)], test.labels[:, number]
        ways = {DIRECT: direct[:, number] - b, f"A to {name} to B": via - b}
        ways[DIFFERENCE.format(name)] = np.where(np.isfinite(b), via - direct[:, number], np.nan)
        for way, differences in ways.items():
            s = score(differences, checked.n_bootstraps, checked.seed)
            numbers = (s.n, s.bias, s.bias_err, s.robust, s.robust_err, s.mae, s.mae_err)
            rows.append(TriangleRow(checked.family.name, label, checked.units[label], way, *numbers))
    return rows


def _common_pairs(validation: Validation, other: SurveyRun, train: TrainConfig, family: str) -> pa.Table:
    """Return the good stars of A and the other survey as a table of pairs, the other survey in the place of B."""
    run = validation.run
    a = open_catalogue(paths.catalogue(run.output, run.definition_a.name))
    b = open_catalogue(paths.catalogue(other.output, other.definition.name))
    scratch = paths.scratch(paths.validation(run.output))
    rows = match_surveys(validation.workers, a, b, run.config.merge.radius_arcsec, scratch)
    inputs = train.inputs(family)
    measured = measured_behind(inputs)[0]
    wanted_a = [run.definition_a.id, KEY, GOOD, *inputs, *measured, *(f"{n}_ERR" for n in measured), schema.EBV.name]
    labels = [item.label for item in train.labels(family)]
    wanted_b = [GOOD, *labels, *(f"{name}_ERR" for name in labels)]
    sides = [
        gather_stars(validation.workers, catalogue, _present(catalogue, wanted), rows[:, side])
        for side, (catalogue, wanted) in enumerate(((a, wanted_a), (b, wanted_b)))
    ]
    good = to_numpy(sides[0], GOOD) & to_numpy(sides[1], GOOD)
    columns = {KEY: sides[0][KEY], "ID_A": sides[0][run.definition_a.id].cast(pa.string())}
    columns |= {schema.used_column(family).name: pa.array(good)}
    for prefix, side in zip(("A_", "B_"), sides, strict=True):
        columns |= {f"{prefix}{name}": side[name] for name in side.column_names if name not in (KEY, GOOD)}
    unstated = pa.nulls(len(rows), pa.float32())  # derived quantities have no column of errors
    return pa.table({**dict.fromkeys((f"B_{name}_ERR" for name in labels), unstated), **columns})


def _present(catalogue: Catalogue, names: Sequence[str]) -> list[str]:
    own = {column.name for column in catalogue.columns}
    return [name for name in dict.fromkeys(names) if name in own]
