"""The registry of stages: what each one reads, which settings it depends on, what it counts and which function runs it.

Commands, status, verify, report and model card go through this list; a new stage is one entry here and one package
under `stages/`. Functions are named as text and imported when they are called, so that reading the list is quick, and
this module stands below the stages: the digests of a stage's inputs need its settings.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from stdask.config.run import Run, RunConfig
from stdask.config.stages import MEAN
from stdask.errors import ConfigError
from stdask.network.presets import N_DRAWS
from stdask.runs import counts

OPTIONS = "options"  # of a command, among the settings of a receipt
DRAWS = ("seed", "translate.n_draws", "translate.sampler", "translate.include_nominal")
LABELS = ("train.intrinsic", "train.extrinsic")
# Keys that receipts of 0.11.0 and earlier lack: left out where they have the value that those versions went by.
LATER_KEYS: Mapping[str, Any] = {"evaluate.clusters": None, "evaluate.benchmark": None, "merge.values": "first"}
TRAINING = (*DRAWS, "train", "domain")  # draws, because errors are estimated from translations of held-out stars
CLOSURE_KEYS = ("also", "qflag_domain", "max_ebv", "radius_arcsec")  # of `[merge]`: surveys and usable stars
Settings = dict[str, Any]  # as JSON holds them


@dataclass(frozen=True)
class StageEntry:
    """One stage of a run."""

    name: str  # of its receipt
    title: str  # in the report
    summary: str  # in the help of its command: one short sentence, and a paragraph if needed
    inputs: tuple[str, ...]  # the stages whose outputs it reads
    settings: tuple[str, ...]  # keys of the run that its outputs depend on: a change there repeats it
    outputs: tuple[str, ...]  # folders that it writes, in the run folder; {a} and {b} are the surveys
    counts: type[counts.Counts]
    function: str  # module:name; called with the run, its workers, and what the next two say
    fixed: Mapping[str, str] = field(default_factory=dict)  # arguments that are always the same
    optional: tuple[str, ...] = ()  # arguments that a command may give
    files: tuple[str, ...] = ()  # keys of the run file whose files it reads
    reads_others: bool = False  # the runs of other translated surveys too
    changes_card: bool = False  # the model card is written again after it

    @property
    def command(self) -> str:
        """The command that runs it, which is also its table of run.toml."""
        return self.name.split("_")[0]


def n_draws_of(config: RunConfig) -> int:
    """Return how many Monte Carlo draws each star has."""
    return config.translate.n_draws or N_DRAWS[config.train.preset]


def stage_settings(run: Run, stage: str) -> Settings:
    """Return the settings of a stage as plain JSON content, as its receipt keeps them."""
    content = run.config.model_dump(mode="json", by_alias=True)
    content |= {f"definition_{side}": run.definition(side).model_dump(mode="json") for side in "ab"}
    content["translate"]["n_draws"] = n_draws_of(run.config)
    if run.further:
        content["further"] = [part.definition_a.name for part in run.further]  # in the order of precedence
    for name, value in LATER_KEYS.items():
        table, _, key = name.partition(".")
        if content[table][key] == value:
            del content[table][key]
    settings: Settings = {}
    for name in entry_of(run, stage).settings:
        table, _, key = name.partition(".")
        if key:
            settings.setdefault(table, {})[key] = content[table][key]
        elif table in content:  # a run of one survey has no further ones
            settings[table] = content[table]
    return settings


_ENTRIES = (
    *(
        StageEntry(
            name=f"ingest_{side}",
            title=f"Ingest {side.upper()}",
            summary=(
                "Convert the survey files to HATS catalogues.\n\nApplies the cuts, units and dereddening of the survey "
                "definitions. Rows that cannot be used are set aside, with the reason."
            ),
            inputs=(),
            settings=(f"definition_{side}", "ingest.rows_per_partition"),
            outputs=(f"catalogues/{{{side}}}",),
            files=(f"surveys.{side}",),
            counts=counts.IngestCounts,
            function="stdask.stages.ingest.stage:run",
            fixed={"side": side},
        )
        for side in "ab"
    ),
    StageEntry(
        name="pair",
        title="Pair",
        summary="Match the stars of A and B, and select training stars.\n\nCounts stars that are left out, by reason.",
        inputs=("ingest_a", "ingest_b"),
        settings=("pair", *LABELS, "train.features", "train.clip_sigma"),
        outputs=("pairs",),
        files=("pair.exclude",),
        counts=counts.PairCounts,
        function="stdask.stages.pair.stage:run",
    ),
    StageEntry(
        name="train",
        title="Train",
        summary="Train the networks on the stars that A and B share.",
        inputs=("pair", "ingest_a"),
        settings=(*TRAINING, "definition_a", "definition_b.title", "definition_b.reference"),
        outputs=("ensemble",),
        counts=counts.TrainCounts,
        function="stdask.stages.train.stage:run",
        changes_card=True,
    ),
    StageEntry(
        name="evaluate",
        title="Evaluate",
        summary=(
            "Test the networks on stars left out of the training.\n\nReports errors compared with untranslated A and "
            "simpler methods, the coverage of the stated errors, how important each input is, and how the stars that B "
            "does not have differ from the pairs."
        ),
        inputs=("pair", "train", "ingest_a", "ingest_b"),
        settings=(*DRAWS, "evaluate", "atlas.select"),
        outputs=("evaluation",),
        files=("evaluate.clusters", "evaluate.benchmark"),
        counts=counts.EvaluateCounts,
        function="stdask.stages.evaluate.stage:run",
        optional=("truth",),
        changes_card=True,
    ),
    StageEntry(
        name="translate",
        title="Translate",
        summary="Translate every star of A to the scale of B.",
        inputs=("ingest_a", "train"),
        settings=(*DRAWS, "translate.engine", "translate.tf32"),
        outputs=("catalogues/{a}_on_{b}", "catalogues/{a}_on_{b}_collection"),
        counts=counts.TranslateCounts,
        function="stdask.stages.translate.stage:run",
    ),
    StageEntry(
        name="closure",
        title="Closure",
        summary="Compare translated surveys.\n\nOn stars that two of them share. One survey has nothing to compare.",
        inputs=("translate", "ingest_a", "ingest_b", "pair"),
        settings=("seed", "further", *LABELS, "train.validation_fraction", *(f"merge.{key}" for key in CLOSURE_KEYS)),
        outputs=("closure",),
        counts=counts.ClosureCounts,
        function="stdask.stages.closure.stage:run",
    ),
    StageEntry(
        name="merge",
        title="Merge",
        summary="Merge translated A and B into one catalogue.\n\nOne row a star, with its galactocentric position.",
        inputs=("translate", "ingest_a", "ingest_b", "pair"),
        settings=(*LABELS, "merge", "further", "ingest.rows_per_partition"),
        outputs=("catalogues/merged", "catalogues/merged_collection", "repeats"),
        files=("merge.globular_clusters", "merge.exclude"),
        counts=counts.MergeCounts,
        function="stdask.stages.merge.stage:run",
    ),
    StageEntry(
        name="atlas",
        title="Atlas",
        summary=(
            "Draw maps, profiles and gradients of the Galaxy.\n\nFrom the merged catalogue of a run, or any table with "
            "positions, distances and abundances."
        ),
        inputs=("ingest_b", "pair", "evaluate", "translate", "merge"),
        settings=("seed", "atlas"),
        outputs=("products",),
        counts=counts.AtlasCounts,
        function="stdask.stages.atlas.stage:run",
    ),
    StageEntry(
        name="report",
        title="Report",
        summary="Write the report of a run: one self-contained HTML page.",
        inputs=("ingest_a", "ingest_b", "pair", "train", "evaluate", "translate", "closure", "merge", "atlas"),
        settings=(*RunConfig.model_fields, "further", "definition_a", "definition_b"),
        outputs=("report",),
        counts=counts.ReportCounts,
        function="stdask.stages.report.stage:run",
    ),
)
STAGES: Mapping[str, StageEntry] = {entry.name: entry for entry in _ENTRIES}  # in the order in which they run
TRAINING_STAGES = ("pair", "evaluate")  # left out where `[train]` names a trained ensemble
CLOSURE = "closure"  # left out where one survey alone is translated
STAGES_OF_ALL = (CLOSURE, "merge", "atlas")  # of all translated surveys together
COMMANDS = tuple(dict.fromkeys(entry.command for entry in _ENTRIES))


def _validate(name: str, summary: str, **further: Any) -> StageEntry:
    entry = StageEntry(
        name=f"validate_{name}",
        title=f"Validate {name}",
        summary=summary,
        inputs=("train", "pair"),
        settings=(*DRAWS, "evaluate.n_bootstraps"),
        outputs=("validation",),
        counts=counts.CheckCounts,
        function=f"stdask.tools.validate.{name}:check",
    )
    return replace(entry, **further)


# Not part of a run: commands of their own, with receipts like those of the stages.
CHECKS: Mapping[str, StageEntry] = {
    entry.name: entry
    for entry in (
        _validate(
            "missing",
            "An input is deleted from every test star. Drawn, the ranges of the draws widen and the calibrated errors "
            "cover; set to the training mean, as published, the ranges stay narrow and the errors cover too seldom.",
            optional=("truth",),
        ),
        _validate(
            "domain",
            "Shifted inputs should be caught far more often than unchanged ones; residuals should grow with the index.",
            optional=("truth",),
        ),
        _validate(
            "velocities",
            "Translated velocities should scatter no more than raw ones (to_raw <= 1) and lose the offset.",
            optional=("truth",),
        ),
        _validate(
            "clusters",
            "Networks trained without the members: translated means should be closer to B (shift, in sigma) than raw "
            "means.",
            inputs=("train", "pair", "ingest_a"),
            settings=(*TRAINING, "evaluate.n_bootstraps"),
            optional=("members",),
        ),
        _validate(
            "roundtrip",
            "A to B to A differs from A by the noise that A to B removes: no more than the stated error of A.",
            settings=(*TRAINING, "evaluate.n_bootstraps"),
        ),
        _validate(
            "triangle",
            "A to another translated survey to B, and A to B: the two should differ by less than either from B.",
            inputs=("train", "pair", "ingest_a"),
            settings=(*TRAINING, "evaluate.n_bootstraps", "merge.radius_arcsec"),
            reads_others=True,
        ),
        _validate(
            "repeats",
            "Two visits to a star: translated ones should scatter no more than raw ones. The pull is 1 if the errors "
            "of A are right.",
            inputs=("train", "pair", "ingest_a"),
            files=("surveys.a",),
        ),
        _validate(
            "draws",
            "Errors of the percentiles in units of half the 16-84 % range: those of the run's own draws should be no "
            "larger than those of 100 pseudo-random draws, the published number.",
        ),
        StageEntry(
            name="study",
            title="Study",
            summary="Train again and test: the translation compared with simpler methods and other recipes.",
            inputs=("pair", "ingest_a"),
            settings=(*TRAINING, "evaluate.n_bootstraps"),
            outputs=("study",),
            counts=counts.CheckCounts,
            function="stdask.tools.study:run",
        ),
    )
}
ENTRIES: Mapping[str, StageEntry] = {**STAGES, **CHECKS}  # all that write receipts


def stages_of(run: Run) -> Mapping[str, StageEntry]:
    """Return the stages of a run by name, in the order in which they run.

    A run that names a trained ensemble has no stages that train and test one: `train` takes it over. The run of the
    second or a later survey takes over the catalogue of B, and leaves what is made of all surveys to the first run.
    A run that translates one survey has nothing to compare. Means have errors that the comparison tells.
    """
    left_out = (*(TRAINING_STAGES if run.config.train.ensemble else ()), *(STAGES_OF_ALL if run.first else ()))
    left_out += () if run.others else (CLOSURE,)
    stages = {name: entry for name, entry in STAGES.items() if name not in left_out}
    if run.config.train.ensemble:
        stages = {name: _without_training(entry) for name, entry in stages.items()}
    if run.config.merge.values == MEAN and "merge" in stages:
        stages["merge"] = replace(stages["merge"], inputs=(*stages["merge"].inputs, CLOSURE))
    if run.first:
        stages["ingest_b"] = replace(stages["ingest_b"], function="stdask.stages.ingest.shared:run", fixed={})
    return {
        name: replace(entry, inputs=tuple(other for other in entry.inputs if other in stages))
        for name, entry in stages.items()
    }


def _without_training(entry: StageEntry) -> StageEntry:
    ensemble = "train.ensemble"
    if entry.name == "train":
        return replace(entry, inputs=(), files=(ensemble,), changes_card=False)
    return replace(entry, files=(*entry.files, ensemble)) if entry.name == "ingest_a" else entry  # factors of errors


def entry_of(run: Run, stage: str) -> StageEntry:
    """Return a stage of a run, or a check of it.

    Raises
    ------
    ConfigError
        If the run has no such stage.
    """
    own = {**stages_of(run), **CHECKS}
    if stage in own:
        return own[stage]
    if stage in TRAINING_STAGES:
        why = f"[train] names the trained ensemble {run.config.train.ensemble}"
    elif stage == CLOSURE and not run.first:
        why = "it translates one survey"
    else:
        why = f"{run.first} merges its survey with others"
    raise ConfigError(f"This run has no stage {stage!r}, because {why}.")
