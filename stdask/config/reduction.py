"""Reduce a survey definition to the columns that a table has, for a table that an ensemble is applied to.

The table needs the columns behind the inputs of the networks. What else the definition names is left out where the
table lacks it, and each part left out is put into a sentence.
"""

from collections.abc import Callable, Collection, Iterable, Sequence

from stdask import schema
from stdask.config.derived import are_dereddened, lacking_columns, with_derived
from stdask.config.messages import nearest
from stdask.config.survey import SurveyDefinition
from stdask.config.survey_tables import Distance, Duplicates, Label, Parallax, Photometry, ProperMotion
from stdask.errors import SurveyError


class _Table:
    """The columns of a table, and a sentence for each part of the definition that needs others."""

    def __init__(self, present: Collection[str], columns_of: Callable[[str], Sequence[str]]) -> None:
        self.present, self._columns_of = present, columns_of
        self.sentences: list[str] = []

    def missing(self, name: str) -> list[str]:
        """Return the columns that are missing for a column or an expression of columns."""
        if name in self.present:
            return []
        return [own for own in self._columns_of(name) if own not in self.present] or [name]

    def lacks(self, names: Sequence[str | None], consequence: str) -> bool:
        """Tell whether columns are missing, and keep the sentence that says so; None is no column."""
        missing = list(dict.fromkeys(own for name in names if name for own in self.missing(name)))
        if missing:
            columns = f"columns {', '.join(missing)}" if missing[1:] else f"column {missing[0]}"
            self.sentences.append(f"The table has no {columns}: {consequence}.")
        return bool(missing)

    def column(self, name: str | None, consequence: str) -> str | None:
        """Return the name of a column, None if the table lacks it."""
        return None if self.lacks([name], consequence) else name


def reduce_definition(
    definition: SurveyDefinition,
    present: Collection[str],
    inputs: Sequence[str],
    columns_of: Callable[[str], Sequence[str]] = lambda name: (name,),
) -> tuple[SurveyDefinition, list[str]]:
    """Return the definition without the parts that a table has no columns for, and one sentence for each of them.

    Parameters
    ----------
    definition
        What the columns of the table mean. Its id and position are not checked here.
    present
        Columns of the table, and expressions of the definition that can be computed from them.
    inputs
        Of the networks: labels of the definition, dereddened colours and absolute magnitudes.
    columns_of
        Returns the columns that an expression reads, to name those that are missing.

    Raises
    ------
    SurveyError
        If a column behind an input is missing, or the definition has no such input.
    """
    table = _Table(present, columns_of)
    for name in inputs:
        _require(name, definition, table)
    photometry = _photometry(definition, inputs, table)
    own_ebv = definition.photometry and not photometry and definition.photometry.ebv  # stays without the magnitudes
    changes = {
        "gaia_id": table.column(definition.gaia_id, f"{schema.SOURCE_ID.name} is left out"),
        "ebv": None if definition.ebv_map else table.column(own_ebv or definition.ebv, "the reddening is left out"),
        "labels": {
            name: _label(name, label, table)
            for name, label in definition.labels.items()
            if name in inputs or not table.lacks([label.column], f"{name} is left out")
        },
        "photometry": photometry,
        "parallax": _parallax(definition.parallax, table),
        "derived": tuple(
            n for n in with_derived(definition, inputs).derived if not _missing_behind(n, definition, table)
        ),
        "proper_motion": _proper_motion(definition.proper_motion, table),
        "distances": tuple(
            _distance(distance, table)
            for distance in definition.distances
            if not table.lacks([distance.column], "this distance is left out")
        ),
        "cuts": tuple(
            cut
            for cut in definition.cuts
            if not table.lacks(cut.columns, f"the cut {cut.text!r} is left out, and GOOD does not test it")
        ),
        "duplicates": _duplicates(definition, table),
        "keep": tuple(name for name in definition.keep if name in present),
    }
    table.lacks(definition.keep, "left out")
    return definition.model_copy(update=changes), table.sentences


def reduced_to_inputs(definition: SurveyDefinition, inputs: Collection[str], reddening: bool) -> SurveyDefinition:
    """Return the definition without what no network reads: other labels, distances and proper motions.

    Parameters
    ----------
    definition
        Of the survey.
    inputs
        Labels, colours and absolute magnitudes that the networks read.
    reddening
        Whether E(B-V) is wanted too.
    """
    derived = _derived(inputs, definition)
    photometry = definition.photometry and definition.photometry.only({band for own in derived for band in own.bands})
    reddening, far = reddening or are_dereddened(inputs, definition), any(not own.is_colour for own in derived)
    return definition.model_copy(
        update={
            "labels": {name: label for name, label in definition.labels.items() if name in inputs},
            "photometry": photometry and photometry.model_copy(update={"ebv": None}),
            "ebv": definition.own_ebv if reddening else None,
            "ebv_map": definition.ebv_map if reddening else None,
            "derived": (),
            "parallax": definition.parallax if far else None,
            "gaia_id": None,
            "proper_motion": None,
            "distances": definition.distances if far and not definition.parallax else (),
            "duplicates": None,
            "keep": (),
        }
    )


def as_trained(
    definition: SurveyDefinition, trained: SurveyDefinition, inputs: Sequence[str]
) -> tuple[SurveyDefinition, list[str]]:
    """Return a definition with the typical errors of the training stars where it has none, and a sentence on each.

    Parameters
    ----------
    definition
        What the columns of a table mean. It has all inputs.
    trained
        The definition that an ensemble was trained with.
    inputs
        Of the networks.

    Raises
    ------
    SurveyError
        If an input has another unit than that of the training stars.
    """
    labels, sentences = dict(definition.labels), []
    for name in inputs:
        if name not in trained.labels:
            continue
        if definition.units[name] != trained.units[name]:
            raise SurveyError(
                f"[labels.{name}] of the definition {definition.name!r} is in {definition.units[name]!r}, but the "
                f"ensemble was trained on {trained.units[name]!r}. Change its unit."
            )
        typical = trained.labels[name].typical_error
        if labels[name].typical_error is None and typical:
            labels[name] = labels[name].model_copy(update={"typical_error": typical})
            sentences.append(f"{name} of a star without an error has that of the training stars, {typical:g}.")
    photometry = definition.photometry
    if photometry and photometry.typical_error is None and trained.photometry and trained.photometry.typical_error:
        typical = trained.photometry.typical_error
        photometry = photometry.model_copy(update={"typical_error": typical})
        sentences.append(f"A magnitude without an error has that of the training stars, {typical:g}.")
    ebv_map = definition.ebv_map or trained.ebv_map
    changes = {"labels": labels, "photometry": photometry, "ebv_map": ebv_map}
    return definition.model_copy(update=changes), sentences


def columns_behind(name: str, definition: SurveyDefinition) -> tuple[str, ...]:
    """Return the columns of the survey that an input follows from, apart from E(B-V); none if it does not have it.

    Where distances are behind it, the first of them stands for all.
    """
    if name in definition.labels:
        return (definition.labels[name].column,)
    own, photometry = schema.derived_quantity(name), definition.photometry
    if own is None or photometry is None or lacking_columns(name, definition):
        return ()
    columns = [photometry.magnitudes[band].column for band in own.bands]
    columns += [photometry.stated_extinctions[band] for band in own.bands if band in photometry.stated_extinctions]
    if not own.is_colour:
        columns.append((definition.parallax or definition.distances[0]).column)
    return tuple(columns)


def _derived(names: Iterable[str], definition: SurveyDefinition) -> list[schema.Derived]:
    """Return those of some inputs that are colours or absolute magnitudes."""
    return [own for name in names if name not in definition.labels and (own := schema.derived_quantity(name))]


def of_other_survey(choice: str, definition: SurveyDefinition, trained: SurveyDefinition) -> list[str]:
    """Return a sentence if a definition that ships with stdask is of another survey than the training stars.

    Parameters
    ----------
    choice
        How the definition was named: a file of somebody's own may describe the same survey.
    definition, trained
        The definition, and that which the ensemble was trained with.
    """
    if choice.endswith(".toml") or definition.name == trained.name:
        return []
    return [f"The ensemble was trained on {trained.title}. The values of {definition.title} may be on another scale."]


def _require(name: str, definition: SurveyDefinition, table: _Table) -> None:
    """Raise if a table lacks a column behind an input of the networks."""
    if name not in definition.labels and (lack := lacking_columns(name, definition)):
        raise SurveyError(f"The networks read {name}, which the definition {definition.name!r} does not have. {lack}")
    if not columns_behind(name, definition):
        raise SurveyError(
            f"The networks read {name}, but the definition {definition.name!r} has only "
            f"{', '.join(definition.labels)}. Add [labels.{name}], with its column and unit."
        )
    if missing := _missing_behind(name, definition, table):
        raise missing_column(missing[0], f"the networks need it for their input {name}", table.present)


def _missing_behind(name: str, definition: SurveyDefinition, table: _Table) -> list[str]:
    """Return the columns behind an input that a table lacks."""
    columns = list(columns_behind(name, definition))
    if not definition.parallax and not all(table.missing(distance.column) for distance in definition.distances):
        columns = [column for column in columns if column != definition.distances[0].column]  # any distance will do
    if are_dereddened([name], definition) and definition.own_ebv and not definition.ebv_map:
        columns.append(definition.own_ebv)
    return [missing for column in columns for missing in table.missing(column)]


def missing_behind(
    name: str, definition: SurveyDefinition, present: Collection[str], columns_of: Callable[[str], Sequence[str]]
) -> list[str]:
    """Return the columns behind an input that a table lacks; the arguments are those of `reduce_definition`."""
    return _missing_behind(name, definition, _Table(present, columns_of))


def missing_column(column: str, purpose: str, present: Collection[str]) -> SurveyError:
    """Return the error for a column that a table must have, with the most similar name it has and a remedy."""
    near = nearest(column, present)
    return SurveyError(
        f"The table has no column {column!r}: {purpose}. "
        + (f"Its column {near!r} has a similar name. " if near else "")
        + "Name the columns of the table in a survey definition, and give it with --definition."
    )


def _label(name: str, label: Label, table: _Table) -> Label:
    typical = f"the error is {label.typical_error:g}" if label.typical_error else "no error is known"
    unknown = table.lacks(label.error_columns, f"{typical} for {name} of every star")
    return label.model_copy(
        update={
            **(dict.fromkeys(("error", "percentile_16", "percentile_84")) if unknown else {}),
            "good": tuple(
                term
                for term in label.good
                if not table.lacks(term.columns, f"the condition {term.text!r} of {name} is left out")
            ),
        }
    )


def _photometry(definition: SurveyDefinition, inputs: Sequence[str], table: _Table) -> Photometry | None:
    if definition.photometry is None:
        return None
    needed = {band for own in _derived(inputs, definition) for band in own.bands}
    stated = definition.photometry.stated_extinctions
    columns = {name: [band.column, stated.get(name)] for name, band in definition.photometry.magnitudes.items()}
    lost = [n for n, own in columns.items() if n not in needed and any(table.missing(name) for name in own if name)]
    table.lacks([column for name in lost for column in columns[name]], "these magnitudes and colours are left out")
    photometry = definition.photometry.only(columns.keys() - set(lost))
    if photometry is None:
        return None
    typical = f"is {photometry.typical_error:g}" if photometry.typical_error else "of the magnitude is unknown"
    errors = {
        name: table.column(band.error, f"the error {typical} for {name} of every star")
        for name, band in photometry.magnitudes.items()
    }
    ebv = None
    if not definition.ebv_map:
        ebv = table.column(photometry.ebv, "the reddening is unknown, and what is dereddened with it is missing")
    gaia = {f"{name.lower()}_error": errors[name] for name in schema.GAIA if name in errors}
    bands = {name: band.model_copy(update={"error": errors[name]}) for name, band in photometry.bands.items()}
    return photometry.model_copy(update={**gaia, "bands": bands, "ebv": ebv})


def _parallax(parallax: Parallax | None, table: _Table) -> Parallax | None:
    if parallax is None or table.lacks([parallax.column], "the parallax is left out"):
        return None
    error = table.column(parallax.error, "the error of the parallax is unknown")
    return parallax.model_copy(update={"error": error})


def _proper_motion(motion: ProperMotion | None, table: _Table) -> ProperMotion | None:
    if motion is None or table.lacks([motion.pmra, motion.pmdec], "the proper motion is left out"):
        return None
    errors = {
        key: table.column(getattr(motion, key), "this error of the proper motion is unknown")
        for key in ("pmra_error", "pmdec_error")
    }
    return motion.model_copy(update=errors)


def _distance(distance: Distance, table: _Table) -> Distance:
    keys = ("error", "error_low", "error_high", "percentile_16", "percentile_84")
    unknown = table.lacks(distance.error_columns, f"the error of {distance.column} is unknown")
    accept = tuple(
        term
        for term in distance.accept
        if not table.lacks(term.columns, f"the condition {term.text!r} of {distance.column} is left out")
    )
    errors = dict.fromkeys(keys) if unknown else {}
    return distance.model_copy(update={**errors, "accept": accept})


def _duplicates(definition: SurveyDefinition, table: _Table) -> Duplicates | None:
    duplicates = definition.duplicates
    if duplicates is None or table.lacks([duplicates.best], "all rows of a star are kept"):
        return None
    by = table.column(duplicates.by, f"rows belong to the same star if they have the same {definition.id}")
    return duplicates.model_copy(update={"by": by or definition.id})
