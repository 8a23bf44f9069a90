"""The run file (run.toml) as a frozen model. Checks values, never touches survey or catalogue files."""

from collections.abc import Sequence
from pathlib import Path

from pydantic import Field

from stdask import schema
from stdask.config.addresses import locate
from stdask.config.atlas import AtlasConfig
from stdask.config.checks.run_file import (
    check_columns,
    check_labels,
    check_later_stages,
    check_names,
    check_tables,
    check_training,
)
from stdask.config.cluster import ClusterConfig, choose_cluster
from stdask.config.derived import with_derived
from stdask.config.stages import (
    DomainConfig,
    EvaluateConfig,
    IngestConfig,
    MatchById,
    MergeConfig,
    PairConfig,
    SurveyConfig,
    TranslateConfig,
)
from stdask.config.survey import SurveyDefinition, load_definition
from stdask.config.survey_files import MAIN, NamedFile
from stdask.config.surveys import FOLDER, RunPart, SurveysConfig, split_surveys
from stdask.config.toml import InnerPath, TomlModel, load_toml, validate
from stdask.config.training import TrainConfig
from stdask.errors import ConfigError


class RunConfig(TomlModel):
    """The run file: everything that a run does, from the survey files to the maps."""

    seed: int = Field(default=7, ge=0, lt=2**32)
    """Seed of all random numbers. The same seed gives the same results."""
    output: InnerPath
    """Folder of all results, relative to the working directory. `--output` overrides it."""
    surveys: SurveysConfig
    """The surveys."""
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
    """A checked run file, with the folders it reads and writes, and its survey definitions.

    That of a run file with several translated surveys is of the first of them, and has those of the others.
    """

    config: RunConfig
    data_dir: Path
    output: Path
    definition_a: SurveyDefinition
    definition_b: SurveyDefinition
    allow_remote: bool = Field(default=False, exclude=True)  # asked for by the user each time
    further: tuple["Run", ...] = ()  # of the second and later translated surveys of the run file, in their order
    first: Path | None = None  # of a further run: folder of the run of the first survey, which ingests B and merges

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
    def parts(self) -> tuple["Run", ...]:
        """The runs of all translated surveys of the run file, in their order: this one, and the further ones."""
        return (self, *self.further)

    @property
    def others(self) -> tuple[Path, ...]:
        """The folders of the other runs that this one merges, in the order of precedence."""
        return (*(other.output for other in self.further), *(other.run for other in self.config.merge.also))

    @property
    def merged_titles(self) -> tuple[str, str]:
        """What the translated surveys of the merged catalogue, and B, are called in figures."""
        further = len(self.others)
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
    where, content = f"Run file {path}", load_toml(path, ConfigError)
    runs = [_load_part(part, path, data_dir, output, allow_remote) for part in split_surveys(content, where)]
    run = joined(runs)
    check_names(run, where)
    check_later_stages(run, where)
    return run


def joined(runs: Sequence[Run]) -> Run:
    """Return the run of the first survey, with those of the others, whose folders lie in its own."""
    first, *others = runs
    further = [
        run.model_copy(update={"output": first.output / FOLDER / run.definition_a.name, "first": first.output})
        for run in others
    ]
    return first.model_copy(update={"further": tuple(further)})


def _load_part(part: RunPart, path: Path, data_dir: Path | None, output: Path | None, allow_remote: bool) -> Run:
    """Return the run of one survey, checked by itself."""
    config = validate(RunConfig, part.content, f"Run file {path}", ConfigError, part.place)
    where = f"Run file {path}" + (f", survey {part.key}" if part.is_numbered else "")
    definition_a = _definition(config.surveys.a, path.parent)
    definition_b = _definition(config.surveys.b, path.parent)
    if definition_a.name == definition_b.name:
        raise ConfigError(f"Run file {path}: A and B are both {definition_a.name!r}. Name two surveys.")
    check_tables(config, definition_a, definition_b, part.key, where)
    check_training(config, where)
    check_labels(config, definition_a, definition_b, where)
    definition_a = with_derived(definition_a, config.train.all_inputs)
    check_columns(definition_a, definition_b, where)
    for key in ("prologue", "directives"):
        if getattr(config.cluster, key):
            raise ConfigError(
                f"Run file {path}: [cluster] {key} can run programs, and a run file may come from anywhere. "
                "Move [cluster] to a cluster profile of your own and name it with --cluster."
            )
    if "select" not in config.atlas.model_fields_set and "LOGG" not in definition_b.labels:
        atlas = config.atlas.model_copy(update={"select": {}})  # Without log g, giants cannot be selected.
        config = config.model_copy(update={"atlas": atlas})
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
    first, *further = (
        part.model_copy(update={"config": part.config.model_copy(update={"cluster": cluster})}) for part in run.parts
    )
    return first.model_copy(update={"further": tuple(further)})


def _definition(survey: SurveyConfig, base: Path) -> SurveyDefinition:
    definition = load_definition(survey.definition, base)
    return definition.model_copy(update={"ebv_map": survey.ebv_map}) if survey.ebv_map else definition
