"""Run: all stages in turn; what is done is skipped."""

from pathlib import Path

from stdask import __version__
from stdask.cluster.workers import Workers
from stdask.config.run import Run
from stdask.display.console import say
from stdask.runs.card.card import write_card
from stdask.stages.atlas import stage as atlas
from stdask.stages.evaluate import stage as evaluate
from stdask.stages.ingest import stage as ingest
from stdask.stages.merge import stage as merge
from stdask.stages.merge.sources import CLUSTER_COLUMNS
from stdask.stages.pair import stage as pair
from stdask.stages.report import stage as report
from stdask.stages.train import stage as train
from stdask.stages.translate import stage as translate
from stdask.storage import paths
from stdask.storage.files import write_text
from stdask.storage.surveys.files import open_survey


def run_all(run: Run, workers: Workers, truth: Path | None = None) -> None:
    """Run every stage of a run, from survey files to the report.

    Parameters
    ----------
    run, workers
        The run and its workers.
    truth
        For a mock: the table of true labels that evaluate compares with.
    """
    check_files(run)
    record_run(run)
    ingest.run(run, workers, "a")
    ingest.run(run, workers, "b")
    pair.run(run, workers)
    train.run(run, workers)
    evaluate.run(run, workers, truth)
    write_card(run)
    translate.run(run, workers)
    merge.run(run, workers)
    atlas.run(run, workers)
    report.run(run, workers)
    name = paths.translated_name(run.definition_a.name, run.definition_b.name)
    say(f"translated catalogue  {paths.catalogue(run.output, name)}")
    say(f"merged catalogue      {paths.catalogue(run.output, paths.MERGED)}")
    say(f"report                {paths.report(run.output)}")


def check_files(run: Run) -> None:
    """Open every file that the run names, so that a wrong path is told before any work is done.

    Raises
    ------
    SurveyError
        If one is missing or unreadable, or lacks a column.
    """
    for side in "ab":
        definition = run.definition(side)
        open_survey(run.survey_file(side), definition.file).require(definition.source_columns)
    for stars in (*run.config.pair.exclude, *run.config.merge.exclude):
        open_survey(run.data_dir / stars.file).require([stars.column])
    if run.config.merge.globular_clusters:
        open_survey(run.data_dir / run.config.merge.globular_clusters).require(CLUSTER_COLUMNS)


def record_run(run: Run) -> None:
    """Write the run file as it is understood, defaults and survey definitions included, into the run folder."""
    write_text(run.output / paths.RUN_COPY, f'{{"stdask": "{__version__}", "run": {run.model_dump_json(indent=1)}}}\n')
