"""The report of the atlas of a user's own table: maps, caveats and provenance on one page."""

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from stdask.config.atlas import AtlasFile
from stdask.display.numbers import as_toml
from stdask.display.templates import render
from stdask.runs.counts import AtlasCounts, ReportCounts
from stdask.runs.receipts import Receipt
from stdask.runs.stage import Stage
from stdask.stages.report.figures import Album, product_figures
from stdask.stages.report.interactive.choices import sample_titles
from stdask.stages.report.interactive.figures import interactive_figures
from stdask.stages.report.page import TABLE_SECTIONS, files_of, page_content, selection_in_words
from stdask.stages.report.tables import product_tables
from stdask.storage import paths
from stdask.storage.files import hash_of, write_text

TEMPLATE = Path(__file__).with_name("report.html")
OTHERS = "the others"  # stars that are not of the reference survey


def run_table(atlas: AtlasFile, receipt: Receipt[AtlasCounts]) -> Receipt:
    """Write report/index.html into the folder of the atlas of a table.

    Parameters
    ----------
    atlas, receipt
        The settings, and what the atlas did.
    """
    settings = {"atlas": receipt.settings, "counts": hash_of(asdict(receipt.counts))}
    stage = Stage(atlas.output, "report", {"atlas": receipt.digest}, settings)
    if done := stage.done():
        return done
    album = Album(atlas.output)
    page = paths.report(atlas.output)
    write_text(page, render(TEMPLATE, gather(atlas, receipt, album)))
    return stage.finish([page], ReportCounts(n_figures=album.n_images))


def gather(atlas: AtlasFile, receipt: Receipt[AtlasCounts], album: Album) -> dict[str, Any]:
    """Return everything the page shows."""
    folder, words = atlas.output, sample_words(atlas)
    titles = (OTHERS, atlas.table.reference) if atlas.table.reference else ("", "")
    interactive = interactive_figures(folder, titles, atlas.atlas.bin_kpc)
    source = ", ".join(receipt.inputs)
    steps = {"atlas": "Atlas"}
    content = page_content(f"The Galaxy in {source}", TABLE_SECTIONS, {"atlas": receipt}, steps, interactive)
    content["counts"]["pairs"] = []
    return content | {
        "files": files_of(list(TABLE_SECTIONS), summary="table_summary.html"),
        "source": source,
        "reference": atlas.table.reference,
        "surveys": {},
        "usable": None,
        "attenuated": [],
        "figures": {},
        "separations": None,
        "products": product_figures(folder, album, interactive),
        "tables": product_tables(folder, words, ""),
        "selection": selection_in_words(atlas.atlas),
        "seed": atlas.seed,
        "config": as_toml(atlas.model_dump(mode="json", by_alias=True)),
        "folders": {"settings": "receipts/atlas.json"},
    }


def sample_words(atlas: AtlasFile) -> Mapping[str, str]:
    """Return what the samples of a table are called on the page."""
    reference = atlas.table.reference
    if not reference:
        return {"MERGED": "all stars"}
    if atlas.table.untranslated:
        return sample_titles((OTHERS, reference))
    return {"MERGED": f"{reference} and {OTHERS}", "ALONE": f"{reference} alone", "A_ONLY": f"{OTHERS} alone"}
