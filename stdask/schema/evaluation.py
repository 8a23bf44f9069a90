"""The tables of train, evaluate and study: a row of each, and the words in them that more than one reader knows."""

from dataclasses import dataclass, field

from stdask.schema.known_stars import (
    BenchmarkRow,
    BenchmarkStarRow,
    ClusterCountRow,
    ClusterLabelRow,
    ClusterTrendRow,
)
from stdask.schema.rows import column

ALL = "all"  # the group of all stars
CALIBRATED, DRAWN = "calibrated error", "draws"  # the two intervals of a prediction
THREE_SIGMA, WIDE = "3 sigma", "99 % half-width"  # the two that tell of its tails
TAILS = (WIDE, THREE_SIGMA)
MIN_GROUP = 30  # test stars; of fewer, chance alone moves a covered share by 9 % and more
SIGNIFICANT = 2.0  # errors: by chance alone, one difference in twenty is larger
COLOURS = "colours"  # the player, as an input is named
CATALOGUE, ATLAS = "catalogue", "atlas"  # the populations that are not the pairs
POPULATIONS = (
    "catalogue: good stars of A that are not good stars of B, with all inputs, in the domain of inputs; "
    "atlas: those of them that [atlas] select keeps"
)
GIANTS, DWARFS = "giants", "dwarfs"  # groups by the surface gravity of A


@dataclass(frozen=True)
class FamilyRow:
    """First column of most tables."""

    family: str = column("Family of networks: intrinsic or extrinsic")


@dataclass(frozen=True)
class LabelRow(FamilyRow):
    """First columns of tables with a row for each label."""

    label: str = column("Label of B")


@dataclass(frozen=True)
class ScoreRow(LabelRow):
    """How far the values of one method lie from B (`accuracy`), or from the truth of a mock (`truth`)."""

    unit: str = column("Unit of bias, std, robust, mae, behind and their errors")
    method: str = column("How the values were made: raw is A without a translation")
    n: int = column("Test stars")
    bias: float = column("Mean of value minus expected value", in_unit=True)
    bias_err: float = column("1-sigma bootstrap error of bias", in_unit=True)
    std: float = column("Standard deviation of value minus expected value", in_unit=True)
    std_err: float = column("1-sigma bootstrap error of std", in_unit=True)
    robust: float = column("Robust standard deviation, 1.4826 MAD", in_unit=True)
    robust_err: float = column("1-sigma bootstrap error of robust", in_unit=True)
    mae: float = column("Mean absolute error", in_unit=True)
    mae_err: float = column("1-sigma bootstrap error of mae", in_unit=True)
    behind: float = column("Mean absolute error minus that of the translation, same stars", in_unit=True)
    behind_err: float = column("1-sigma error of behind from a paired bootstrap", in_unit=True)


@dataclass(frozen=True)
class StudyRow(ScoreRow):
    """A method of a study, compared with the translation of the run (`study`)."""

    val_loss: float = column("Mean of the smallest validation losses of the networks; NaN for other methods")


@dataclass(frozen=True)
class SlopeRow(LabelRow):
    """The slopes between the values of one method and B, or the truth (`attenuation`)."""

    of: str = column("What the values are compared with: B or truth")
    method: str = column("How the values were made: raw is A without a translation")
    calibration: float = column("Slope of the expected value on the value: 1 if calibrated")
    calibration_err: float = column("1-sigma bootstrap error of calibration")
    attenuation: float = column("Slope of the value on the expected value: below 1 if attenuated")
    attenuation_err: float = column("1-sigma bootstrap error of attenuation")
    n: int = column("Test stars")
    n_clipped: int = column("Outliers among them that were left out")


@dataclass(frozen=True)
class CoverageRow(LabelRow):
    """How often B, or the truth, lies within an interval of a prediction (`coverage`)."""

    of: str = column("What the intervals should contain: B or truth")
    group: str = column("Which test stars")
    interval: str = column(
        "calibrated error, 3 sigma: of PRED_SIGMA; draws: between percentiles of the Monte Carlo draws; "
        "99 % half-width: of PRED_HALFWIDTH_99"
    )
    nominal: float = column("Share of the stars that the interval should contain")
    covered: float = column("Share of the stars that it contains")
    covered_err: float = column("1-sigma binomial error of covered")
    n: int = column("Test stars")


@dataclass(frozen=True)
class ProbabilityRow(LabelRow):
    """A bin of the probability integral of B given the prediction and its calibrated error (`pit`)."""

    low: float = column("Lower edge of the bin in probability")
    high: float = column("Upper edge of the bin in probability")
    n: int = column("Test stars in the bin")
    expected: float = column("Test stars in the bin if all errors are right")


@dataclass(frozen=True)
class ImportanceRow(FamilyRow):
    """How much a label, or its correction, depends on an input (`importance`)."""

    of: str = column("What depends on the input: translated label, or correction, which is the label minus that of A")
    players: str = column("inputs: each input by itself; colours as one: all colours together")
    group: str = column("Which test stars")
    label: str = column("Label of B")
    input: str = column("Input, or colours")
    importance: float = column("Share of the summed absolute Shapley values", "%")
    importance_err: float = column("1-sigma bootstrap error of importance", "%")

    @property
    def is_shown(self) -> bool:
        """Whether figure and report show the row: every input, and the colours as one."""
        return self.players == "inputs" or self.input == COLOURS


@dataclass(frozen=True)
class OutsideRow(FamilyRow):
    """Which share of A lies outside the domain (`domain`)."""

    outside: float = column("Share of the stars of A outside the bins of the training stars in any pair of inputs")


@dataclass(frozen=True)
class DistributionRow(FamilyRow):
    """How the stars to be translated differ from the pairs in a column of A (`distributions`)."""

    population: str = column(POPULATIONS)
    quantity: str = column("Column of A")
    unit: str = column("Unit of pairs, pairs_low, pairs_high, stars, stars_low, stars_high and distance")
    n_pairs: int = column("Pairs that may be used for training or test, of those that [atlas] select keeps for atlas")
    pairs: float = column("Median of these pairs", in_unit=True)
    pairs_low: float = column("16th percentile of these pairs", in_unit=True)
    pairs_high: float = column("84th percentile of these pairs", in_unit=True)
    n_stars: int = column("Stars of a random sample of the population")
    stars: float = column("Median of these stars", in_unit=True)
    stars_low: float = column("16th percentile of these stars", in_unit=True)
    stars_high: float = column("84th percentile of these stars", in_unit=True)
    distance: float = column(
        "Wasserstein distance: how far the stars lie from the pairs on average, rank by rank", in_unit=True
    )
    separation: float = column("distance in units of the standard deviation of the pairs")


@dataclass(frozen=True)
class PopulationRow(LabelRow):
    """What the bias of the translation is for other stars than the pairs, estimated from them (`population`)."""

    unit: str = column("Unit of bias, reweighted, shift and their errors")
    population: str = column(POPULATIONS)
    group: str = column("all, or giants or dwarfs by the surface gravity of A")
    n_stars: int = column("Stars of a random sample of the population, in the group")
    n_test: int = column("Test stars in the group, of those that [atlas] select keeps for atlas")
    n_effective: float = column("Test stars of equal weight that would be as many as the reweighted ones")
    bias: float = column("Mean of translated minus B of the test stars", in_unit=True)
    bias_err: float = column("1-sigma bootstrap error of bias", in_unit=True)
    reweighted: float = column(
        "The same mean, with test stars weighted to be distributed as the population", in_unit=True
    )
    reweighted_err: float = column("1-sigma bootstrap error of reweighted", in_unit=True)
    shift: float = column(
        "reweighted minus bias: estimated change of the bias from the pairs to the population", in_unit=True
    )
    shift_err: float = column("1-sigma error of shift from a paired bootstrap", in_unit=True)


@dataclass(frozen=True)
class EpochRow(FamilyRow):
    """An epoch of the training of a network (`history`)."""

    member: int = column("Number of the network in its ensemble")
    epoch: int = column("Number of the epoch")
    learning_rate: float = column("Learning rate of Adam")
    loss: float = column("Mean absolute error of the training stars, scaled labels")
    val_loss: float = column("Mean absolute error of the validation stars, scaled labels")


@dataclass(frozen=True)
class EvaluationTables:
    """The tables of evaluate, each in a file of its name."""

    accuracy: list[ScoreRow] = field(default_factory=list)
    truth: list[ScoreRow] = field(default_factory=list)
    attenuation: list[SlopeRow] = field(default_factory=list)
    coverage: list[CoverageRow] = field(default_factory=list)
    pit: list[ProbabilityRow] = field(default_factory=list)
    importance: list[ImportanceRow] = field(default_factory=list)
    domain: list[OutsideRow] = field(default_factory=list)
    distributions: list[DistributionRow] = field(default_factory=list)
    population: list[PopulationRow] = field(default_factory=list)
    cluster_counts: list[ClusterCountRow] = field(default_factory=list)
    clusters: list[ClusterLabelRow] = field(default_factory=list)
    cluster_trends: list[ClusterTrendRow] = field(default_factory=list)
    benchmark: list[BenchmarkRow] = field(default_factory=list)
    benchmark_stars: list[BenchmarkStarRow] = field(default_factory=list)
