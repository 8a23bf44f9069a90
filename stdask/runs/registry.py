"""The registry of stages: what each one reads, which settings it depends on, what it counts and which function runs it.

Commands, status, verify, report and model card go through this list; a new stage is one entry here and one package
under `stages/`. Functions are named as text and imported when they are called, so that reading the list is quick.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from stdask import schema
from stdask.config.run import Run, RunConfig
from stdask.network.presets import N_DRAWS
from stdask.runs import counts

ROWS_PER_PARTITION = 50_000  # tens of megabytes, which any tool opens
ENGINE = {"engine", "tf32"}  # of [translate]
LEARNT = {"intrinsic", "extrinsic", "features"}  # of [train]: inputs and labels of the networks
OPTIONS = "options"  # of a command, among the settings of a receipt
Settings = dict[str, Any]  # as JSON holds them
Files = dict[str, Path]  # name of an input -> file


def _no_files(run: Run) -> Files:  # noqa: ARG001  a stage that reads nothing from outside the run folder
    return {}


@dataclass(frozen=True)
class StageEntry:
    """One stage of a run."""

    name: str  # of its receipt
    title: str  # in the report
    summary: str  # in the help of its command: one short sentence, and a paragraph if needed
    inputs: tuple[str, ...]  # the stages whose outputs it reads
    settings: Callable[[Run], Settings]  # that its outputs depend on; a change there, and nowhere else, repeats it
    counts: type[counts.Counts]
    function: str  # module:name; called with the run, its workers, and what the next two say
    fixed: Mapping[str, str] = field(default_factory=dict)  # arguments that are always the same
    optional: tuple[str, ...] = ()  # arguments that a command may give
    files: Callable[[Run], Files] = _no_files  # that it reads from outside the run folder
    changes_card: bool = False  # the model card is written again after it

    @property
    def command(self) -> str:
        """The command that runs it, which is also its table of run.toml."""
        return self.name.split("_")[0]


def rows_per_partition(config: RunConfig) -> int:
    """Return how many rows a partition of a catalogue holds at most."""
    return config.ingest.rows_per_partition or ROWS_PER_PARTITION


def n_draws_of(config: RunConfig) -> int:
    """Return how many Monte Carlo draws each star has."""
    return config.translate.n_draws or N_DRAWS[config.train.preset]


def stage_settings(run: Run, stage: str) -> Settings:
    """Return the settings of a stage as plain JSON content, as its receipt keeps them."""
    return json.loads(json.dumps(ENTRIES[stage].settings(run), default=str))


def _ingest(side: str) -> Callable[[Run], Settings]:
    def settings(run: Run) -> Settings:
        definition = run.definition(side).model_dump(mode="json")
        return {"definition": definition, "rows_per_partition": rows_per_partition(run.config)}

    return settings


def _survey_files(side: str) -> Callable[[Run], Files]:
    def files(run: Run) -> Files:
        path, ebv_map = run.survey_file(side), run.definition(side).ebv_map
        return {path.name: path} | ({f"ebv_map {ebv_map}": run.data_dir / ebv_map} if ebv_map else {})

    return files


def _pair(run: Run) -> Settings:
    train = run.config.train
    return {"pair": run.config.pair.model_dump(), "train": train.model_dump(include=LEARNT | {"clip_sigma"})}


def _pair_files(run: Run) -> Files:
    return {str(stars.file): run.data_dir / stars.file for stars in run.config.pair.exclude}


def _train(run: Run) -> Settings:
    config = run.config
    # draws: errors are estimated from translations of held-out stars
    return {**_draws(run), "train": config.train.model_dump(), "domain": config.domain.model_dump()}


def _evaluate(run: Run) -> Settings:
    return {"evaluate": run.config.evaluate.model_dump(), **_draws(run)}


def _translate(run: Run) -> Settings:
    engine = run.config.translate.model_dump(include=ENGINE)
    draws = _draws(run)
    return draws | {"translate": draws["translate"] | engine}


def _draws(run: Run) -> Settings:
    translate = run.config.translate.model_dump(exclude=ENGINE) | {"n_draws": n_draws_of(run.config)}
    return {"seed": run.config.seed, "translate": translate}


def _study(run: Run) -> Settings:
    return {"evaluate": run.config.evaluate.model_dump(include={"n_bootstraps"}), **_train(run)}


def _check(run: Run) -> Settings:
    return {"evaluate": run.config.evaluate.model_dump(include={"n_bootstraps"}), **_draws(run)}


def _merge(run: Run) -> Settings:
    labels = {family: {c.label: c.source for c in run.config.train.labels(family)} for family in schema.FAMILIES}
    rows = rows_per_partition(run.config)
    return {"merge": run.config.merge.model_dump(), "labels": labels, "rows_per_partition": rows}


def _merge_files(run: Run) -> Files:
    merge = run.config.merge
    clusters = {"globular_clusters": run.data_dir / merge.globular_clusters} if merge.globular_clusters else {}
    return clusters | {str(stars.file): run.data_dir / stars.file for stars in merge.exclude}


def _atlas(run: Run) -> Settings:
    return {"seed": run.config.seed, "atlas": run.config.atlas.model_dump()}


def _report(run: Run) -> Settings:
    surveys = [run.definition(side).model_dump(mode="json") for side in "ab"]
    return {"run": run.config.model_dump(mode="json", by_alias=True), "surveys": surveys}


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
            settings=_ingest(side),
            files=_survey_files(side),
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
        settings=_pair,
        files=_pair_files,
        counts=counts.PairCounts,
        function="stdask.stages.pair.stage:run",
    ),
    StageEntry(
        name="train",
        title="Train",
        summary="Train the networks on the stars that A and B share.",
        inputs=("pair", "ingest_a"),
        settings=_train,
        counts=counts.TrainCounts,
        function="stdask.stages.train.stage:run",
        changes_card=True,
    ),
    StageEntry(
        name="evaluate",
        title="Evaluate",
        summary=(
            "Test the networks on stars left out of the training.\n\nReports errors compared with untranslated A and "
            "simpler methods, the coverage of the stated errors, and how important each input is."
        ),
        inputs=("pair", "train", "ingest_a", "ingest_b"),
        settings=_evaluate,
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
        settings=_translate,
        counts=counts.TranslateCounts,
        function="stdask.stages.translate.stage:run",
    ),
    StageEntry(
        name="merge",
        title="Merge",
        summary="Merge translated A and B into one catalogue.\n\nOne row a star, with its galactocentric position.",
        inputs=("translate", "ingest_a", "ingest_b", "pair"),
        settings=_merge,
        files=_merge_files,
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
        inputs=("ingest_b", "pair", "translate", "merge"),
        settings=_atlas,
        counts=counts.AtlasCounts,
        function="stdask.stages.atlas.stage:run",
    ),
    StageEntry(
        name="report",
        title="Report",
        summary="Write the report of a run: one self-contained HTML page.",
        inputs=("ingest_a", "ingest_b", "pair", "train", "evaluate", "translate", "merge", "atlas"),
        settings=_report,
        counts=counts.ReportCounts,
        function="stdask.stages.report.stage:run",
    ),
)
STAGES: Mapping[str, StageEntry] = {entry.name: entry for entry in _ENTRIES}  # in the order in which they run
COMMANDS = tuple(dict.fromkeys(entry.command for entry in _ENTRIES))


def _validate(name: str, summary: str, **further: Any) -> StageEntry:
    entry = StageEntry(
        name=f"validate_{name}",
        title=f"Validate {name}",
        summary=summary,
        inputs=("train", "pair"),
        settings=_check,
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
            settings=_study,
            optional=("members",),
        ),
        _validate(
            "roundtrip",
            "A to B to A differs from A by the noise that A to B removes: no more than the stated error of A.",
            settings=_study,
        ),
        _validate(
            "repeats",
            "Two visits to a star: translated ones should scatter no more than raw ones. The pull is 1 if the errors "
            "of A are right.",
            inputs=("train", "pair", "ingest_a"),
            files=_survey_files("a"),
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
            settings=_study,
            counts=counts.CheckCounts,
            function="stdask.tools.study:run",
        ),
    )
}
ENTRIES: Mapping[str, StageEntry] = {**STAGES, **CHECKS}  # all that write receipts


def stages_of(command: str) -> tuple[StageEntry, ...]:
    """Return the stages that a command runs."""
    return tuple(entry for entry in _ENTRIES if entry.command == command)
