"""What the atlas writes: everything goes through here, so that each product says alike where it comes from."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from stdask import schema
from stdask.science.galaxy.bins import GalacticBins
from stdask.science.galaxy.galactocentric import SUN_X_KPC, SUN_Z_KPC
from stdask.stages.atlas.samples import ALONE, MERGED, UNTRANSLATED, Selection
from stdask.stages.atlas.tasks import Statistics


@dataclass(frozen=True)
class Products:
    """Everything that the maps, profiles and tables of one atlas are made of."""

    folder: Path
    selection: Selection
    medians: Mapping[str, Mapping[str, Mapping[str, Statistics]]]  # quantity -> product -> sample
    labels: tuple[str, ...]  # those that a selected star has
    units: Mapping[str, str]  # of the labels
    titles: Mapping[str, str]  # sample -> what it is called in figures
    provenance: Mapping[str, str | int]  # what the products come from

    @property
    def bins(self) -> GalacticBins:
        """Every bin of the atlas."""
        return self.selection.bins

    @property
    def samples(self) -> tuple[str, ...]:
        """Samples that have maps, in the order they are shown."""
        return tuple(self.titles)

    @property
    def pairs(self) -> dict[str, tuple[str, ...]]:
        """Samples that figures show side by side, by what is added to the name of the file."""
        if MERGED not in self.titles or ALONE not in self.titles:
            return {"": self.samples}
        others = tuple(name for name in self.samples if name not in (ALONE, MERGED))
        extra = {"_untranslated" if UNTRANSLATED in others else "_a_only": others} if others else {}
        return {"": (ALONE, MERGED), **extra}

    @property
    def selected(self) -> list[str]:
        """Which stars were taken, in words."""
        config = self.bins.config
        words = [f"{low:g} < {name} < {high:g}" for name, (low, high) in config.select.items()]
        if config.alpha != "all":
            metallicity, abundance = self.selection.alpha
            sign, (level, slope) = ">" if config.alpha == "high" else "<=", config.alpha_line
            words.append(f"{abundance} {sign} {level:g} {slope:+g} {metallicity}")
        return words

    def unit(self, label: str) -> str:
        """Return the unit that a label is written in."""
        return schema.quantity(label, self.units[label]).unit

    def meta(self) -> dict[str, object]:
        """Return what a table says of itself."""
        config = self.bins.config
        return {
            **self.provenance,
            "seed": self.selection.seed,
            "select": self.selected,
            "n_bootstraps": config.n_bootstraps,
            "sun_x_kpc": SUN_X_KPC,
            "sun_z_kpc": SUN_Z_KPC,
        }


def translation_errors(found: Statistics) -> np.ndarray:
    """Return how far the medians of single networks scatter, shape (n_bins,), ddof 1; NaN without networks."""
    return _scatter(found.members)


def noise_errors(found: Statistics) -> np.ndarray:
    """Return how far medians move when all stars move within their errors, shape (n_bins,), ddof 1."""
    return _scatter(found.noisy)


def _scatter(medians: np.ndarray) -> np.ndarray:
    if len(medians) < 2:
        return np.full(medians.shape[-1], np.nan, dtype=np.float32)
    return np.std(medians, axis=0, ddof=1)
