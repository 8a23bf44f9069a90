"""The figures of the maps: which samples stand side by side, and one scale a quantity for all of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import healpy as hp
import numpy as np

from stdask.figures.maps.galaxy import draw_maps, frame_of
from stdask.figures.maps.scales import (
    DIFFERENCES,
    HEIGHTS,
    VALUES,
    Scale,
    count_scale,
    difference_limits,
    value_limits,
)
from stdask.figures.maps.sheet import MapImage, MapRow
from stdask.figures.maps.sky import draw_sky_maps
from stdask.figures.style import MINUS, symbol, unit_of, with_unit
from stdask.science.galaxy.bins import MAPS, SKY
from stdask.science.galaxy.reach import near_stars, near_stars_on_sky
from stdask.stages.atlas.products import Products
from stdask.stages.atlas.samples import A_ONLY, ALONE, HEIGHT, MERGED, RAW_ONLY, UNTRANSLATED
from stdask.storage.documents import write_figures

REACH = 2  # pixels: a value of a larger cell is shown so far from the next star
COMPARED = {  # ending of the file -> samples before and after translation
    "_change": (RAW_ONLY, A_ONLY),
    "_untranslated": (UNTRANSLATED, MERGED),
}
Images = Mapping[str, Mapping[str, np.ndarray]]  # sample -> layer -> values, shape (n_pixels,)


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
    shown = _View(products, view, images)
    figures = {"": shown.samples()}
    figures |= {ending: shown.compared(*pair) for ending, pair in COMPARED.items() if set(pair) <= set(images)}
    if A_ONLY in images and RAW_ONLY not in images:
        figures["_a_only"] = shown.samples((A_ONLY,))
    files: list[Path] = []
    for ending, figure in figures.items():
        files += write_figures(stem.with_name(stem.name + ending), figure) if figure else []
    return files


@dataclass(frozen=True)
class _View:
    """The maps of one view, which share the frame, and with the other views the scales."""

    products: Products
    view: str
    images: Images

    def samples(self, names: tuple[str, ...] = ()) -> Any:
        """Return the figure of B alone and of the merged catalogue, or of the samples that are named."""
        names = names or tuple(name for name in (ALONE, MERGED) if name in self.images)
        counts = count_scale("stars per pixel", [self.images[MERGED]["COUNT"]])
        rows = [self._row(names, "COUNT", counts)]
        if self.view == "face_on":
            rows.append(self._row(names, HEIGHT, self._height_scale))
        rows += [self._row(names, label, self._scale(label)) for label in self.products.labels]
        return self._draw(rows, [self._title(name) for name in names])

    def compared(self, before: str, after: str) -> Any:
        """Return the figure of two samples before and after translation, and of the change."""
        rows = []
        for label in self.products.labels:
            change = self._values(after, label) - self._values(before, label)
            if np.nan_to_num(change).any():
                images = [self._image(name, label, self._scale(label)) for name in (before, after)]
                scale = Scale(f"change of {self._name(label)}", self._change_limits(label), DIFFERENCES)
                rows.append(MapRow([*images, self._masked(change, after, label, scale)]))
        titles = [self._title(before), self._title(after), "translated minus as measured\nthe same stars"]
        return self._draw(rows, titles) if rows else None

    def _row(self, names: Sequence[str], quantity: str, scale: Scale) -> MapRow:
        images = [self._image(name, quantity, scale) for name in names]
        if tuple(names) != (ALONE, MERGED):
            return MapRow(images)
        alone, merged = (np.isfinite(image.values) for image in images)
        same = np.array_equal(images[0].values, images[1].values, equal_nan=True)
        return MapRow(
            images,
            area=None if quantity == HEIGHT else merged & ~alone,
            remark="nothing added to the map on the left" if same else "",
        )

    def _image(self, sample: str, quantity: str, scale: Scale) -> MapImage:
        layers = self.images[sample]
        if quantity == "COUNT":
            counts = layers["COUNT"]
            return MapImage(self._shaped(np.where(counts > 0, counts, np.nan)), self._shaped(counts), scale)
        if quantity == HEIGHT:
            return MapImage(self._shaped(layers[HEIGHT]), self._shaped(layers["COUNT"]), scale)
        return self._masked(self._values(sample, quantity), sample, quantity, scale)

    def _values(self, sample: str, label: str) -> np.ndarray:
        return self.images[sample].get(f"{label}_ADAPTIVE", self.images[sample][f"{label}_MEDIAN"])

    def _masked(self, values: np.ndarray, sample: str, label: str, scale: Scale) -> MapImage:
        """Return the image of a label, without the parts of large cells that are far from any star."""
        stars = self.images[sample][f"N_{label}"]
        near = near_stars_on_sky(stars) if self.view == SKY else near_stars(self._shaped(stars), REACH).ravel()
        counts = self._shaped(self.images[sample]["COUNT"])
        return MapImage(self._shaped(np.where(near, values, np.nan)), counts, scale)

    def _shaped(self, values: np.ndarray) -> np.ndarray:
        return values if self.view == SKY else values.reshape(self.products.bins.grids[self.view].shape)

    def _draw(self, rows: Sequence[MapRow], titles: Sequence[str]) -> Any:
        if self.view == SKY:
            return draw_sky_maps(self.products.bins.config.sky_order, rows, titles, note=self._note)
        grid, edge_on = self.products.bins.grids[self.view], self.view == "edge_on"
        frame = frame_of(grid, self._shaped(self.images[MERGED]["COUNT"]), edge_on=edge_on)
        return draw_maps(grid, rows, titles, frame=frame, edge_on=edge_on, note=self._note)

    def _title(self, sample: str) -> str:
        return f"{self.products.titles[sample]}\n{int(self.images[sample]['COUNT'].sum()):,} stars"

    def _name(self, label: str) -> str:
        return with_unit(symbol(label), unit_of(label, self.products.units[label]))

    @cached_property
    def _height_scale(self) -> Scale:
        found = self.products.medians[HEIGHT][self.view][MERGED]
        return Scale("median $|Z|$ [kpc]", value_limits([found.medians], [found.counts]), HEIGHTS)

    def _scale(self, label: str) -> Scale:
        """Return the scale of a label, the same in all views and samples."""
        found = [own for view in MAPS for own in self.products.medians[label][view].values()]
        limits = value_limits([own.medians for own in found], [own.counts for own in found])
        return Scale(f"median {self._name(label)}", limits, VALUES)

    def _change_limits(self, label: str) -> tuple[float, float]:
        """Return the limits of the changes of a label, the same in all views and samples."""
        views = [self.products.medians[label][view] for view in MAPS]
        pairs = [(own[before], own[after]) for own in views for before, after in COMPARED.values() if before in own]
        changes = [after.medians - before.medians for before, after in pairs]
        return difference_limits(changes, [after.counts for _, after in pairs])

    @property
    def _note(self) -> str:
        """What the maps are of, in words."""
        config = self.products.bins.config
        limit = f" at $|Z|$ < {config.face_on_height_kpc:g} kpc" if self.view == "face_on" else ""
        chosen = ", ".join(selected_in_words(self.products))
        pixel, unit = config.bin_kpc, " kpc"
        reach = f"no further than {REACH * pixel:g} kpc from a star"
        if self.view == SKY:
            pixel, unit = round(float(np.degrees(hp.nside2resol(1 << config.sky_order))), 1), "\N{DEGREE SIGN}"
            reach = "in pixels with stars and next to them"
        stars = f"Stars with {chosen}" if chosen else "All stars"
        return (
            f"{stars}{limit}. Pixels of {pixel:g}{unit}. Medians are of the smallest square of 1, 2, 4 or 8 pixels "
            f"across with at least {config.min_stars_pixel} stars, shown {reach}."
        )


def selected_in_words(products: Products) -> list[str]:
    """Return which stars were taken, with symbols as figures write them."""
    config = products.bins.config
    words = [f"{low:g} < {symbol(name)} < {high:g}" for name, (low, high) in config.select.items()]
    if config.alpha != "all":
        metallicity, abundance = map(symbol, products.selection.alpha)
        (level, slope), side = config.alpha_line, "above" if config.alpha == "high" else "below"
        words.append(f"{abundance} {side} {level:g} {slope:+g} {metallicity}".replace("-", MINUS))
    return words
