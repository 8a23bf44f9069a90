"""What the atlas writes: everything goes through here, so that each product says alike where it comes from."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from stdask import schema
from stdask.science.galaxy.bins import TREND, GalacticBins
from stdask.science.galaxy.errors import Population, noise_shift, population_shift, total_errors
from stdask.science.galaxy.excess import Trend
from stdask.science.galaxy.galactocentric import SUN_X_KPC, SUN_Z_KPC
from stdask.stages.atlas.samples import A_ONLY, ALONE, HEIGHT, HIGH_ALPHA, MERGED, RAW_ONLY, Selection
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
    populations: Mapping[str, Population] = field(default_factory=dict)  # label -> for stars unlike the pairs

    @property
    def bins(self) -> GalacticBins:
        """Every bin of the atlas."""
        return self.selection.bins

    @property
    def samples(self) -> tuple[str, ...]:
        """Samples that have maps, in the order they are shown."""
        return tuple(self.titles)

    @property
    def has_sequences(self) -> bool:
        """Whether it is known of any star which sequence it is of."""
        return HIGH_ALPHA in self.medians and bool(self.medians[HIGH_ALPHA]["edge_on"][MERGED].counts.any())

    @property
    def pairs(self) -> dict[str, tuple[str, ...]]:
        """Samples that figures show side by side, by what is added to the name of the file."""
        if MERGED not in self.titles or ALONE not in self.titles:
            return {"": self.samples}
        of_a = {"_untranslated": (RAW_ONLY, A_ONLY)} if RAW_ONLY in self.titles else {"_a_only": (A_ONLY,)}
        return {"": (ALONE, MERGED), **of_a}

    @property
    def selected(self) -> list[str]:
        """Which stars were taken, and how they count, in words."""
        config = self.bins.config
        words = [f"{low:g} < {name} < {high:g}" for name, (low, high) in config.select.items()]
        if config.alpha != "all":
            metallicity, abundance = self.selection.alpha
            sign, (level, slope) = ">" if config.alpha == "high" else "<=", config.alpha_line
            words.append(f"{abundance} {sign} {level:g} {slope:+g} {metallicity}")
        words += ["R is the guiding radius"] if config.radius != "R" else []
        words += [f"weighted by {config.weight}"] if config.weight else []
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
            "radius": config.radius,
            "weight": config.weight or "none",
            "n_bootstraps": config.n_bootstraps,
            "sun_x_kpc": SUN_X_KPC,
            "sun_z_kpc": SUN_Z_KPC,
        }

    def errors_of(self, label: str, product: str, sample: str) -> dict[str, np.ndarray]:
        """Return the errors of the medians of a label in a sample, by what is added to the name of the label."""
        found = self.medians[label][product][sample]
        errors = {
            "TRANSLATION": translation_errors(found),
            "NOISE": noise_errors(found),
            "NOISE_SHIFT": noise_shift(found.medians, found.noisy),
            "POPULATION": self._population(label, product, sample),
        }
        # Measured values scatter by their noise already, and so do bands: of NOISE only the shift is an error more.
        total = total_errors(
            (found.high - found.low) / 2,
            errors["TRANSLATION"],
            errors["NOISE_SHIFT"],
            errors["NOISE"],
            errors["POPULATION"],
        )
        return errors | {"TOTAL": total}

    def trend(self, label: str, sample: str) -> Trend:
        """Return the radial trend of a label in a sample, at all heights that have profiles."""
        bins = self.bins.profiles[TREND]
        found, heights = (self.medians[quantity][TREND][sample] for quantity in (label, HEIGHT))
        arrays = (found.medians, (found.high - found.low) / 2, heights.medians)
        return Trend(bins.windows, self.bins.config.height_edges_kpc, *(own.reshape(bins.shape) for own in arrays))

    def _population(self, label: str, product: str, sample: str) -> np.ndarray:
        samples = self.medians[label][product]
        found = samples[sample]
        if sample not in (MERGED, A_ONLY) or A_ONLY not in samples or label not in self.populations:
            return np.full(len(found.medians), np.nan, dtype=np.float32)
        of_a = samples[A_ONLY]
        shares = of_a.counts / np.maximum(found.counts, 1)
        medians = np.where(np.isfinite(of_a.medians), of_a.medians, found.medians)
        return np.where(
            np.isfinite(found.medians), population_shift(medians, shares, self.populations[label]), np.nan
        ).astype(np.float32)


def translation_errors(found: Statistics) -> np.ndarray:
    """Return the error of the translation, shape (n_bins,): the scatter of medians of networks, drawn apart.

    NaN without networks.
    """
    return _scatter(found.members)


def noise_errors(found: Statistics) -> np.ndarray:
    """Return how far medians scatter when all stars move within their errors, shape (n_bins,), ddof 1."""
    return _scatter(found.noisy)


def _scatter(medians: np.ndarray) -> np.ndarray:
    if len(medians) < 2:
        return np.full(medians.shape[-1], np.nan, dtype=np.float32)
    return np.std(medians, axis=0, ddof=1)
