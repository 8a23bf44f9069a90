"""Further translated surveys: each from a finished run of its own, which put it on the scale of the same B."""

from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from stdask import schema
from stdask.config.run import Run
from stdask.config.survey import SurveyDefinition
from stdask.config.training import LabelConfig, TrainConfig
from stdask.errors import CatalogueError, ConfigError
from stdask.runs.changes import why_again
from stdask.runs.receipts import Receipt, read_receipt
from stdask.runs.stage import digest_of

STAGES = ("ingest_a", "ingest_b", "train", "translate")  # what a merge reads, apart from the pairs


class SurveyRun(NamedTuple):
    """A run that put a survey, its A, on the scale of B."""

    output: Path
    definition: SurveyDefinition  # of its A
    train: TrainConfig  # its labels and inputs
    inputs: dict[str, str]  # name -> digest of what a merge reads of a further run
    pairs: Path | None = None  # its stars that are in B too, once they are known

    def families_in(self, columns: Collection[str]) -> dict[str, str]:
        """Return the families of the networks that have translated each label, by the columns of the catalogue."""
        return {item.label: family for family, item in self._labels() if f"{item.label}_PRED_50" in columns}

    def counterparts_in(self, columns: Collection[str]) -> dict[str, str]:
        """Return the survey's own column for each label, of those that the catalogue has."""
        return {item.label: item.source for _, item in self._labels() if item.source and item.source in columns}

    def _labels(self) -> Iterator[tuple[str, LabelConfig]]:
        return ((family, item) for family in schema.FAMILIES for item in self.train.labels(family))


def translated_surveys(run: Run) -> list[SurveyRun]:
    """Return all translated surveys that are merged, in the order of precedence: that of this run, then the others.

    Raises
    ------
    CatalogueError
        If one is not finished.
    ConfigError
        If one is on the scale of another B, or its A is named twice.
    """
    return [SurveyRun(run.output, run.definition_a, run.config.train, {}), *read_others(run)]


def read_others(run: Run) -> list[SurveyRun]:
    """Return the other runs that a run merges, as their receipts describe them, in the order of precedence.

    They are those of further surveys of its run file, then those of `[[merge.also]]`.

    Raises
    ------
    CatalogueError
        If one is not finished, or this run has no catalogue of B.
    ConfigError
        If one is on the scale of another B, or its A is merged already.
    """
    asked = [(f"Survey {part.definition_a.name}", part.output, part) for part in run.further]
    also = [(f"[[merge.also]] run = {str(item.run)!r}", item.run.resolve(), None) for item in run.config.merge.also]
    digest_b = digest_of(run, "ingest_b") if run.others else ""
    others: list[SurveyRun] = []
    for note, output, part in (*asked, *also):
        names = [run.definition_a.name, *(other.definition.name for other in others)]
        try:
            others.append(_read_other(output, part, names, run.definition_b.name, digest_b))
        except (CatalogueError, ConfigError) as exc:
            exc.add_note(note)
            raise
    return others


def _read_other(output: Path, run: Run | None, before: Sequence[str], b: str, digest_b: str) -> SurveyRun:
    """Return one other run; of one of another run file nothing is known but its folder."""
    receipts = {stage: _finished(output, stage, run) for stage in STAGES}
    own_a, own_b = (
        SurveyDefinition.model_validate(receipts[f"ingest_{side}"].settings[f"definition_{side}"]) for side in "ab"
    )
    if own_b.name != b:
        raise ConfigError(f"it is on the scale of {own_b.name}, this run on that of {b}. Merge runs with one B.")
    if receipts["ingest_b"].digest != digest_b:
        raise ConfigError(
            f"its catalogue of {b} is not this run's: the file, the definition, [ingest] rows_per_partition or the "
            "version of stdask is another. Make both runs from the same B."
        )
    if own_a.name in before:
        raise ConfigError(f"its A, {own_a.name}, is merged already. Name each survey once.")
    train = TrainConfig.model_validate(receipts["train"].settings["train"])
    if train.ensemble is None:
        receipts["pair"] = _finished(output, "pair", run)
    read = [stage for stage in ("ingest_a", "pair", "translate") if stage in receipts]
    inputs = {f"{stage} of {own_a.name}": receipts[stage].digest for stage in read}
    return SurveyRun(output, own_a, train, inputs)


def _finished(output: Path, stage: str, run: Run | None) -> Receipt:
    receipt = read_receipt(output, stage)
    why = why_again(output, receipt, run) if receipt else "not run yet"
    if receipt is None or why:
        raise CatalogueError(f"the {stage!r} stage of {output} is not finished ({why}). Finish that run first.")
    return receipt
