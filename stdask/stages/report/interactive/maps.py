"""The interactive maps: from the tables of pixels to figures."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from stdask.errors import CatalogueError
from stdask.figures.interactive.maps import (
    MapView,
    Row,
    add_pixels,
    galactic_frame,
    sky_frame,
    sky_pixels,
    sky_places,
    square_pixels,
)
from stdask.figures.interactive.marks import add_area, area_on_plane, area_on_sky, mark_galaxy, mark_sky
from stdask.figures.interactive.page import Plot
from stdask.figures.maps.scales import (
    DIFFERENCES,
    HEIGHTS,
    VALUES,
    Scale,
    count_scale,
    difference_limits,
    value_limits,
)
from stdask.science.sky.healpix import INDEX_ORDER, sky_index
from stdask.stages.report.interactive.choices import SAMPLES, Interactive, stars_of
from stdask.stages.report.interactive.quantities import (
    ADAPTIVE,
    BEFORE,
    CHANGE,
    COUNT,
    HEIGHT,
    MEDIAN,
    OF_A,
    SHOWN,
    ShownQuantity,
    labels_of,
    quantities_of,
    rows_of,
)
from stdask.storage.tables import read_parquet, to_numpy

SKY = "map_all_sky"
MAPS = {"map_edge_on": ("R_GC", "Z_GC"), "map_face_on": ("X_GC", "Y_GC"), SKY: ("RA", "DEC")}  # place of a pixel
PLACES = {  # what the pointer reads of it
    "map_edge_on": (Row("R, Z [kpc]", ("R_GC", "Z_GC"), 2, ", "),),
    "map_face_on": (Row("X, Y [kpc]", ("X_GC", "Y_GC"), 2, ", "),),
    SKY: (Row("l, b [deg]", ("L", "B"), 2, ", "), Row("RA, Dec [deg]", ("RA", "DEC"), 2, ", ")),
}


@dataclass(frozen=True)
class PixelMap:
    """One map, a row a pixel that any sample fills."""

    name: str
    columns: Mapping[str, np.ndarray]  # place, and `SAMPLE/COLUMN`, NaN where a sample does not fill a pixel
    quantities: Sequence[ShownQuantity]
    samples: Sequence[str]
    new: np.ndarray  # bool, shape (n_pixels,): only the merged catalogue fills it

    def shown(self, quantity: ShownQuantity) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Yield the values of a quantity, and the stars that they are of, sample by sample."""
        column = quantity.column.replace(SHOWN, MEDIAN)  # as in the figures: a scale comes from medians of pixels
        for sample in self.samples:
            if f"{sample}/{column}" in self.columns:
                yield self.columns[f"{sample}/{column}"], self.columns[f"{sample}/{quantity.counts}"]


def map_figures(folder: Path, titles: tuple[str, str], bin_kpc: float) -> dict[str, tuple[Plot, Interactive]]:
    """Return the figures of all maps with what can be chosen in them; labels have one scale for all maps.

    Parameters
    ----------
    folder
        Of the tables.
    titles
        Of A and B; both empty for the atlas of a table of one survey.
    bin_kpc
        Width of a pixel.
    """
    maps = [one for name in MAPS if (one := _read(folder / f"{name}.parquet"))]
    return {one.name: _draw(one, folder, titles, bin_kpc, _scales(one, maps)) for one in maps}


def _read(path: Path) -> PixelMap | None:
    if not path.exists() or not (table := read_parquet(path)).num_rows:
        return None
    place = ("PIXEL",) if path.stem == SKY else MAPS[path.stem]
    # the samples of a pixel have the same numbers for its place, but for the last bits
    keys = np.stack([np.round(to_numpy(table, column).astype(float), 6) for column in place], axis=-1)
    _, first, pixels = np.unique(keys, axis=0, return_index=True, return_inverse=True)
    pixels = pixels.reshape(-1)
    columns = {name: to_numpy(table, name)[first].astype(float) for name in (*MAPS[path.stem], *place)}
    if path.stem == SKY:
        columns["L"], columns["B"] = sky_places(columns["RA"], columns["DEC"])
    columns |= _with_changes(dict(_columns(table, pixels, len(first))), labels_of(table))
    new = np.zeros(len(first), dtype=bool)
    new[pixels[to_numpy(table, "NEW").astype(bool)]] = True
    samples = [sample for sample in SAMPLES if f"{sample}/{COUNT}" in columns]
    return PixelMap(path.stem, columns, quantities_of(table), samples, new)


def _columns(table: pa.Table, pixels: np.ndarray, n_pixels: int) -> Iterator[tuple[str, np.ndarray]]:
    """Yield every column that is shown, sample by sample: NaN where the sample does not fill a pixel."""
    wanted = [name for name in table.column_names if name not in ("SAMPLE", "NEW", "PIXEL", *sum(MAPS.values(), ()))]
    for sample in SAMPLES:
        rows = pc.equal(table.column("SAMPLE"), sample).to_numpy(zero_copy_only=False)
        for name in wanted if rows.any() else ():
            values = np.full(n_pixels, np.nan)
            values[pixels[rows]] = to_numpy(table, name)[rows]
            yield f"{sample}/{name}", values


def _with_changes(columns: dict[str, np.ndarray], labels: Sequence[str]) -> dict[str, np.ndarray]:
    """Add what is drawn and what the translation changes of it; what is said of A is NaN where A has no star."""
    no_star = ~(columns.get(f"A_ONLY/{COUNT}", np.zeros(1)) > 0)
    for label in labels:
        for own in (f"{sample}/{label}" for sample in SAMPLES if f"{sample}/{label}{MEDIAN}" in columns):
            columns[f"{own}{SHOWN}"] = columns.get(f"{own}{ADAPTIVE}", columns[f"{own}{MEDIAN}"])
        for after, before in BEFORE.items():
            drawn = [columns.get(f"{sample}/{label}{SHOWN}") for sample in (after, before)]
            if drawn[0] is not None and drawn[1] is not None:
                columns[f"{after}/{label}{CHANGE}"] = drawn[0] - drawn[1]
        for name in (f"{sample}/{label}{end}" for sample in SAMPLES for end in OF_A):
            if name in columns:
                columns[name] = np.where(no_star, np.nan, columns[name])
    return columns


def _scales(one: PixelMap, maps: Sequence[PixelMap]) -> dict[str, Scale]:
    """Return the colours of each quantity of a map: the same in all maps, but for counts and heights."""
    scales = {}
    for quantity in one.quantities:
        own = [one] if quantity.name in (COUNT, HEIGHT) else maps
        shown = [pair for each in own for pair in each.shown(quantity)]
        values, stars = [pair[0] for pair in shown], [np.nan_to_num(pair[1]) for pair in shown]
        if quantity.name == COUNT:
            scales[quantity.name] = count_scale(quantity.title, values)
        elif quantity.diverging:
            scales[quantity.name] = Scale(quantity.title, difference_limits(values, stars), DIFFERENCES)
        else:
            colours = HEIGHTS if quantity.name == HEIGHT else VALUES
            scales[quantity.name] = Scale(quantity.title, value_limits(values, stars), colours)
    return scales


def _draw(
    one: PixelMap, folder: Path, titles: tuple[str, str], bin_kpc: float, scales: Mapping[str, Scale]
) -> tuple[Plot, Interactive]:
    columns, (across, up) = one.columns, MAPS[one.name]
    if one.name == SKY:
        order = _order_of(folder / f"{SKY}.parquet", columns["PIXEL"].astype(np.int64), columns["RA"], columns["DEC"])
        pixels = columns["PIXEL"].astype(np.int64)
        plot, corners, area = sky_frame(), sky_pixels(order, pixels), area_on_sky(order, pixels[one.new])
    else:
        area = area_on_plane(columns[across][one.new], columns[up][one.new], bin_kpc)
        corners = square_pixels(columns[across], columns[up], bin_kpc)
        stars = np.nansum([columns[f"{sample}/{COUNT}"] for sample in one.samples], axis=0)
        plot = galactic_frame(one.name.removeprefix("map_"), corners, stars)
    views = [view for sample in one.samples for view in _views(one, sample, titles)]
    add_pixels(plot, corners, columns, views, scales)
    add_area(plot, area)
    if one.name == SKY:
        mark_sky(plot)
    else:
        mark_galaxy(plot, one.name.removeprefix("map_"))
    return plot, Interactive(titles[0], stars_of(one.samples, titles), {q.name: q.text for q in one.quantities})


def _views(one: PixelMap, sample: str, titles: tuple[str, str]) -> Iterator[MapView]:
    """Yield one view a quantity that a sample has, with what the pointer reads on its pixels."""
    for quantity in one.quantities:
        value = f"{sample}/{quantity.column}"
        if np.isfinite(one.columns.get(value, np.nan)).any():
            rows = (*PLACES[one.name], *rows_of(quantity, sample, titles, one.columns))
            yield MapView(sample, quantity.name, value, f"{sample}/{COUNT}", rows)


def _order_of(path: Path, pixels: np.ndarray, ra_deg: np.ndarray, dec_deg: np.ndarray) -> int:
    """Return the order of HEALPix pixels whose centres are known."""
    index = sky_index(ra_deg, dec_deg)
    for order in range(INDEX_ORDER):
        if (index >> 2 * (INDEX_ORDER - order) == pixels).all():
            return order
    raise CatalogueError(f"{path}: PIXEL is not the nested HEALPix pixel of RA and DEC. Run `stdask atlas` again.")
