"""The interactive figures of the report: from the maps and profiles in the run folder to figures in the page."""

import base64
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from astropy.table import Table
from markupsafe import Markup

from stdask.errors import CatalogueError
from stdask.figures.interactive.maps import (
    MapView,
    Row,
    add_pixels,
    galactic_frame,
    sky_frame,
    sky_pixels,
    square_pixels,
)
from stdask.figures.interactive.marks import mark_galaxy, mark_sky
from stdask.figures.interactive.page import Plot, bokeh_script, pack, plain
from stdask.figures.interactive.profiles import ShownCurve, colours_of, draw_profiles
from stdask.figures.style import unit_of
from stdask.schema.products import INDEPENDENT
from stdask.science.sky.healpix import INDEX_ORDER, sky_index
from stdask.storage.documents import read_ecsv
from stdask.storage.tables import read_parquet, to_numpy

MOST_BYTES = 5_500_000  # of all figures: with Bokeh (1.3 MB) and the images the page stays below 15 MB
SAMPLES = {
    "MERGED": "{b} and {a} translated",
    "UNTRANSLATED": "{b} and {a} as it was",
    "ALONE": "{b} alone",
    "A_ONLY": "{a} translated, alone",
}
MAPS = {  # columns of a pixel's place, as the map's axes are called, decimals
    "map_edge_on": (("R_GC", "Z_GC"), "R, Z [kpc]", 2),
    "map_face_on": (("X_GC", "Y_GC"), "X, Y [kpc]", 2),
    "map_all_sky": (("RA", "DEC"), "RA, Dec [deg]", 2),
}
PROFILES = {"profile_radial": ("R", "Z"), "profile_vertical": ("Z", "R")}  # along, across
MEDIAN = "_MEDIAN"  # ending of the column by which a label is known
LABEL_COLUMNS = ("MEDIAN", "P16", "P84", "ERROR", "TRANSLATION")
RANGE = " to "
_COMMON = "All samples share the scale of a quantity. Choose a tool above the figure to zoom or move it."
_NEW = "outlined: pixels that only the merged catalogue fills."
READINGS = {
    "map_edge_on": "Point at a pixel to read its numbers. Circle with a dot: the Sun; cross: the Galactic centre; "
    f"dashed: the Galactic midplane; {_NEW} {_COMMON}",
    "map_face_on": "Point at a pixel to read its numbers. Circle with a dot: the Sun; cross: the Galactic centre; "
    f"dotted: circles of galactocentric radius, with the direction of rotation; {_NEW} {_COMMON}",
    "map_all_sky": "Point at a pixel to read its numbers. Galactic longitude grows to the left, the Galactic centre "
    f"is in the middle; the dark line across is the Galactic plane; {_NEW} {_COMMON}",
} | dict.fromkeys(
    PROFILES,
    "Point at a bin to read its numbers. Shaded: 68 % confidence interval of the median by the stars alone; TOTAL in "
    f"the tables profile_*.ecsv has all errors. Dashed, with open circles: south of the midplane. {_COMMON}",
)


class ShownQuantity(NamedTuple):
    """Something that a map can show."""

    text: str  # to choose it by
    title: str  # of its scale
    places: int  # decimals


QUANTITIES = {
    "COUNT": ShownQuantity("number of stars", "stars per pixel", 0),
    "HEIGHT": ShownQuantity("height |Z|", "median |Z| [kpc]", 2),
}


@dataclass(frozen=True)
class Interactive:
    """One figure of the page with what can be chosen in it."""

    samples: Mapping[str, str]  # in the order offered, the first one shown; value -> text
    quantities: Mapping[str, str]
    parts: Mapping[str, str] = field(default_factory=dict)  # slice -> its colour
    sides: Sequence[str] = ()
    reading: str = ""  # how the figure is read
    content: str = ""  # packed; empty if the page has no room left for it


@dataclass(frozen=True)
class Script:
    """A script of the page, and the hash by which the page's own policy allows it and no other."""

    text: Markup

    @property
    def digest(self) -> str:
        """SHA-256 in base64. Source: W3C, Content Security Policy Level 3, sect. 2.3.1."""
        return base64.b64encode(hashlib.sha256(self.text.encode()).digest()).decode()


def page_scripts() -> list[Script]:
    """Return Bokeh and the script that draws the interactive figures, in the order they are run."""
    own = Path(__file__).with_name("report.js").read_text(encoding="utf-8")
    return [Script(Markup(bokeh_script())), Script(Markup(own))]


def interactive_figures(folder: Path, titles: tuple[str, str], bin_kpc: float) -> dict[str, Interactive]:
    """Return the interactive figures by the names of their files, those with the most pixels last.

    Parameters
    ----------
    folder
        Of the maps and profiles.
    titles
        Of A and B.
    bin_kpc
        Width of a pixel of the maps.
    """
    room = MOST_BYTES
    found: dict[str, Interactive] = {}
    for name in (*PROFILES, *MAPS):
        if made := _profiles(folder, name, titles) if name in PROFILES else _map(folder, name, titles, bin_kpc):
            plot, figure = made
            content = pack(plot)
            found[name] = replace(figure, reading=READINGS[name], content=content if len(content) <= room else "")
            room -= len(found[name].content)
    return found


def sample_titles(titles: tuple[str, str]) -> dict[str, str]:
    """Return the name of each sample in words, given the titles of A and B."""
    a, b = titles
    words = {sample: text.format(a=a, b=b) for sample, text in SAMPLES.items()}
    return words | {f"{sample}{INDEPENDENT}": f"{text}, without the stars in both" for sample, text in words.items()}


def _map(folder: Path, name: str, titles: tuple[str, str], bin_kpc: float) -> tuple[Plot, Interactive] | None:
    path = folder / f"{name}.parquet"
    if not path.exists() or not (table := read_parquet(path)).num_rows:
        return None
    (across, up), _, _ = MAPS[name]
    place = ("PIXEL",) if name == "map_all_sky" else (across, up)
    # the samples of a pixel have the same numbers for its place, but for the last bits
    keys = np.stack([np.round(to_numpy(table, column).astype(float), 6) for column in place], axis=-1)
    _, first, pixels = np.unique(keys, axis=0, return_index=True, return_inverse=True)
    columns = {column: to_numpy(table, column)[first].astype(float) for column in (across, up)}
    columns |= dict(_columns(table, pixels.reshape(-1), len(first)))
    samples = {sample: text for sample, text in sample_titles(titles).items() if f"{sample}/COUNT" in columns}
    quantities = _quantities(table)
    views = [view for sample in samples for view in _views(titles, name, sample, quantities, columns)]
    new = np.zeros(len(first), dtype=bool)
    new[pixels.reshape(-1)[to_numpy(table, "NEW").astype(bool)]] = True
    if name == "map_all_sky":
        numbers = to_numpy(table, "PIXEL")[first].astype(np.int64)
        plot, corners = sky_frame(), sky_pixels(_order_of(path, numbers, columns[across], columns[up]), numbers)
    else:
        corners = square_pixels(columns[across], columns[up], bin_kpc)
        stars = np.nansum([columns[f"{sample}/COUNT"] for sample in samples], axis=0)
        plot = galactic_frame(name.removeprefix("map_"), corners, stars)
    add_pixels(plot, corners, columns, views, new)
    if name == "map_all_sky":
        mark_sky(plot)
    else:
        mark_galaxy(plot, name.removeprefix("map_"))
    return plot, Interactive(samples, {name: quantity.text for name, quantity in quantities.items()})


def _columns(table: pa.Table, pixels: np.ndarray, n_pixels: int) -> Iterator[tuple[str, np.ndarray]]:
    """Yield every column that is shown, sample by sample: NaN where the sample does not fill a pixel."""
    of_label = [f"{label}_{part}" for label in _labels(table) for part in LABEL_COLUMNS]
    counts = [f"N_{label}" for label in _labels(table)]
    shown = [name for name in ("COUNT", "HEIGHT", *counts, *of_label) if name in table.column_names]
    for sample in SAMPLES:
        rows = pc.equal(table.column("SAMPLE"), sample).to_numpy(zero_copy_only=False)
        for name in shown if rows.any() else ():
            values = np.full(n_pixels, np.nan)
            values[pixels[rows]] = to_numpy(table, name)[rows]
            yield f"{sample}/{name}", values


def _labels(table: pa.Table) -> list[str]:
    return [name.removesuffix(MEDIAN) for name in table.column_names if name.endswith(MEDIAN)]


def _quantities(table: pa.Table) -> dict[str, ShownQuantity]:
    """Return what can be shown: the labels first."""
    labels = {}
    for label in _labels(table):
        unit = (table.field(f"{label}_MEDIAN").metadata or {}).get(b"unit", b"").decode()
        labels[label] = ShownQuantity(plain(label), _title(label, unit), _places(unit_of(label, unit)))
    return labels | {name: quantity for name, quantity in QUANTITIES.items() if name in table.column_names}


def _places(unit: str) -> int:
    return 3 if unit in ("", "dex") else 1  # of kelvin and km/s a tenth is enough


def _title(label: str, unit: str) -> str:
    unit = unit_of(label, unit)
    return f"median {plain(label)}" + (f" [{unit}]" if unit not in ("", "dex") else "")


def _views(
    titles: tuple[str, str],
    view: str,
    sample: str,
    quantities: Mapping[str, ShownQuantity],
    columns: Mapping[str, np.ndarray],
) -> Iterator[MapView]:
    """Yield one view a quantity, with the numbers that are shown for each of its pixels."""
    place, text, decimals = MAPS[view]
    where = Row(text, place, decimals, ", ")
    surveys = {"ALONE/COUNT": titles[1], "A_ONLY/COUNT": titles[0]}
    stars = [Row(f"stars of {title}", (column,), 0) for column, title in surveys.items() if column in columns]
    for name, quantity in quantities.items():
        own, places = f"{sample}/{name}", quantity.places
        if name in QUANTITIES:
            row = Row(quantity.title, (own,), places)
            yield MapView(sample, name, quantity.title, own, f"{sample}/COUNT", (where, row, *stars))
            continue
        rows = [
            Row(quantity.title, (f"{own}_MEDIAN",), places),
            Row("68 % interval of the median", (f"{own}_P16", f"{own}_P84"), places, RANGE),
            Row("error of one star", (f"{own}_ERROR",), places),
            Row("error from the choice of pairs", (f"{own}_TRANSLATION",), places),
        ]
        shown = [row for row in rows if all(np.isfinite(columns.get(part, np.nan)).any() for part in row.columns)]
        counts = f"{sample}/N_{name}"
        shown.append(Row(f"stars with {quantity.text}", (counts,), 0))
        yield MapView(sample, name, quantity.title, f"{own}_MEDIAN", counts, (where, *shown, *stars))


def _order_of(path: Path, pixels: np.ndarray, ra_deg: np.ndarray, dec_deg: np.ndarray) -> int:
    """Return the order of HEALPix pixels whose centres are known."""
    index = sky_index(ra_deg, dec_deg)
    for order in range(INDEX_ORDER):
        if (index >> 2 * (INDEX_ORDER - order) == pixels).all():
            return order
    raise CatalogueError(f"{path}: PIXEL is not the nested HEALPix pixel of RA and DEC. Run `stdask atlas` again.")


def _profiles(folder: Path, name: str, titles: tuple[str, str]) -> tuple[Plot, Interactive] | None:
    path = folder / f"{name}.ecsv"
    if not path.exists():
        return None
    table = read_ecsv(path)
    labels = [column.removesuffix(MEDIAN) for column in table.colnames if column.endswith(MEDIAN)]
    along, across = PROFILES[name]
    parts = {
        part: _part(part) for part in sorted(set(zip(table[f"{across}_LOW"], table[f"{across}_HIGH"], strict=True)))
    }
    curves = [curve for label in labels for curve in _curves(table, label, along, across, parts)]
    if not curves:
        return None
    units = {label: str(table[f"{label}_MEDIAN"].unit or "") for label in labels}
    colours = colours_of(list(parts.values()))
    plot = draw_profiles(curves, f"{along} [kpc]", {label: _title(label, units[label]) for label in labels}, colours)
    used = {curve.sample for curve in curves}
    samples = {sample: text for sample, text in sample_titles(titles).items() if sample in used}
    sides = [side for side in ("north", "south") if any(curve.side == side for curve in curves)]
    return plot, Interactive(samples, {label: plain(label) for label in labels}, colours, sides)


def _part(part: tuple[float, float]) -> str:
    return f"{part[0]:g}\N{EN DASH}{part[1]:g} kpc"


def _curves(
    table: Table, label: str, along: str, across: str, parts: Mapping[tuple[float, float], str]
) -> Iterator[ShownCurve]:
    """Yield the curves of a label: one a sample, slice and side."""
    known = table[np.isfinite(np.asarray(table[f"{label}_MEDIAN"], dtype=float))]
    if not len(known):
        return
    for group in known.group_by(["SAMPLE", "SIDE", f"{across}_LOW", f"{across}_HIGH"]).groups:
        group.sort(f"{along}_CENTRE")
        first = group[0]
        yield ShownCurve(
            sample=str(first["SAMPLE"]),
            label=label,
            part=parts[first[f"{across}_LOW"], first[f"{across}_HIGH"]],
            side=str(first["SIDE"]),
            positions_kpc=np.asarray(group[f"{along}_CENTRE"]),
            medians=np.asarray(group[f"{label}_MEDIAN"]),
            low=np.asarray(group[f"{label}_P16"]),
            high=np.asarray(group[f"{label}_P84"]),
            stars=np.asarray(group[f"N_{label}"]),
        )
