"""One view of the Galaxy or of the sky: its images, the scales it shares with the others, and what is written on it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import healpy as hp
import numpy as np

from stdask.figures.maps.galaxy import draw_maps, frame_of
from stdask.figures.maps.scales import (
    DIFFERENCES,
    ERRORS,
    HEIGHTS,
    VALUES,
    Scale,
    count_scale,
    difference_limits,
    error_limits,
    value_limits,
)
from stdask.figures.maps.sheet import MapImage, MapRow
from stdask.figures.maps.sky import draw_sky_maps
from stdask.figures.style import MINUS, symbol, unit_of, with_unit
from stdask.science.galaxy.bins import MAPS, SKY
from stdask.science.galaxy.excess import SMOOTHING_KPC, smooth_errors
from stdask.science.galaxy.reach import near_stars, near_stars_on_sky
from stdask.stages.atlas.products import Products
from stdask.stages.atlas.samples import BEFORE, HEIGHT, MERGED

RADIUS_SYMBOLS = {"R": "$R$", "R_GUIDE": r"$R_{\rm guide}$"}
REACH = 2  # pixels: a value of a larger cell is shown so far from the next star
Images = Mapping[str, Mapping[str, np.ndarray]]  # sample -> layer -> values, shape (n_pixels,)


@dataclass(frozen=True)
class GalacticView:
    """The layers of one view; its figures share the frame, and with those of the other views the scales."""

    products: Products
    name: str  # one of `MAPS`
    images: Images

    def counts(self, sample: str) -> MapImage:
        """Return the map of the stars in each pixel."""
        counts = self._shaped(self.images[sample]["COUNT"])
        scale = count_scale("stars per pixel", [self.images[MERGED]["COUNT"]])
        return MapImage(np.where(counts > 0, counts, np.nan), counts, scale)

    def heights(self, sample: str) -> MapImage:
        """Return the map of the median |Z|."""
        found = self.products.medians[HEIGHT][self.name][MERGED]
        scale = Scale("median $|Z|$ [kpc]", value_limits([found.medians], [found.counts]), HEIGHTS)
        layers = self.images[sample]
        return MapImage(self._shaped(layers[HEIGHT]), self._shaped(layers["COUNT"]), scale)

    def medians(self, sample: str, label: str) -> MapImage:
        """Return the map of the medians of a label in adaptive pixels."""
        found = [own for view in MAPS for own in self.products.medians[label][view].values()]
        limits = value_limits([own.medians for own in found], [own.counts for own in found])
        scale = Scale(f"median {self._name(label)}", limits, VALUES)
        return self._near(self.images[sample][f"{label}_ADAPTIVE"], sample, label, scale)

    def errors(self, sample: str, label: str) -> MapImage:
        """Return the map of the errors of these medians."""
        errors = self.images[MERGED][f"{label}_ADAPTIVE_ERR"]
        scale = Scale(f"error {self._name(label)}", error_limits([errors], [np.ones(errors.shape)]), ERRORS)
        return self._near(self.images[sample][f"{label}_ADAPTIVE_ERR"], sample, label, scale)

    def shares(self, sample: str) -> MapImage:
        """Return the map of the share of high-alpha stars."""
        shares, counts = (self._shaped(self.images[sample][name]) for name in ("HIGH_ALPHA", "COUNT"))
        return MapImage(shares, counts, Scale(r"share of high-$\alpha$ stars", (0.0, 1.0), VALUES))

    def change(self, before: str, after: str, label: str) -> MapImage:
        """Return the map of what the translation changes: the difference of two maps of medians."""
        views = [self.products.medians[label][view] for view in MAPS]
        pairs = [(own[first], own[then]) for own in views for then, first in BEFORE.items() if first in own]
        changes = [then.medians - first.medians for first, then in pairs]
        limits = difference_limits(changes, [then.counts for _, then in pairs])
        scale = Scale(f"change {self._name(label)}", limits, DIFFERENCES)
        values = [self.images[sample][f"{label}_ADAPTIVE"] for sample in (before, after)]
        return self._near(values[1] - values[0], after, label, scale)

    def excess(self, sample: str, label: str) -> tuple[MapImage, MapImage, MapImage]:
        """Return the maps of the excess over the radial trend, of the same smoothed, and of its error."""
        layers = self.images[sample]
        stars, counts = layers[f"N_{label}"], self._shaped(layers["COUNT"])
        plain, smooth, errors = (self._shaped(layers[f"{label}_EXCESS{ending}"]) for ending in ("", "_SMOOTH", "_ERR"))
        sigma = SMOOTHING_KPC / self.products.bins.config.bin_kpc
        own = smooth_errors(errors, self._shaped(stars), sigma)
        errors_off = np.divide(smooth, own, where=own > 0, out=np.full(own.shape, np.nan))
        # the scale is that of the smooth map: one as wide as the noise of single pixels would show nothing else
        scale = Scale(f"excess {self._name(label)}", difference_limits([smooth], [stars]), DIFFERENCES)
        of_errors = Scale(f"error {self._name(label)}", error_limits([errors], [np.isfinite(errors)]), ERRORS)
        return (
            MapImage(plain, counts, scale),
            MapImage(smooth, counts, scale, errors_off=errors_off),
            MapImage(errors, counts, of_errors),
        )

    def draw(self, rows: Sequence[MapRow], titles: Sequence[str], note: str) -> Any:
        """Return the figure of some rows of maps; `note` is written below, after the selection and the pixels."""
        config = self.products.bins.config
        note = f"{self._selection} {note}"
        if self.name == SKY:
            return draw_sky_maps(config.sky_order, rows, titles, note=note)
        grid, edge_on = self.products.bins.grids[self.name], self.name == "edge_on"
        frame = frame_of(grid, self._shaped(self.images[MERGED]["COUNT"]), edge_on=edge_on)
        return draw_maps(
            grid, rows, titles, frame=frame, edge_on=edge_on, note=note, radius=RADIUS_SYMBOLS[config.radius]
        )

    def title(self, sample: str) -> str:
        """Return the name of a sample and the number of its stars."""
        return f"{self.products.titles[sample]}\n{self.n_stars(sample)}"

    def n_stars(self, sample: str) -> str:
        """Return the number of stars on the maps of a sample, in words."""
        return f"{int(self.images[sample]['COUNT'].sum()):,} stars"

    @property
    def adaptive_note(self) -> str:
        """How large the cells of adaptive maps are."""
        config = self.products.bins.config
        reach = f"no further than {REACH * config.bin_kpc:g} kpc from a star"
        if self.name == SKY:
            reach = "in pixels with stars and next to them"
        return (
            "Medians are of the smallest square of 1, 2, 4 or 8 pixels across with at least "
            f"{config.min_stars_pixel} stars, shown {reach}."
        )

    @cached_property
    def _selection(self) -> str:
        config = self.products.bins.config
        limit = f" at $|Z|$ < {config.face_on_height_kpc:g} kpc" if self.name == "face_on" else ""
        chosen = ", ".join(selected_in_words(self.products))
        pixel = f"{config.bin_kpc:g} kpc"
        if self.name == SKY:
            pixel = f"{np.degrees(hp.nside2resol(1 << config.sky_order)):.1f}\N{DEGREE SIGN}"
        guided = " Stars are placed at their guiding radius." if config.radius == "R_GUIDE" and self.name != SKY else ""
        weighted = f" Weighted by {config.weight}." if config.weight else ""
        return f"{f'Stars with {chosen}' if chosen else 'All stars'}{limit}.{guided}{weighted} Pixels of {pixel}."

    def _near(self, values: np.ndarray, sample: str, label: str, scale: Scale) -> MapImage:
        """Return an image without the parts of large cells that are far from any star."""
        stars, counts = (self._shaped(self.images[sample][name]) for name in (f"N_{label}", "COUNT"))
        near = near_stars_on_sky(stars) if self.name == SKY else near_stars(stars, REACH)
        known = f"{stars.sum():,} with {symbol(label)}" if stars.sum() < counts.sum() else ""
        return MapImage(np.where(near, self._shaped(values), np.nan), counts, scale, remark=known)

    def _shaped(self, values: np.ndarray) -> np.ndarray:
        return values if self.name == SKY else values.reshape(self.products.bins.grids[self.name].shape)

    def _name(self, label: str) -> str:
        return with_unit(symbol(label), unit_of(label, self.products.units[label]))


def selected_in_words(products: Products) -> list[str]:
    """Return which stars were taken, with symbols as figures write them."""
    config = products.bins.config
    words = [f"{low:g} < {symbol(name)} < {high:g}" for name, (low, high) in config.select.items()]
    return words + ([] if config.alpha == "all" else [sequence_in_words(products, config.alpha)])


def sequence_in_words(products: Products, sequence: str) -> str:
    """Return which stars are of the `low` or the `high` sequence of alpha elements, with symbols."""
    metallicity, abundance = map(symbol, products.selection.alpha)
    (level, slope), side = products.bins.config.alpha_line, "above" if sequence == "high" else "below"
    return f"{abundance} {side} {level:g} {'+' if slope > 0 else MINUS} {abs(slope):g} {metallicity}"
