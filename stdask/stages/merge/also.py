"""Further surveys of a merge: each from a finished run of its own, which put it on the scale of the same B."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from stdask.config.run import Run
from stdask.config.survey import SurveyDefinition
from stdask.config.training import TrainConfig
from stdask.errors import CatalogueError, ConfigError
from stdask.runs.changes import why_again
from stdask.runs.receipts import Receipt, read_receipt
from stdask.runs.stage import digest_of

STAGES = ("ingest_a", "ingest_b", "pair", "translate")  # what a merge reads


class Other(NamedTuple):
    """Another run, as its receipts tell it."""

    output: Path
    definition: SurveyDefinition  # of its A
    train: TrainConfig  # its labels and inputs
    inputs: dict[str, str]  # name -> digest of what a merge reads


def read_others(run: Run) -> list[Other]:
    """Return the runs of `[[merge.also]]`.

    Raises
    ------
    CatalogueError
        If one is not finished.
    ConfigError
        If one is on the scale of another B, or its A is merged already.
    """
    others: list[Other] = []
    for item in run.config.merge.also:
        try:
            others.append(_read_other(run, item.run.resolve(), [other.definition.name for other in others]))
        except (CatalogueError, ConfigError) as exc:
            exc.add_note(f"[[merge.also]] run = {str(item.run)!r}")
            raise
    return others


def _read_other(run: Run, output: Path, before: Sequence[str]) -> Other:
    receipts = {stage: _finished(output, stage) for stage in STAGES}
    a, b = (SurveyDefinition.model_validate(receipts[f"ingest_{side}"].settings["definition"]) for side in "ab")
    if b.name != run.definition_b.name:
        raise ConfigError(
            f"it is on the scale of {b.name}, this run on that of {run.definition_b.name}. Merge runs with one B."
        )
    if receipts["ingest_b"].digest != digest_of(run, "ingest_b"):
        raise ConfigError(
            f"its catalogue of {b.name} is not this run's: the file, the definition, [ingest] rows_per_partition or "
            "the version of stdask is another. Make both runs from the same B."
        )
    if a.name in (run.definition_a.name, *before):
        raise ConfigError(f"its A, {a.name}, is merged already. Name each survey once.")
    read = ("ingest_a", "pair", "translate")
    return Other(
        output=output,
        definition=a,
        train=TrainConfig.model_validate(receipts["pair"].settings["train"]),
        inputs={f"{stage} of {a.name}": receipts[stage].digest for stage in read},
    )


def _finished(output: Path, stage: str) -> Receipt:
    receipt = read_receipt(output, stage)
    why = why_again(output, receipt, None) if receipt else "not run yet"
    if receipt is None or why:
        raise CatalogueError(f"the {stage!r} stage of {output} is to be done ({why}). Finish that run first.")
    return receipt
