"""What a run file and its survey definitions must agree on, checked before any file of a survey is opened."""

from typing import TYPE_CHECKING

from stdask import schema
from stdask.config.checks.later_stages import problem_of_all, problem_of_survey
from stdask.config.checks.names import collision
from stdask.config.derived import lacking, offered
from stdask.config.stages import DRAWN
from stdask.config.survey import SurveyDefinition
from stdask.config.survey_files import MAIN
from stdask.errors import ConfigError

if TYPE_CHECKING:
    from stdask.config.run import Run, RunConfig


def check_tables(config: "RunConfig", a: SurveyDefinition, b: SurveyDefinition, key: str, where: str) -> None:
    """Raise if a run file names the file of a table that the survey definition does not join; A has a key there."""
    for side, own, definition in (("a", key, a), ("b", "b", b)):
        joined = [join.name for join in definition.join]
        unknown = [name for name in getattr(config.surveys, side).files if name not in (MAIN, *joined)]
        if unknown:
            raise ConfigError(
                f"{where}: [surveys.{own}] files names a table {unknown[0]!r}, but the definition "
                f"{definition.name!r} joins {', '.join(joined) or 'no table'}. Name it as the definition does."
            )


def check_training(config: "RunConfig", where: str) -> None:
    """Raise if the run file lacks what training needs, or has settings that a trained ensemble has already."""
    if config.train.ensemble is None:
        if config.pair is None:
            raise ConfigError(f"{where}: the key 'pair' is missing. Add it.")
        return
    twice = [f"[train] {key}" for key in config.train.model_fields_set - {"ensemble"}]
    twice += [f"[translate] {key}" for key in config.translate.model_fields_set & {*DRAWN}]
    twice += [f"[{table}]" for table in ("pair", "domain", "evaluate") if table in config.model_fields_set]
    if twice:
        raise ConfigError(f"{where}: {min(twice)} is not used, because [train] names a trained ensemble. Remove it.")


def check_labels(config: "RunConfig", a: SurveyDefinition, b: SurveyDefinition, where: str) -> None:
    """Check the labels and inputs of a run against its survey definitions.

    Raises
    ------
    ConfigError
        If a survey does not measure one, or has it in another unit.
    """
    for family in schema.FAMILIES:
        for item in config.train.labels(family):
            if item.label not in b.labels:
                raise ConfigError(
                    f"{where}: [[train.{family}]] label {item.label!r} is not measured by "
                    f"{b.name} (B), which has {', '.join(b.labels)}."
                )
            if item.source in a.labels:
                units = [schema.quantity(n, d.labels[n].unit).unit for n, d in ((item.source, a), (item.label, b))]
                if units[0] != units[1]:
                    raise ConfigError(
                        f"{where}: [[train.{family}]] label {item.label!r} is in {units[1] or 'no unit'}, but "
                        f"from = {item.source!r} in {units[0] or 'no unit'}. Name its counterpart, or leave `from` out."
                    )
    for name in config.train.all_inputs:
        _check_input(name, a, where)
    for definition in (a, b):
        for name in definition.derived:
            if lack := lacking(name, definition):
                raise ConfigError(f"{where}: `derived` of the survey definition {definition.name}: {lack}")


def check_columns(a: SurveyDefinition, b: SurveyDefinition, where: str) -> None:
    """Raise if columns of a catalogue would have one name, with all colours and magnitudes that the run adds."""
    for definition in (a, b):
        if text := collision(definition):
            raise ConfigError(f"{where}: the survey definition {definition.name}: {text}.")


def check_names(run: "Run", where: str) -> None:
    """Raise if two of the surveys of a run file have one name: it is that of their catalogues and folders."""
    names = [part.definition_a.name for part in run.parts]
    for number, name in enumerate(names, start=1):
        if name in names[: number - 1]:
            raise ConfigError(
                f"{where}: [surveys.a{names.index(name) + 1}] and [surveys.a{number}] are both {name!r}. Name each "
                "survey once; a definition of your own can have another name."
            )


def check_later_stages(run: "Run", where: str) -> None:
    """Check what the later stages need, so that a name with a spelling error is reported before the training.

    Raises
    ------
    ConfigError
        With the first problem.
    """
    for number, part in enumerate(run.parts, start=1):
        if text := problem_of_survey(part):
            raise ConfigError(f"{where}{f', survey a{number}' if run.further else ''}: {text}")
    if text := problem_of_all(run):
        raise ConfigError(f"{where}: {text}")


def _check_input(name: str, a: SurveyDefinition, where: str) -> None:
    """Raise if A has no label, colour or absolute magnitude of a name, or two that the name may stand for."""
    is_derived, lack = schema.derived_quantity(name) is not None, lacking(name, a)
    if name in a.labels and is_derived:
        raise ConfigError(
            f"{where}: [train] input {name!r} is a label of {a.name} (A) with the name of a colour or absolute "
            "magnitude that stdask makes. Give the label another name in the survey definition."
        )
    if name not in a.labels and (lack or not is_derived):
        raise ConfigError(
            f"{where}: [train] input {name!r} is not measured by {a.name} (A), which has "
            f"{', '.join((*a.labels, *offered(a)))}.{f' {lack}' if lack else ''}"
        )
