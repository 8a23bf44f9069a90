"""What the atlas takes medians of: quantities, the samples of stars it compares, and the parts these are made of."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from stdask import schema
from stdask.config.atlas import ABUNDANCES, METALLICITIES, AtlasConfig
from stdask.config.run import Run
from stdask.science.galaxy.bins import CELLS, MAPS, PROFILES, STEPS, TREND, GalacticBins
from stdask.stages.atlas.sources import StarSource

MAPPED = (*METALLICITIES, *ABUNDANCES)
HEIGHT = "HEIGHT"  # |Z|, which every star on the maps has: its counts are those of the stars
HIGH_ALPHA = "HIGH_ALPHA"  # 1 above the line between the two sequences, 0 below: medians are shares
FLARE = "flare_steps"
OF_B, OF_A, RAW = "B", "A", "RAW"  # values of B; of A on the scale of B; of A as A measured them
OWN_OF_B = "B_OWN"  # values of B itself, where the catalogue has means of them and of translations
OF_B_ALONE = "B_ALONE"  # values of B for stars that are not in A
ALONE, MERGED, UNTRANSLATED = "ALONE", "MERGED", "UNTRANSLATED"
A_ONLY, RAW_ONLY = "A_ONLY", "RAW_ONLY"
BEFORE = {MERGED: UNTRANSLATED, A_ONLY: RAW_ONLY}  # sample -> the same stars before translation
B_INDEPENDENT = "B_INDEPENDENT"  # in cells alone: the stars of B that are not in A
SAMPLES: Mapping[str, tuple[str, ...]] = {
    ALONE: (OF_B,),
    MERGED: (OF_B, OF_A),
    UNTRANSLATED: (OF_B, RAW),
    A_ONLY: (OF_A,),
    RAW_ONLY: (RAW,),
    B_INDEPENDENT: (OF_B_ALONE,),
}
MEANINGS = {
    ALONE: "survey B alone",
    MERGED: "B, and A on the scale of B",
    UNTRANSLATED: "B, and A as it measured its stars",
    A_ONLY: "A on the scale of B, without the stars of B",
    RAW_ONLY: "A as it measured its stars, without the stars of B",
}


@dataclass(frozen=True)
class SurveyPair:
    """The two surveys of a run, as the atlas shows them."""

    names: tuple[str, str]  # of A and B
    own_title: str  # of A
    titles: tuple[str, str]  # of A together with the further surveys of the merge, and of B
    units: Mapping[str, str]  # label that B measures -> unit
    counterparts: Mapping[str, str]  # label that A is translated to -> column of A, empty if A has none

    @classmethod
    def of(cls, run: Run) -> "SurveyPair":
        """Return the surveys of a run."""
        a, b = run.definition_a, run.definition_b
        counterparts = {item.label: item.source or "" for item in run.config.train.intrinsic}
        units = {name: label.unit for name, label in b.labels.items()}
        return cls((a.name, b.name), a.title, run.merged_titles, units, counterparts)

    def labels(self, names: Sequence[str]) -> list[str]:
        """Return those of some labels that B measures: first those that A is translated to."""
        return sorted((name for name in names if name in self.units), key=lambda name: name not in self.counterparts)


@dataclass(frozen=True)
class Selection:
    """The stars, bins and values of an atlas, which all its tasks share."""

    source: StarSource
    bins: GalacticBins
    labels: tuple[str, ...]
    alpha: tuple[str, ...]  # the metallicity and the abundance ratio that tell the two sequences apart, if known
    survey_b: str  # empty: all stars are of one survey
    knows_pairs: bool  # whether the source tells which stars are in both surveys
    n_members: int  # networks whose own values the source has
    member_factor: float  # from their scatter to the error that the choice of the pairs causes
    folder: Path  # of the keys
    seed: int
    of_means: bool = False  # whether values are means over the surveys that have a star

    @property
    def config(self) -> AtlasConfig:
        """The settings of the stage."""
        return self.bins.config

    @property
    def quantities(self) -> tuple[str, ...]:
        """What medians are taken of: |Z|, the labels, their errors where there are some, and the sequence of a star."""
        errors = [f"{label}_ERR" for label in self.labels if f"{label}_ERR" in self.source.columns]
        return (HEIGHT, *self.labels, *errors, *([HIGH_ALPHA] if self.alpha and self.config.alpha == "all" else []))

    def products(self, quantity: str) -> tuple[str, ...]:
        """Return the products that a quantity is shown in."""
        if quantity in self.labels:
            return (*MAPS, *PROFILES, TREND, *(steps for steps in STEPS if steps != FLARE), CELLS)
        further = {HEIGHT: (TREND, FLARE), HIGH_ALPHA: PROFILES}
        return (*MAPS, *further.get(quantity, ()))

    def samples(self, quantity: str, product: str) -> dict[str, tuple[str, ...]]:
        """Return the samples compared, each with the parts it is put together from."""
        if not self.survey_b:
            return {MERGED: (OF_B,)}
        wanted = [ALONE, MERGED, UNTRANSLATED, A_ONLY, RAW_ONLY]
        if product == CELLS and self.knows_pairs:
            wanted.append(B_INDEPENDENT)
        if product in STEPS:  # slopes are fitted to the medians of each survey
            wanted = [ALONE, A_ONLY, RAW_ONLY]
        raw = any(f"{label}_RAW" in self.source.columns for label in self.labels)
        samples = {name: parts for name, parts in SAMPLES.items() if name in wanted and (raw or RAW not in parts)}
        if self.of_means and quantity in (*self.labels, HIGH_ALPHA):  # B without translations is B's own value
            alone = {name: parts for name, parts in samples.items() if name in (ALONE, UNTRANSLATED)}
            samples |= {name: tuple(OWN_OF_B if part == OF_B else part for part in own) for name, own in alone.items()}
        if quantity not in (*self.labels, HIGH_ALPHA):  # where a star lies does not change when labels are translated
            return {name: tuple(OF_A if part == RAW else part for part in parts) for name, parts in samples.items()}
        return samples

    def members(self, quantity: str, product: str) -> tuple[str, ...]:
        """Return the parts that hold what one network alone gives for the stars of A."""
        wanted = self.config.translation_errors and quantity in self.labels and bool(self.survey_b) and product != TREND
        names = [f"MEMBER_{k}" for k in range(1, self.n_members + 1)] if wanted else []
        return tuple(name for name in names if f"{quantity}_{name}" in self.source.columns)

    @property
    def n_noisy(self) -> int:
        """How often all stars are moved within their errors."""
        return self.config.n_noisy if self.config.translation_errors else 0

    def noisy(self, quantity: str, product: str) -> tuple[str, ...]:
        """Return the parts that are moved within the errors: the values on one scale, where an error is known."""
        known = {f"{quantity}_ERR", schema.DISTANCE[1].name} & self.source.columns
        if not self.n_noisy or not known or product not in (*PROFILES, *STEPS) or quantity == HIGH_ALPHA:
            return ()
        return (OF_B, OF_A) if self.survey_b else (OF_B,)

    def sequence_columns(self, part: str) -> tuple[str, ...]:
        """Return the columns that tell the sequence of stars: samples where there are some, which scatter as in B."""
        own = [f"{label}_RAW" if part == RAW else schema.sample_name(label) for label in self.alpha]
        return tuple(own) if part == RAW or set(own) <= self.source.columns else self.alpha

    def parts(self, quantity: str, product: str) -> tuple[str, ...]:
        """Return all parts that a product of a quantity needs, as they were measured."""
        needed = [part for parts in self.samples(quantity, product).values() for part in parts]
        return (*dict.fromkeys(needed), *self.members(quantity, product))


def noisy_part(number: int, part: str) -> str:
    """Return what a part is called in one of the realisations of noise."""
    return f"NOISY_{number} {part}"


def key_name(product: str, quantity: str, part: str) -> str:
    """Return what keys are called in their files."""
    return f"{product} {quantity} {part}"
