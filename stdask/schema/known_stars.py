"""The tables of evaluate on clusters and benchmark stars, and the words in them that more than one reader knows."""

from dataclasses import dataclass

from stdask.schema.rows import column

RAW, TRANSLATED, DEBIASED, OF_B = "raw", "translated", "debiased", "B"  # values that are compared
EVERY, INDEPENDENT, COMMON = "all", "independent", "common"  # which of the stars
VALUES = "raw: A as measured; translated: A; debiased: A, PRED_DEBIASED; B"
STARS = (
    "all: of A and of B; independent: of A without those on which networks were trained, B as in all; common: those in "
    "both surveys"
)
FEWEST_MEMBERS = 5  # that A must have of a cluster


@dataclass(frozen=True)
class ClusterCountRow:
    """The members of a cluster of the table (`cluster_counts`)."""

    cluster: str = column("Name of the cluster")
    compared: str = column(f"yes; no, if fewer than {FEWEST_MEMBERS} members of A are usable")
    n_listed: int = column("Members in the table")
    n_a: int = column("Members found in A")
    n_usable: int = column("Members of A that pass its cuts, have all inputs, and lie in the domain")
    n_b: int = column("Members of B that pass its cuts")
    n_common: int = column("Usable members of A that are among those of B")
    n_trained: int = column(
        "Usable members of A on which networks were trained: their translations are not independent"
    )


@dataclass(frozen=True)
class ClusterLabelRow:
    """A label of the members of a cluster (`clusters`)."""

    cluster: str = column("Name of the cluster")
    label: str = column("Label of B that all members share: an abundance")
    unit: str = column("Unit of mean, std, stated, minus_b, literature and their errors")
    stars: str = column(STARS)
    values: str = column(VALUES)
    n: int = column("Members with the label")
    n_trained: int = column("Members among them on which networks were trained")
    mean: float = column("Mean of the members", in_unit=True)
    mean_err: float = column(
        "1-sigma error of mean: by the number of members (Student's t) and, of A translated, by the networks",
        in_unit=True,
    )
    std: float = column("Standard deviation of the members", in_unit=True)
    std_err: float = column("1-sigma error of std for a Gaussian", in_unit=True)
    stated: float = column("Median of their 1-sigma errors, of translated A PRED_SIGMA; NaN if unknown", in_unit=True)
    minus_b: float = column("mean minus that of B; NaN for B", in_unit=True)
    minus_b_err: float = column("1-sigma error of minus_b: of common stars that of their differences", in_unit=True)
    literature: float = column("Published value of the cluster, NaN if the table has none", in_unit=True)


@dataclass(frozen=True)
class ClusterTrendRow:
    """A straight line through a label of the members of a cluster (`cluster_trends`)."""

    cluster: str = column("Name of the cluster")
    label: str = column("Label of B that all members share: an abundance")
    against: str = column("TEFF or LOGG: in B for B, of A as measured for raw, of A translated for the others")
    per: str = column("By how much the line rises by slope")
    unit: str = column("Unit of slope")
    values: str = column(VALUES)
    n: int = column("Members")
    n_trained: int = column("Members among them on which networks were trained")
    slope: float = column("Slope by least squares", in_unit=True)
    slope_err: float = column(
        "1-sigma error of slope: by the scatter about the line (Student's t) and, of A translated, by the networks",
        in_unit=True,
    )


@dataclass(frozen=True)
class BenchmarkRow:
    """The benchmark stars compared with their reference values (`benchmark`)."""

    label: str = column("Label of B")
    unit: str = column("Unit of bias, std, expected and their errors")
    stars: str = column(STARS)
    values: str = column(VALUES)
    n: int = column("Stars with the label and a reference value")
    n_trained: int = column("Stars among them on which networks were trained")
    bias: float = column("Mean of value minus reference value", in_unit=True)
    bias_err: float = column(
        "1-sigma error of bias: by the number of stars (Student's t) and, of A translated, by the networks",
        in_unit=True,
    )
    std: float = column("Standard deviation of value minus reference value", in_unit=True)
    std_err: float = column("1-sigma error of std for a Gaussian", in_unit=True)
    expected: float = column(
        "Median 1-sigma error of value minus reference value, of both in quadrature; that of the value alone where the "
        "reference has none; NaN if none is known",
        in_unit=True,
    )


@dataclass(frozen=True)
class BenchmarkStarRow:
    """A label of a benchmark star that is in A or in B (`benchmark_stars`)."""

    star: str = column("Name of the star, or its id in A or B")
    label: str = column("Label of B")
    unit: str = column("Unit of reference, raw, translated, b and their errors")
    usable: str = column("yes if the star of A passes the cuts, has all inputs, and lies in the domain; no; not in A")
    trained: str = column("yes if networks were trained on it; no")
    reference: float = column("Reference value", in_unit=True)
    reference_err: float = column("1-sigma error of reference, NaN if unknown", in_unit=True)
    raw: float = column("A as measured", in_unit=True)
    raw_err: float = column("1-sigma error of raw as A states it", in_unit=True)
    translated: float = column("A translated, PRED_50", in_unit=True)
    translated_err: float = column("1-sigma error of translated, PRED_SIGMA", in_unit=True)
    b: float = column("B", in_unit=True)
    b_err: float = column("1-sigma error of b as B states it", in_unit=True)
