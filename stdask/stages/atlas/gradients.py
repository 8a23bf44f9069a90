"""The gradients of the atlas: slopes and breaks of the medians of labels, and of the height of the stars."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from stdask.figures.gradients import SlopeCurve, draw_gradients
from stdask.figures.style import RADIUS_SYMBOLS
from stdask.schema import products as schema_products
from stdask.science.galaxy.bins import STEPS
from stdask.science.galaxy.errors import total_errors
from stdask.science.galaxy.gradients import Slope, find_segments, fit_again, fit_slopes
from stdask.science.galaxy.paired_bins import BinSample
from stdask.science.galaxy.profiles import Windows
from stdask.stages.atlas.products import Products
from stdask.stages.atlas.samples import A_ONLY, ALONE, FLARE, HEIGHT, MERGED, RAW_ONLY, UNTRANSLATED
from stdask.stages.atlas.tasks import Statistics
from stdask.storage.documents import write_figures
from stdask.storage.products.maps import write_profile

FITTED = {  # sample -> the surveys whose medians are fitted together
    ALONE: (ALONE,),
    MERGED: (ALONE, A_ONLY),
    UNTRANSLATED: (ALONE, RAW_ONLY),
    A_ONLY: (A_ONLY,),
    RAW_ONLY: (RAW_ONLY,),
}
COLUMNS = {"at": "BREAK"}  # field of a slope in the figure -> column, where it has another name
QUANTITIES = {"BREAK": "breaks", "INNER": "inner", "OUTER": "outer", "OFFSET": "offsets"}  # column -> part of a fit
KINDS = {"radial_steps": "radial", "vertical_steps": "vertical", "azimuth_steps": "azimuthal", FLARE: "flare"}
Row = dict[str, Any]  # column of the table -> value


def write_gradients(products: Products) -> list[Path]:
    """Write the slopes of all labels and of the height of the stars as a table and a figure; return the files."""
    rows = [row for steps in STEPS for row in _slopes_of(products, steps)]
    if not rows:
        return []
    table = products.folder / "gradients.ecsv"
    write_profile(table, schema_products.GRADIENTS, _columns(rows), products.meta())
    if not products.labels:  # heights alone
        return [table]
    shown = [
        SlopeCurve(*(row[COLUMNS.get(name, name.upper())] for name in SlopeCurve._fields))
        for row in rows
        if row["KIND"] != "flare"
    ]
    units = {label: products.unit(label) for label in products.labels}
    figure = draw_gradients(shown, products.titles, units, RADIUS_SYMBOLS[products.bins.config.radius])
    return [table, *write_figures(table.with_suffix(""), figure)]


def _slopes_of(products: Products, steps: str) -> Iterable[Row]:
    bins = products.bins.profiles[steps]
    for quantity in (HEIGHT,) if steps == FLARE else products.labels:
        unit = "kpc" if quantity == HEIGHT else products.unit(quantity)
        found = products.medians[quantity][steps]
        fitted = FITTED if products.selection.survey_b else {MERGED: (MERGED,)}
        for sample, names in fitted.items():
            if not set(names) <= set(found):
                continue
            for number, part in enumerate(bins.slices):
                own = slice(number * bins.windows.number, (number + 1) * bins.windows.number)
                about = {
                    "SAMPLE": sample,
                    "LABEL": quantity,
                    "UNIT": f"{unit}/kpc" if unit else "1/kpc",
                    "KIND": KINDS[steps],
                    "SIDE": part.side,
                    "LOW": part.low,
                    "HIGH": part.high,
                }
                for row in _lines(bins.windows, [found[name].take(own) for name in names]):
                    yield about | row


def _lines(windows: Windows, surveys: Sequence[Statistics]) -> Iterable[Row]:
    """Return a line for each segment of a slice, with what it is fitted to and its errors."""
    samples = [_sample(survey) for survey in surveys]
    segments = find_segments(samples)
    for number, segment in enumerate(segments.fitted, 1):
        if slope := fit_slopes(windows.centres_kpc, samples, used=segment):
            errors = _numbers(slope) | _spread(windows.centres_kpc, surveys, slope)
            yield {
                "SEGMENT": number,
                "N_GAPS": segments.n_gaps,
                **_extent(windows, surveys, slope),
                **errors,
                **_totals(errors),
            }


def _extent(windows: Windows, surveys: Sequence[Statistics], slope: Slope) -> dict[str, float | int]:
    """Return which bins a line is fitted to, and what is left out."""
    filled = np.array([np.isfinite(survey.medians) for survey in surveys])
    counts = np.array([survey.counts for survey in surveys])
    n_fitted = int(counts[filled & slope.used].sum())
    return {
        "FIT_LOW": float(windows.starts_kpc[slope.used].min()),
        "FIT_HIGH": float(windows.ends_kpc[slope.used].max()),
        "N_BINS": int(slope.used.sum()),
        "N": n_fitted,
        "N_BINS_LEFT_OUT": int((filled.any(axis=0) & ~slope.used).sum()),
        "N_LEFT_OUT": int(counts.sum()) - n_fitted,
    }


def _numbers(slope: Slope) -> dict[str, float]:
    values = {name: float(getattr(slope.line, field)[0]) for name, field in QUANTITIES.items()}
    return values | {f"{name}_ERR": float(getattr(slope.errors, field)) for name, field in QUANTITIES.items()}


def _spread(x: np.ndarray, surveys: Sequence[Statistics], slope: Slope) -> dict[str, float]:
    """Return how far the fits to single networks, and those to stars moved within their errors, scatter."""
    n_members = max(len(survey.members) for survey in surveys)
    members = [
        [survey.members[k] if len(survey.members) else survey.medians for survey in surveys] for k in range(n_members)
    ]
    noisy = [[survey.noisy[k] for survey in surveys] for k in range(min(len(survey.noisy) for survey in surveys))]
    samples, spread = [_sample(survey) for survey in surveys], {}
    for name, realisations in (("TRANSLATION", members), ("NOISE", noisy)):
        fits = [fit for medians in realisations if (fit := fit_again(x, samples, medians, slope))]
        for column, field in QUANTITIES.items():
            values = [getattr(fit, field)[0] for fit in fits]
            spread[f"{column}_{name}"] = float(np.std(values, ddof=1)) if len(values) > 1 else np.nan
            if name == "NOISE":
                moved = float(np.mean(values) - getattr(slope.line, field)[0]) if values else np.nan
                spread[f"{column}_NOISE_SHIFT"] = moved
    return spread


def _totals(errors: dict[str, float]) -> dict[str, float]:
    """Return the errors of fits from the stars, the translation and the noise together."""
    totals = {}
    for column in QUANTITIES:
        names = ("ERR", "TRANSLATION", "NOISE_SHIFT", "NOISE")
        stars, translation, shift, noise = (np.array([errors[f"{column}_{name}"]]) for name in names)
        totals[f"{column}_TOTAL"] = float(total_errors(stars, translation, shift, noise, np.zeros(1))[0])
    return totals


def _sample(found: Statistics) -> BinSample:
    return BinSample(found.counts, found.medians, found.bootstraps)


def _columns(rows: list[Row]) -> dict[str, np.ndarray]:
    return {name: np.array([row[name] for row in rows]) for name in rows[0]}
