"""Runs whose stages are all done, for the report: tables and receipts made by hand, and products of the atlas."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from astropy.table import Table
from healpy import pix2ang
from matplotlib.figure import Figure

from stdask import schema
from stdask.config.run import Run, load_run
from stdask.runs.counts import Counts, FamilyStars, RowCounts
from stdask.runs.receipts import Receipt, write_receipt
from stdask.runs.registry import stage_settings
from stdask.schema.products import profile_columns
from stdask.storage import paths
from stdask.storage.documents import write_ecsv, write_figure
from stdask.storage.products.maps import write_profile
from stdask.storage.tables import to_table, write_parquet
from tests.counted import made_up_counts

REFUSED = "The extrinsic network was not trained: 36 pairs, min_pairs is 200."
COUNTS: dict[str, Counts] = {
    "ingest_a": made_up_counts("ingest_a", rows=RowCounts(1200, 1190, {"no position": 10}), n_partitions=250),
    "ingest_b": made_up_counts("ingest_b", rows=RowCounts(900, 900, {"no position": 0})),
    "pair": made_up_counts(
        "pair", rows=RowCounts(1190, 500, {"not in B": 690}), usable={"intrinsic": {"E(B-V) <= 0.3": 431}}
    ),
    "train": made_up_counts("train", notes=(REFUSED,), families={"intrinsic": FamilyStars(431, 86)}),
    "evaluate": made_up_counts("evaluate"),
    "translate": made_up_counts("translate", rows=RowCounts(1190, 1190), flags={"QFLAG_INPUT_INTRINSIC": 1071}),
    "merge": made_up_counts("merge", rows=RowCounts(2090, 1590, {"also in B": 500})),
    "atlas": made_up_counts("atlas", notes=("No star has a distance: no maps.",)),
}
SURVEY = """
name = "{name}"
title = "{title}"
reference = "{name} et al. 2021"
id = "star"
[labels.TEFF]
column = "teff"
[labels.FE_H]
column = "fe_h"
"""
RUN = """
seed = 11
output = "out"
[surveys]
a = { definition = "first.toml", file = "first.fits" }
b = { definition = "second.toml", file = "second.parquet" }
[pair]
match = { by = "position" }
[train]
intrinsic = [{ label = "TEFF", from = "TEFF" }, { label = "FE_H", from = "FE_H" }]
"""
SCORE_NAMES = (
    "family", "label", "unit", "method", "n", "bias", "bias_err", "std", "std_err", "robust", "robust_err", "mae",
    "mae_err", "behind", "behind_err",
)  # fmt: skip
SCORES = [
    ("intrinsic", "TEFF", "K", "raw", 86, 12.0, 4.0, 100.0, 7.0, 80.0, 6.0, 70.0, 5.0, 20.0, 4.0),
    ("intrinsic", "TEFF", "K", "translated", 86, 1.0, 3.0, 70.0, 5.0, 60.0, 4.0, 50.0, 3.0, 0.0, 0.0),
    ("intrinsic", "FE_H", "dex", "translated", 86, -0.0123, 0.0045, 0.0652, 0.0031, 0.05, 0.004, 0.04, 0.003, 0.0, 0.0),
]
SAMPLES = ("ALONE", "MERGED", "UNTRANSLATED", "A_ONLY", "RAW_ONLY")
LABELS = ("FE_H", "MG_FE")
MAP_PARTS = (
    "MEDIAN", "MAD", "P16", "P84", "ERROR", "TRANSLATION", "ADAPTIVE", "ADAPTIVE_ERR", "CHANGE", "EXCESS", "EXCESS_ERR",
    "EXCESS_SMOOTH",
)  # fmt: skip
ERRORS = ("TRANSLATION", "NOISE", "NOISE_SHIFT", "POPULATION", "TOTAL")
PLACES = {"edge_on": ("R_GC", "Z_GC"), "face_on": ("X_GC", "Y_GC")}
WIDTH = 0.2  # kpc of a pixel: that of `[atlas]`
ORDER = 3  # of the all-sky map


def finished_run(folder: Path, title_a: str) -> Run:
    """Return a run whose stages are all done, with tables, and no figure."""
    (folder / "first.toml").write_text(SURVEY.format(name="first", title=title_a))
    (folder / "second.toml").write_text(SURVEY.format(name="second", title="Survey B"))
    (folder / "run.toml").write_text(RUN)
    run = load_run(folder / "run.toml", output=folder / "out")
    for step, counts in COUNTS.items():
        write_receipt(
            run.output,
            Receipt(step, "key", {f"input of {step}": "5e" * 32}, stage_settings(run, step), {}, counts, seconds=1.5),
        )
    write_table(run, "accuracy", SCORE_NAMES, SCORES)
    return run


def write_table(run: Run, name: str, names: tuple[str, ...], rows: list[tuple[Any, ...]]) -> None:
    """Write a table of evaluate."""
    write_ecsv(paths.evaluation(run.output) / f"{name}.ecsv", Table(rows=rows, names=names))


def write_products(run: Run) -> None:
    """Write maps and profiles of all samples: B fills the south, A the outer Galaxy, and every number is known."""
    x, y = (values.ravel() for values in np.meshgrid(-11.9 + WIDTH * np.arange(40), -2.9 + WIDTH * np.arange(30)))
    # two pixels of A away from all others: the frames of the maps, which hold nearly all stars, leave them out
    x, y = np.append(x, (-12.5, -10.1)), np.append(y, (1.1, 4.2))
    for view, (across, up) in PLACES.items():
        place = {across: x, up: y}
        units = dict.fromkeys(place, "kpc")
        write_map(run, f"map_{view}", place, units, of_b=y < 1, of_a=x < -8)
    pixels = np.arange(12 * 4**ORDER)
    ra, dec = pix2ang(2**ORDER, pixels, nest=True, lonlat=True)
    place = {"PIXEL": pixels, "RA": ra, "DEC": dec}
    write_map(run, "map_all_sky", place, {"RA": "deg", "DEC": "deg"}, of_b=dec < 20, of_a=dec > -10)
    write_profiles(run)


def write_figures(run: Run) -> None:
    """Write a small static figure of each map and profile."""
    for name in ("map_edge_on", "map_face_on", "map_all_sky", "profile_radial", "profile_vertical"):
        figure = Figure(figsize=(6, 3))
        figure.subplots().plot([0, 1])
        write_figure(paths.products(run.output) / f"{name}.png", figure)


def write_map(
    run: Run, name: str, place: dict[str, np.ndarray], units: dict[str, str], of_b: np.ndarray, of_a: np.ndarray
) -> None:
    """Write one map: 40 stars of B and 50 of A in each pixel that they fill."""
    n_pixels = len(of_b)
    height = np.abs(np.linspace(-2, 2, n_pixels))
    columns = [schema.Column("SAMPLE", "string")]
    columns += [schema.Column(key, "int64" if key == "PIXEL" else "float64", units.get(key, "")) for key in place]
    columns += [schema.Column("COUNT", "int64"), schema.Column("HEIGHT", "float32", "kpc")]
    for label in LABELS:
        columns.append(schema.Column(f"N_{label}", "int64"))
        columns.append(schema.Column(f"N_{label}_ADAPTIVE", "int64"))
        for part in MAP_PARTS:
            columns.append(schema.Column(f"{label}_{part}", "float32", "dex"))
    columns.append(schema.Column("NEW", "bool"))
    tables = []
    for number, sample in enumerate(SAMPLES):
        of_one = {"ALONE": 40 * of_b, "A_ONLY": 50 * of_a, "RAW_ONLY": 50 * of_a}
        counts = of_one.get(sample, 40 * of_b + 50 * of_a)
        data = {"SAMPLE": np.full(n_pixels, sample, dtype=object), **place, "COUNT": counts, "HEIGHT": height}
        data["NEW"] = of_a & ~of_b
        change = -0.1 if sample in ("MERGED", "A_ONLY") else np.nan
        for place_of, label in enumerate(LABELS):
            # a number that tells its sample, its label and its pixel
            median = -0.1 * number + place_of + np.linspace(-0.5, 0, n_pixels)
            data |= {f"N_{label}": counts - 1, f"{label}_MEDIAN": median, f"{label}_MAD": np.full(n_pixels, 0.1)}
            data |= {f"{label}_P16": median - 0.02, f"{label}_P84": median + 0.03}
            data |= {f"{label}_ERROR": np.full(n_pixels, 0.05)}
            data |= {f"{label}_TRANSLATION": np.full(n_pixels, np.nan if sample == "ALONE" else 0.01)}
            # one pixel in 34 has no value even in a larger cell
            adaptive = np.where(np.arange(n_pixels) % 34 == 3, np.nan, median + 0.001)
            data |= {f"{label}_ADAPTIVE": adaptive, f"{label}_ADAPTIVE_ERR": np.full(n_pixels, 0.004)}
            data |= {f"N_{label}_ADAPTIVE": 4 * counts, f"{label}_CHANGE": np.full(n_pixels, change)}
            data |= {f"{label}_EXCESS": median - 0.2, f"{label}_EXCESS_ERR": np.full(n_pixels, 0.02)}
            data |= {f"{label}_EXCESS_SMOOTH": median - 0.21}
        tables.append(to_table(columns, data).filter(pa.array(counts > 0)))
    write_parquet(paths.products(run.output) / f"{name}.parquet", pa.concat_tables(tables))


def write_profiles(run: Run) -> None:
    """Write radial profiles of two slices and both sides, with a gap, and vertical ones of two rings."""
    for name, along, across, slices, sides in (
        ("radial", "R", "Z", ((0.0, 0.5), (0.5, 1.0)), ("north", "south")),
        ("vertical", "Z", "R", ((6.0, 8.0), (8.0, 10.0)), ("both",)),
    ):
        starts = np.array([4.0, 4.25, 4.5, 4.75, 6.0, 6.25])
        parts: list[dict[str, np.ndarray]] = []
        for number, sample in enumerate(SAMPLES):
            for place, (low, high) in enumerate(slices):
                for side in sides:
                    median = -0.1 * number - 0.2 * place - 0.05 * (side == "south") - 0.02 * starts
                    part = {"SAMPLE": np.full(6, sample), "SIDE": np.full(6, side, dtype="U5")}
                    part |= {f"{across}_LOW": np.full(6, low), f"{across}_HIGH": np.full(6, high)}
                    part |= {f"{along}_LOW": starts, f"{along}_CENTRE": starts + 0.25, f"{along}_HIGH": starts + 0.5}
                    for label in LABELS:
                        part |= {f"N_{label}": np.arange(30, 36), f"{label}_MEDIAN": median}
                        part |= {f"{label}_P16": median - 0.02, f"{label}_P84": median + 0.03}
                        part |= {f"{label}_{error}": np.full(6, 0.01) for error in ERRORS}
                    parts.append(part)
        data = {key: np.concatenate([part[key] for part in parts]) for key in parts[0]}
        columns = profile_columns(along, across, dict.fromkeys(SAMPLES, ""), dict.fromkeys(LABELS, "dex"))
        write_profile(paths.products(run.output) / f"profile_{name}.ecsv", columns, data, {})
