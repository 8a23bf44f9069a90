"""The tables of validate: a row of each."""

from dataclasses import dataclass, field

from stdask.schema.evaluation import FamilyRow, LabelRow
from stdask.schema.rows import column


@dataclass(frozen=True)
class MissingRow(LabelRow):
    """The test stars without one of their inputs (`missing`)."""

    unit: str = column("Unit of half_width, sigma and mae")
    of: str = column("What the values are compared with: B or truth")
    deleted: str = column("Input that was deleted from every star, or none")
    filled_by: str = column("complete: nothing deleted; drawn: Monte Carlo draws; mean: mean of the training stars")
    n: int = column("Test stars")
    half_width: float = column("Median of half of the 16-84 % range of the draws", in_unit=True)
    sigma: float = column("Median calibrated error, PRED_SIGMA", in_unit=True)
    mae: float = column("Mean absolute error", in_unit=True)
    errors_cover_68: float = column("Share of the stars within the 68 % interval of the calibrated error")
    errors_cover_68_err: float = column("1-sigma binomial error of errors_cover_68")
    errors_cover_90: float = column("Share of the stars within the 90 % interval of the calibrated error")
    errors_cover_90_err: float = column("1-sigma binomial error of errors_cover_90")
    draws_cover_68: float = column("Share of the stars within the 16th to 84th percentile of the draws")
    draws_cover_68_err: float = column("1-sigma binomial error of draws_cover_68")
    draws_cover_90: float = column("Share of the stars within the 5th to 95th percentile of the draws")
    draws_cover_90_err: float = column("1-sigma binomial error of draws_cover_90")


@dataclass(frozen=True)
class ShiftRow(FamilyRow):
    """How often the domain of validity recognises a wrong input (`domain`)."""

    shifted: str = column("Input that was shifted in every test star, or nothing")
    by: float = column("Size of the shift", in_unit=True)
    unit: str = column("Unit of by")
    n: int = column("Test stars")
    index_catches: float = column("Share of the stars with a domain index above 1")
    index_catches_err: float = column("1-sigma binomial error of index_catches")
    bitmask_catches: float = column("Share of the stars outside the bins of the training stars")
    bitmask_catches_err: float = column("1-sigma binomial error of bitmask_catches")
    named_if_caught: float = column("Share of those with an index above 1 whose worst pair names the shifted input")
    named_if_caught_err: float = column("1-sigma binomial error of named_if_caught")


@dataclass(frozen=True)
class IndexRow(LabelRow):
    """Residuals of the test stars in a bin of the domain index (`domain_residuals`)."""

    unit: str = column("Unit of mae, robust and their errors")
    of: str = column("What the values are compared with: B or truth")
    index_from: float = column("Lower edge of the bin of the domain index")
    index_to: float = column("Upper edge of the bin of the domain index")
    n: int = column("Test stars in the bin")
    mae: float = column("Mean absolute error", in_unit=True)
    mae_err: float = column("1-sigma bootstrap error of mae", in_unit=True)
    robust: float = column("Robust standard deviation, 1.4826 MAD", in_unit=True)
    robust_err: float = column("1-sigma bootstrap error of robust", in_unit=True)


@dataclass(frozen=True)
class VelocityRow(LabelRow):
    """Raw or translated velocities compared with B, or the truth (`velocities`)."""

    unit: str = column("Unit of bias, std, robust and their errors")
    of: str = column("What the velocities are compared with: B or truth")
    stars: str = column("Which test stars")
    method: str = column("raw: of A; translated")
    n: int = column("Test stars")
    bias: float = column("Mean of velocity minus expected velocity", in_unit=True)
    bias_err: float = column("1-sigma bootstrap error of bias", in_unit=True)
    std: float = column("Standard deviation of velocity minus expected velocity", in_unit=True)
    std_err: float = column("1-sigma bootstrap error of std", in_unit=True)
    robust: float = column("Robust standard deviation, 1.4826 MAD", in_unit=True)
    robust_err: float = column("1-sigma bootstrap error of robust", in_unit=True)
    std_to_raw: float = column("std divided by that of raw velocities, same stars; NaN for raw")
    std_to_raw_err: float = column("1-sigma error of std_to_raw from a paired bootstrap")
    robust_to_raw: float = column("robust divided by that of raw velocities, same stars; NaN for raw")
    robust_to_raw_err: float = column("1-sigma error of robust_to_raw from a paired bootstrap")


@dataclass(frozen=True)
class ClusterRow:
    """A label of a cluster whose stars trained no network (`clusters`)."""

    cluster: str = column("Name of the cluster")
    label: str = column("Label of B")
    unit: str = column("Unit of the means and standard deviations")
    n: int = column("Members in both surveys")
    b_mean: float = column("Mean of B", in_unit=True)
    b_std: float = column("Standard deviation of B", in_unit=True)
    a_mean: float = column("Mean of raw A; NaN where A has no such label", in_unit=True)
    a_std: float = column("Standard deviation of raw A", in_unit=True)
    a_shift: float = column("Mean of raw A minus B in units of its error")
    translated_mean: float = column("Mean of the translation", in_unit=True)
    translated_std: float = column("Standard deviation of the translation", in_unit=True)
    translated_shift: float = column("Mean of translation minus B in units of its error")


@dataclass(frozen=True)
class RoundtripRow(LabelRow):
    """Test stars translated to B and back to A, compared with A (`roundtrip`)."""

    unit: str = column("Unit of mae, robust, their errors and stated_error_of_a")
    way: str = column("A to B to A: translated and back; B to A: B itself, back")
    n: int = column("Test stars")
    mae: float = column("Mean absolute error", in_unit=True)
    mae_err: float = column("1-sigma bootstrap error of mae", in_unit=True)
    robust: float = column("Robust standard deviation, 1.4826 MAD", in_unit=True)
    robust_err: float = column("1-sigma bootstrap error of robust", in_unit=True)
    stated_error_of_a: float = column("Median of the 1-sigma errors that A states", in_unit=True)


@dataclass(frozen=True)
class TriangleRow(LabelRow):
    """Test stars translated to B, directly and through another translated survey (`triangle`)."""

    unit: str = column("Unit of bias, robust, mae and their errors")
    way: str = column(
        "A to B, and A to another survey to B: minus B; through another survey minus direct: of the two translations"
    )
    n: int = column("Test stars of A on which the networks of the other survey were not trained either")
    bias: float = column("Mean difference", in_unit=True)
    bias_err: float = column("1-sigma bootstrap error of bias", in_unit=True)
    robust: float = column("Robust standard deviation, 1.4826 MAD", in_unit=True)
    robust_err: float = column("1-sigma bootstrap error of robust", in_unit=True)
    mae: float = column("Mean absolute difference", in_unit=True)
    mae_err: float = column("1-sigma bootstrap error of mae", in_unit=True)


@dataclass(frozen=True)
class RepeatRow(LabelRow):
    """Two visits of A to the same stars, before or after the translation (`repeats`)."""

    unit: str = column("Unit of scatter and scatter_err")
    method: str = column("raw: of A; translated")
    n: int = column("Stars with two good visits that trained no network")
    scatter: float = column("Robust standard deviation of a single visit", in_unit=True)
    scatter_err: float = column("1-sigma bootstrap error of scatter", in_unit=True)
    pull: float = column("Robust standard deviation of the difference in units of its error: 1 if the errors are right")
    pull_err: float = column("1-sigma bootstrap error of pull")


@dataclass(frozen=True)
class DrawsRow(FamilyRow):
    """Errors of the percentiles of some draws, in units of half of the 16-84 % range (`draws`)."""

    missing: str = column("Input that was deleted from every star, or none")
    n: int = column("Test stars")
    sampler: str = column("random: pseudo-random draws; sobol: scrambled Sobol points")
    n_draws: int = column("Draws of each star")
    rms_5: float = column("Root mean square error of the 5th percentile")
    rms_16: float = column("Root mean square error of the 16th percentile")
    rms_50: float = column("Root mean square error of the 50th percentile")
    rms_84: float = column("Root mean square error of the 84th percentile")
    rms_95: float = column("Root mean square error of the 95th percentile")
    median_5: float = column("Median absolute error of the 5th percentile")
    median_16: float = column("Median absolute error of the 16th percentile")
    median_50: float = column("Median absolute error of the 50th percentile")
    median_84: float = column("Median absolute error of the 84th percentile")
    median_95: float = column("Median absolute error of the 95th percentile")
    width_bias: float = column("Mean relative error of the 16-84 % range")


@dataclass(frozen=True)
class ValidationTables:
    """The tables of validate, each in a file of its name."""

    missing: list[MissingRow] = field(default_factory=list)
    domain: list[ShiftRow] = field(default_factory=list)
    domain_residuals: list[IndexRow] = field(default_factory=list)
    velocities: list[VelocityRow] = field(default_factory=list)
    clusters: list[ClusterRow] = field(default_factory=list)
    roundtrip: list[RoundtripRow] = field(default_factory=list)
    triangle: list[TriangleRow] = field(default_factory=list)
    repeats: list[RepeatRow] = field(default_factory=list)
    draws: list[DrawsRow] = field(default_factory=list)
