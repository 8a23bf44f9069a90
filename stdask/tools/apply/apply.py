"""Apply a trained ensemble to a table: its stars on the scale of B, in one file or as a HATS catalogue.

The folder `OUT.partial` holds the table as a catalogue, and its translation, with receipts and ledgers until OUT is
written: the same command resumes there after an interruption.
"""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from stdask.cluster.workers import Workers
from stdask.config.cluster import ClusterConfig
from stdask.config.stages import IngestConfig
from stdask.display.console import say
from stdask.errors import SurveyError
from stdask.runs.counts import RowCounts, TranslateCounts
from stdask.runs.ensemble import Ensemble, open_ensemble
from stdask.runs.ledger import clean_up
from stdask.runs.receipts import Receipt
from stdask.runs.session import session
from stdask.runs.stage import Stage
from stdask.stages.ingest.plan import RawSurvey
from stdask.stages.ingest.stage import ingest
from stdask.stages.translate.stage import translate_catalogue
from stdask.stages.translate.tasks import rows_per_task
from stdask.storage import paths
from stdask.storage.catalogue.catalogue import open_catalogue
from stdask.storage.surveys.files import checksum
from stdask.tools.apply.output import check_output, is_file, working_folder, write_output, write_set_aside
from stdask.tools.apply.table import open_table

STARTING = 0.1  # time that workers take to start, in units of that of a task: two minutes
MOST = 0.5  # of the stars
ROWS = IngestConfig()  # of blocks and partitions, as in a run by default


@dataclass(frozen=True)
class Application:
    """An ensemble, the table it is applied to, and where that is done."""

    ensemble: Ensemble
    raw: RawSurvey
    folder: Path  # working folder
    workers: Workers
    cluster: ClusterConfig

    @property
    def ingested(self) -> Path:
        """Folder of the catalogue of the table."""
        return paths.catalogue(self.folder, self.raw.definition.name)

    @property
    def translated(self) -> Path:
        """Folder of the translated catalogue."""
        name = paths.translated_name(self.raw.definition.name, self.ensemble.target.name)
        return paths.catalogue(self.folder, name)


def run(
    ensemble_path: Path,
    table: Path,
    output: Path,
    definition: str | None = None,
    data_dir: Path | None = None,
    cluster: ClusterConfig | None = None,
    overwrite: bool = False,
) -> None:
    """Translate the stars of a table with a trained ensemble.

    Parameters
    ----------
    ensemble_path
        A packed ensemble, its folder, or the folder of the run that trained it.
    table
        In any format that ingest reads: a file, a folder or pattern of files, a HATS catalogue, or an address.
    output
        A file, in the format that its suffix names, or without suffix the folder of a HATS catalogue.
    definition
        Name or path of a survey definition, if the table's columns are not called as those of the training stars.
    data_dir
        Folder of the map of E(B-V), if the ensemble needs one. None for that of the table.
    cluster
        Where the workers run. None for this machine, and for small tables this process.
    overwrite
        Replace what is at `output`.

    Raises
    ------
    ConfigError
        If the output exists, or its format is unknown.
    EnsembleError, SurveyError
        If the ensemble or the table cannot be read, or the table lacks what the ensemble needs.
    """
    check_output(output, table, overwrite)
    ensemble = open_ensemble(ensemble_path)
    say(f"{ensemble.definition.title} on the scale of {ensemble.target.title}, applied to {table}", "bold")
    raw = open_table(ensemble, table, definition, data_dir, numbered=is_file(output))
    few = STARTING * rows_per_task(ensemble.families, ensemble.draws.n_draws)
    small = cluster is None and raw.survey.is_counted and raw.survey.n_rows <= few
    cluster = cluster or ClusterConfig()
    folder = working_folder(output)
    with _removed_if_not_fit(folder), session(folder, cluster, in_process=small) as workers:
        own = Application(ensemble, raw, folder, workers, cluster)
        ingested = _ingest(own)
        translated = _translate(own, ingested)
        write_output(workers, output, own.translated, ingested.counts.rows.n_in, _provenance(own, ingested))
        write_set_aside(output, own.ingested, ingested.counts.rows)
    shutil.rmtree(folder)
    _summarise(output, ingested.counts.rows, translated.counts, ensemble)


@contextmanager
def _removed_if_not_fit(folder: Path) -> Iterator[None]:
    """Remove the working folder of a table that does not fit, unless it was there before."""
    was_there = folder.exists()
    try:
        yield
    except SurveyError:
        if not was_there:
            shutil.rmtree(folder)
        raise


def _ingest(own: Application) -> Receipt:
    """Write the catalogue of the table in the working folder."""
    raw = own.raw
    sources = {raw.survey.path.name: raw.survey.path}
    sources |= {f"ebv_map {raw.ebv_map.name}": raw.ebv_map} if raw.ebv_map else {}
    settings = {
        "definition_a": raw.definition.model_dump(mode="json"),
        "ingest": {"rows_per_partition": ROWS.rows_per_partition},
        "numbered": raw.numbered,
        "ensemble": own.ensemble.digest,  # has the factors of the errors
    }
    stage = Stage(own.folder, "ingest_a", {name: checksum(path) for name, path in sources.items()}, settings, sources)
    receipt = stage.done() or ingest(stage, own.workers, raw, own.ingested, ROWS.rows_per_block)
    clean_up(own.folder, stage.name, own.ingested)
    return receipt


def _translate(own: Application, ingested: Receipt) -> Receipt:
    """Translate the catalogue of the table in the working folder."""
    source = open_catalogue(own.ingested)
    stage = Stage(own.folder, "translate", {"ingest_a": ingested.digest, "train": own.ensemble.digest}, {})
    provenance = {f"stdask_{name}": text for name, text in _provenance(own, ingested).items()}
    return stage.done() or translate_catalogue(
        stage, own.workers, own.cluster, source, own.ensemble, own.translated, provenance, with_margin=False
    )


def _provenance(own: Application, ingested: Receipt) -> dict[str, str]:
    """Return what the output is made from, under names whose first eight letters differ, as FITS needs."""
    table, a, b = own.raw.survey.path.name, own.raw.definition, own.ensemble.target
    return {
        "title": f"{a.title} on the scale of {b.title}",
        "reference": f"{a.reference}; {b.reference}",
        "ensemble": own.ensemble.name,
        "ens_sha256": own.ensemble.digest,
        "table": table,
        "tab_sha256": ingested.inputs[table],
    }


def _summarise(output: Path, rows: RowCounts, counts: TranslateCounts, ensemble: Ensemble) -> None:
    """Print how many stars were translated, and how many of them are like the training stars."""
    say(f"{output}: {rows}", "bold")
    shares = {
        flag: n / max(counts.rows.n_out, 1) for flag, n in counts.flags.items() if not flag.startswith("FLAG_MISSING")
    }
    say("  stars with " + ", ".join(f"{flag} {100 * share:.1f} %" for flag, share in shares.items()))
    if any(n > MOST * counts.rows.n_out for flag, n in counts.flags.items() if flag.startswith("FLAG_MISSING")):
        say(
            "  Most stars lack an input or its error (FLAG_MISSING_INPUTS is true); QFLAG_COMMENTS says which. Check "
            "the units of the table, and the values that the survey definition takes for valid.",
            "yellow",
        )
    domain = [share for flag, share in shares.items() if flag.startswith("QFLAG_DOMAIN")]
    if min(domain) < MOST:
        say(
            "  Most stars are unlike the training stars (QFLAG_DOMAIN is false). Check the units of the table, and "
            f"that it is of {ensemble.definition.title}, which the ensemble was trained on.",
            "yellow",
        )
