"""The run file (run.toml) as a frozen model. Checks values, never touches survey or catalogue files."""

from pathlib import Path

from pydantic import Field

from stdask import schema
from stdask.config.addresses import locate
from stdask.config.atlas import AtlasConfig
from stdask.config.checks.later_stages import first_problem
from stdask.config.cluster import ClusterConfig, choose_cluster
from stdask.config.derived import lacking, offered, with_derived
from stdask.config.stages import (
    DomainConfig,
    EvaluateConfig,
    IngestConfig,
    MatchById,
    MergeConfig,
    PairConfig,
    SurveyConfig,
    SurveysConfig,
    TranslateConfig,
)
from stdask.config.survey import SurveyDefinition, load_definition
from stdask.config.survey_files import MAIN, NamedFile
from stdask.config.toml import InnerPath, TomlModel, load_toml, validate
from stdask.config.training import TrainConfig
from stdask.errors import ConfigError

DRAWN = ("n_draws", "sampler", "include_nominal")  # keys of `[translate]` that a trained ensemble has, too


class RunConfig(TomlModel):
    """The run file: everything that a run does, from the survey files to the maps."""

    seed: int = Field(default=7, ge=0, lt=2**32)
    """Seed of all random numbers. The same seed gives the same results."""
    output: InnerPath
    """Folder of all results, relative to the working directory. `--output` overrides it."""
    surveys: SurveysConfig
    """The two surveys."""
    pair: PairConfig | None = None
    """Which stars of A and B are the same, and which of these pairs are used for training. Needed unless `[train]`
    names an ensemble."""
    train: TrainConfig
    """The labels, and the neural networks that predict them."""
    ingest: IngestConfig = IngestConfig()
    """How the survey files are read and cut into partitions."""
    domain: DomainConfig = DomainConfig()
    """Where a translation can be trusted."""
    evaluate: EvaluateConfig = EvaluateConfig()
    """How the accuracy is measured on the test stars."""
    translate: TranslateConfig = TranslateConfig()
    """How the stars of A are translated."""
    merge: MergeConfig = MergeConfig()
    """Which stars the merged catalogue holds."""
    atlas: AtlasConfig = AtlasConfig()
    """What is mapped, and in which bins."""
    cluster: ClusterConfig = ClusterConfig()
    """Where the workers run."""


class Run(TomlModel):
    """A checked run file, with the folders it reads and writes, and its survey definitions."""

    config: RunConfig
    data_dir: Path
    output: Path
    definition_a: SurveyDefinition
    definition_b: SurveyDefinition
    allow_remote: bool = Field(default=False, exclude=True)  # asked for by the user each time

    def survey_files(self, side: str) -> dict[str, NamedFile]:
        """Return the files of the tables of side "a" or "b", the main table first, by the names of the tables.

        Raises
        ------
        ConfigError
            If one is an address, and those are not allowed.
        """
        survey = self.config.surveys.a if side == "a" else self.config.surveys.b
        definition = self.definition(side)
        stated = {MAIN: definition.file} | {join.name: join.file for join in definition.join}
        return {
            name: NamedFile(locate(file.path, self.data_dir, self.allow_remote), file.hints(stated[name]))
            for name, file in survey.tables.items()
        }

    def definition(self, side: str) -> SurveyDefinition:
        """Return the survey definition of side "a" or "b"."""
        return self.definition_a if side == "a" else self.definition_b

    def used_columns(self, side: str) -> tuple[str, ...]:
        """Return the labels, colours and ids of side "a" or "b" that the run cannot do without."""
        train = self.config.train
        names: list[str | None] = []
        if self.config.pair and isinstance(match := self.config.pair.match, MatchById):
            names.append(match.column if side == "a" else match.column_b or match.column)
        for family in schema.FAMILIES:
            own = train.labels(family)
            names += [item.label for item in own] if side == "b" else [*train.inputs(family), *(i.source for i in own)]
        if side == "b":
            labels = self.definition_b.labels
            names += [name for name in (*self.config.atlas.labels, *self.config.atlas.select) if name in labels]
        return tuple(dict.fromkeys(name for name in names if name))

    @property
    def pair(self) -> PairConfig:
        """`[pair]` of a run that trains its networks.

        Raises
        ------
        ConfigError
            If the run has none.
        """
        if self.config.pair is None:
            raise ConfigError("The run file has no [pair]. Add it.")
        return self.config.pair

    @property
    def merged_titles(self) -> tuple[str, str]:
        """What the translated surveys of the merged catalogue, and B, are called in figures."""
        further = len(self.config.merge.also)
        more = f" and {further} further survey{'s' if further > 1 else ''}" if further else ""
        return self.definition_a.title + more, self.definition_b.title


def load_run(path: Path, data_dir: Path | None = None, output: Path | None = None, allow_remote: bool = False) -> Run:
    """Read run.toml and the survey definitions it names, and check them against each other.

    Parameters
    ----------
    path
        The run file.
    data_dir
        Where its survey files lie; the run file's own folder if None.
    output
        Replaces `output` of the run file, which is relative to the working directory.
    allow_remote
        Survey files may be addresses.

    Raises
    ------
    ConfigError, SurveyError
        If a key is unknown, a value impossible, or a label not defined by its survey.
    """
    config = validate(RunConfig, load_toml(path, ConfigError), f"Run file {path}", ConfigError)
    definition_a = _definition(config.surveys.a, path.parent)
    definition_b = _definition(config.surveys.b, path.parent)
    if definition_a.name == definition_b.name:
        raise ConfigError(f"Run file {path}: A and B are both {definition_a.name!r}. Name two surveys.")
    _check_tables(config, definition_a, definition_b, path)
    _check_training(config, path)
    check_labels(config, definition_a, definition_b, path)
    definition_a = with_derived(definition_a, config.train.all_inputs)
    for key in ("prologue", "directives"):
        if getattr(config.cluster, key):
            raise ConfigError(
                f"Run file {path}: [cluster] {key} can run programs, and a run file may come from anywhere. "
                "Move [cluster] to a cluster profile of your own and name it with --cluster."
            )
    if "select" not in config.atlas.model_fields_set and "LOGG" not in definition_b.labels:
        atlas = config.atlas.model_copy(update={"select": {}})  # Without log g, giants cannot be selected.
        config = config.model_copy(update={"atlas": atlas})
    check_later_stages(config, definition_a, definition_b, path)
    return Run(
        config=config,
        data_dir=(data_dir or path.parent).resolve(),  # workers may start in another folder
        output=(output or config.output).resolve(),
        definition_a=definition_a,
        definition_b=definition_b,
        allow_remote=allow_remote,
    )


def with_workers(run: Run, workers: int | None, profile: Path | None) -> Run:
    """Return a run with its workers as `choose_cluster` chooses them."""
    cluster = choose_cluster(run.config.cluster, workers, profile)
    return run.model_copy(update={"config": run.config.model_copy(update={"cluster": cluster})})


def _definition(survey: SurveyConfig, base: Path) -> SurveyDefinition:
    definition = load_definition(survey.definition, base)
    return definition.model_copy(update={"ebv_map": survey.ebv_map}) if survey.ebv_map else definition


def _check_tables(config: RunConfig, a: SurveyDefinition, b: SurveyDefinition, path: Path) -> None:
    """Raise if a run file names the file of a table that the survey definition does not join."""
    for side, definition in (("a", a), ("b", b)):
        joined = [join.name for join in definition.join]
        unknown = [name for name in getattr(config.surveys, side).files if name not in (MAIN, *joined)]
        if unknown:
            raise ConfigError(
                f"Run file {path}: [surveys.{side}] files names a table {unknown[0]!r}, but the definition "
                f"{definition.name!r} joins {', '.join(joined) or 'no table'}. Name it as the definition does."
            )


def _check_training(config: RunConfig, path: Path) -> None:
    """Raise if the run file lacks what training needs, or has settings that a trained ensemble has already."""
    if config.train.ensemble is None:
        if config.pair is None:
            raise ConfigError(f"Run file {path}: the key 'pair' is missing. Add it.")
        return
    twice = [f"[train] {key}" for key in config.train.model_fields_set - {"ensemble"}]
    twice += [f"[translate] {key}" for key in config.translate.model_fields_set & {*DRAWN}]
    twice += [f"[{table}]" for table in ("pair", "domain", "evaluate") if table in config.model_fields_set]
    if twice:
        raise ConfigError(
            f"Run file {path}: {min(twice)} is not used, because [train] names a trained ensemble. Remove it."
        )


def check_labels(config: RunConfig, a: SurveyDefinition, b: SurveyDefinition, path: Path) -> None:
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
                    f"Run file {path}: [[train.{family}]] label {item.label!r} is not measured by "
                    f"{b.name} (B), which has {', '.join(b.labels)}."
                )
            if item.source in a.labels:
                units = [schema.quantity(n, d.labels[n].unit).unit for n, d in ((item.source, a), (item.label, b))]
                if units[0] != units[1]:
                    raise ConfigError(
                        f"Run file {path}: [[train.{family}]] label {item.label!r} is in {units[1] or 'no unit'}, but "
                        f"from = {item.source!r} in {units[0] or 'no unit'}. Name its counterpart, or leave `from` out."
                    )
    for name in config.train.all_inputs:
        _check_input(name, a, path)
    for definition in (a, b):
        for name in definition.derived:
            if lack := lacking(name, definition):
                raise ConfigError(f"Run file {path}: `derived` of the survey definition {definition.name}: {lack}")


def check_later_stages(config: RunConfig, a: SurveyDefinition, b: SurveyDefinition, path: Path) -> None:
    """Check what the later stages need, so that a name with a spelling error is reported before the training.

    Raises
    ------
    ConfigError
        With the first problem.
    """
    if text := first_problem(config, a, b):
        raise ConfigError(f"Run file {path}: {text}")


def _check_input(name: str, a: SurveyDefinition, path: Path) -> None:
    """Raise if A has no label, colour or absolute magnitude of a name, or two that the name may stand for."""
    is_derived, lack = schema.derived_quantity(name) is not None, lacking(name, a)
    if name in a.labels and is_derived:
        raise ConfigError(
            f"Run file {path}: [train] input {name!r} is a label of {a.name} (A) with the name of a colour or absolute "
            "magnitude that stdask makes. Give the label another name in the survey definition."
        )
    if name not in a.labels and (lack or not is_derived):
        raise ConfigError(
            f"Run file {path}: [train] input {name!r} is not measured by {a.name} (A), which has "
            f"{', '.join((*a.labels, *offered(a)))}.{f' {lack}' if lack else ''}"
        )
