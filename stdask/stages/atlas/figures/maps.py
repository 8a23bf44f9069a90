"""The figures of the maps: which samples and quantities stand side by side."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from stdask.figures.maps.marks import SIGNIFICANT
from stdask.figures.maps.sheet import MapImage, MapRow
from stdask.science.galaxy.bins import SKY
from stdask.science.galaxy.excess import SMOOTHING_KPC
from stdask.stages.atlas.figures.view import GalacticView, Images, sequence_in_words
from stdask.stages.atlas.products import Products
from stdask.stages.atlas.samples import A_ONLY, ALONE, MERGED, RAW_ONLY, UNTRANSLATED
from stdask.storage.documents import write_figures

COMPARED = {  # ending of the file -> samples before and after translation
    "_change": (RAW_ONLY, A_ONLY),
    "_untranslated": (UNTRANSLATED, MERGED),
}


def write_map_figures(products: Products, view: str, images: Images, stem: Path) -> list[Path]:
    """Draw the maps of one view; return the files.

    Parameters
    ----------
    products
        What the maps are of.
    view
        One of `MAPS`.
    images
        All layers of all samples.
    stem
        Path of the files, without the endings of the figures.
    """
    files: list[Path] = []
    for ending, figure in _figures(GalacticView(products, view, images)):
        files += write_figures(stem.with_name(stem.name + ending), figure) if figure else []
    return files


def _figures(view: GalacticView) -> Iterator[tuple[str, Any]]:
    """Yield the figures by the endings of their files, drawn one by one: each takes tens of MB until it is written."""
    yield "", _samples(view, [name for name in (ALONE, MERGED) if name in view.images])
    for ending, (before, after) in COMPARED.items():
        if before in view.images and after in view.images:
            yield ending, _compared(view, before, after)
    if A_ONLY in view.images and RAW_ONLY not in view.images:
        yield "_a_only", _samples(view, [A_ONLY])
    yield "_error", _errors(view)
    if view.name != SKY:
        yield "_excess", _excess(view)
    if "HIGH_ALPHA" in view.images[MERGED]:
        yield "_high_alpha", _shares(view)


def _samples(view: GalacticView, samples: Sequence[str]) -> Any:
    """Return the figure of samples side by side: their stars, heights and medians."""
    rows = [_row(view.counts, samples)]
    if view.name == "face_on":
        rows.append(MapRow([view.heights(sample) for sample in samples]))
    rows += [_row(view.medians, samples, label) for label in view.products.labels]
    return view.draw(rows, [view.title(sample) for sample in samples], view.adaptive_note)


def _errors(view: GalacticView) -> Any:
    """Return the figure of the errors of the medians of B alone and of the merged catalogue."""
    samples = [name for name in (ALONE, MERGED) if name in view.images]
    rows = [_row(view.errors, samples, label) for label in view.products.labels]
    return view.draw(rows, [view.title(sample) for sample in samples], view.adaptive_note) if rows else None


def _compared(view: GalacticView, before: str, after: str) -> Any:
    """Return the figure of two samples before and after translation, and of the change; None if nothing changes."""
    rows = []
    for label in view.products.labels:
        change = view.change(before, after, label)
        if np.nan_to_num(change.values).any():
            rows.append(MapRow([view.medians(before, label), view.medians(after, label), change]))
    titles = [view.title(before), view.title(after), "translated minus as measured\nthe same stars"]
    return view.draw(rows, titles, view.adaptive_note) if rows else None


def _excess(view: GalacticView) -> Any:
    """Return the figure of what is left of the merged maps without the radial trend."""
    rows = [MapRow(view.excess(MERGED, label)) for label in view.products.labels]
    rows = [row for row in rows if any(np.isfinite(image.values).any() for image in row.images)]
    config, merged = view.products.bins.config, view.products.titles[MERGED]
    titles = [
        f"excess over the trend with $R$ and $|Z|$\n{view.n_stars(MERGED)}",
        f"the same, smoothed\nwith $\\sigma$ = {SMOOTHING_KPC:g} kpc",
        "error of the excess\n1 $\\sigma$",
    ]
    note = (
        f"{merged[0].upper()}{merged[1:]}: medians of pixels with at least {config.min_stars_pixel} stars, "
        f"minus the running median at the same $R$ and $|Z|$. {_lines_note(rows)}"
    )
    return view.draw(rows, titles, note) if rows else None


def _lines_note(rows: Sequence[MapRow]) -> str:
    """Return what the lines on the smooth maps of the excess enclose, or that there are none."""
    errors_off = [image.errors_off for row in rows for image in row.images if image.errors_off is not None]
    if any((np.abs(own) > SIGNIFICANT).any() for own in errors_off):
        return f"Lines on the smooth map: excess of more than {SIGNIFICANT} of its own errors, dashed below zero."
    return f"Nothing on the smooth map is more than {SIGNIFICANT} of its own errors from zero."


def _shares(view: GalacticView) -> Any:
    """Return the figure of the share of high-alpha stars, of B alone and of the merged catalogue."""
    samples = [name for name in (ALONE, MERGED) if name in view.images]
    note = (
        rf"High-$\alpha$ stars have {sequence_in_words(view.products, 'high')}. Pixels with at least "
        f"{view.products.bins.config.min_stars_pixel} stars."
    )
    return view.draw([_row(view.shares, samples)], [view.title(sample) for sample in samples], note)


def _row(image: Callable[..., MapImage], samples: Sequence[str], *of: str) -> MapRow:
    """Return the maps of a quantity, with the outline of what the merged catalogue adds to B alone."""
    images = [image(sample, *of) for sample in samples]
    if list(samples) != [ALONE, MERGED]:
        return MapRow(images)
    alone, merged = (np.isfinite(own.values) for own in images)
    same = np.array_equal(images[0].values, images[1].values, equal_nan=True)
    if same:
        images[1] = replace(images[1], remark="nothing added to the map on the left")
    return MapRow(images, merged & ~alone)
