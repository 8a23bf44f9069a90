"""The tables of closure: translations of different surveys, compared on the stars that these share."""

from dataclasses import dataclass, field

from stdask.schema.rows import column

OUTSIDE_B, INSIDE_B = "not in B", "in B"
SAMPLES = (
    "not in B: stars that B does not have, so that no network was trained on them; in B: stars that B has too, of "
    "which most are training stars"
)
EVERYWHERE = "all"  # of `by`, and of the only bin then
DOMAIN_INDEX, LATITUDE, RADIUS, SKY, SIGNAL = "domain index", "b", "R", "sky", "S/N"


@dataclass(frozen=True)
class PairRow:
    """First columns of tables with rows for every two surveys and label."""

    first: str = column("Survey that is compared")
    second: str = column("Survey that it is compared with, of lower precedence in the merged catalogue")
    label: str = column("Label of B")
    sample: str = column(SAMPLES)


@dataclass(frozen=True)
class ClosureRow(PairRow):
    """How the translations of two surveys agree in a bin (`closure`)."""

    unit: str = column(
        "Unit of offset, error_of_stars, error_of_networks, scatter, expected, raw_offset, raw_scatter and their errors"
    )
    by: str = column(
        "What the stars are sorted by: all; a label, the inverse-variance mean of both translations; domain index, the "
        "larger of both; b, the Galactic latitude; R, the galactocentric radius; sky, cells of HEALPix (Nside 2, "
        "nested, equatorial); S/N of a survey"
    )
    bin: str = column("The bin, in words")
    low: float = column("Lower edge of the bin, in the unit of what the stars are sorted by; number of a cell")
    high: float = column("Upper edge of the bin")
    middle: float = column("Median of the stars in the bin")
    n: int = column("Stars")
    offset: float = column("Median of translated first survey minus translated second survey", in_unit=True)
    offset_err: float = column(
        "1-sigma error of offset: error_of_stars and error_of_networks in quadrature", in_unit=True
    )
    error_of_stars: float = column(
        "Part of offset_err that comes from the number of stars, from bootstraps", in_unit=True
    )
    error_of_networks: float = column(
        "Part of offset_err by the networks of both surveys; NaN with fewer than two networks",
        in_unit=True,
    )
    scatter: float = column("Robust standard deviation of the differences, 1.4826 MAD", in_unit=True)
    scatter_err: float = column("1-sigma bootstrap error of scatter", in_unit=True)
    expected: float = column(
        "The same standard deviation if the errors of the stars are right: those are PRED_SIGMA without the noise of B "
        "(`noise_of_b` of the table `excess`)",
        in_unit=True,
    )
    pull: float = column("Robust standard deviation of the differences in units of their errors: 1 if these are right")
    pull_err: float = column("1-sigma bootstrap error of pull")
    raw_offset: float = column("Offset of the values as both surveys measured them, not translated", in_unit=True)
    raw_offset_err: float = column("1-sigma bootstrap error of raw_offset", in_unit=True)
    raw_scatter: float = column("Scatter of the values as both surveys measured them", in_unit=True)


@dataclass(frozen=True)
class MatrixRow(PairRow):
    """How the translations of two surveys agree, all stars together (`matrix`)."""

    unit: str = column("Unit of offset, scatter, expected, excess, raw_offset, raw_scatter and their errors")
    n: int = column("Stars")
    n_common: int = column(
        "Stars that both surveys have and that can be used; of more than 20 000, that many drawn at random"
    )
    offset: float = column("Median of translated first survey minus translated second survey", in_unit=True)
    offset_err: float = column("1-sigma error of offset", in_unit=True)
    significance: float = column("offset in units of its error")
    scatter: float = column("Robust standard deviation of the differences, 1.4826 MAD", in_unit=True)
    expected: float = column("The same standard deviation if the errors of the stars are right", in_unit=True)
    excess: float = column(
        "Scatter that the errors do not explain: square root of scatter^2 - expected^2, 0 if that is negative",
        in_unit=True,
    )
    correlation: float = column(
        "Correlation of the errors of both surveys with which they foresee the scatter; 0 if this is not smaller than "
        "expected"
    )
    pull: float = column("Robust standard deviation of the differences in units of their errors")
    pull_err: float = column("1-sigma bootstrap error of pull")
    raw_offset: float = column("Offset of the values as both surveys measured them, not translated", in_unit=True)
    raw_scatter: float = column("Scatter of the values as both surveys measured them", in_unit=True)


@dataclass(frozen=True)
class ExcessRow:
    """What the errors of a translated survey lack, by comparison with the other surveys (`excess`)."""

    survey: str = column("Translated survey")
    label: str = column("Label of B")
    unit: str = column("Unit of excess and noise_of_b")
    excess: float = column(
        "1-sigma error to add to the errors of its stars in quadrature: half of the excess variance of every two "
        "surveys, mean over the other surveys. Of stars that are not in B; NaN if there are too few",
        in_unit=True,
    )
    n_others: int = column("Other surveys that it was compared with")
    noise_of_b: float = column(
        "Noise of B that was taken out of PRED_SIGMA: its median stated error among the stars that both have; 0 if B "
        "states none, or more than PRED_SIGMA",
        in_unit=True,
    )


@dataclass(frozen=True)
class ClosureTables:
    """The tables of closure, each in a file of its name."""

    closure: list[ClosureRow] = field(default_factory=list)
    matrix: list[MatrixRow] = field(default_factory=list)
    excess: list[ExcessRow] = field(default_factory=list)
