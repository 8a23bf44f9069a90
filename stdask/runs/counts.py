"""What each stage counts: the typed content of its receipt, which the report, the card and the status read."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields

from stdask.errors import CatalogueError


@dataclass(frozen=True)
class RowCounts:
    """Rows that a stage read, wrote and set aside."""

    n_in: int
    n_out: int
    set_aside: Mapping[str, int] = field(default_factory=dict)  # reason -> rows

    @property
    def n_aside(self) -> int:
        """Number of rows that were set aside."""
        return sum(self.set_aside.values())

    def check(self, stage: str) -> None:
        """Raise if rows were lost or doubled.

        Raises
        ------
        CatalogueError
            If the rows read are not those written and those set aside.
        """
        if self.n_in != self.n_out + self.n_aside:
            raise CatalogueError(
                f"{stage} read {self.n_in} rows but accounts for {self.n_out + self.n_aside}. "
                "This is a bug in stdask: please report it."
            )

    def __str__(self) -> str:
        """Return the counts in words, with the reasons that occurred."""
        reasons = "; ".join(f"{reason}: {n:,}" for reason, n in self.set_aside.items() if n)
        text = f"rows {self.n_in:,} in = {self.n_out:,} out + {self.n_aside:,} set aside"
        return f"{text} ({reasons})" if reasons else text


@dataclass(frozen=True, kw_only=True)
class Counts:
    """What every stage counts, and what the user should know of its result."""

    rows: RowCounts | None = None
    notes: tuple[str, ...] = ()

    def described(self) -> dict[str, object]:
        """Return the further counts that are worth showing, by what they are called in the report."""
        counts = {f.metadata["title"]: getattr(self, f.name) for f in fields(self) if "title" in f.metadata}
        return {title: value for title, value in counts.items() if value != {}}


@dataclass(frozen=True)
class JoinCounts:
    """Rows of the main table of a survey and of a further one that belong together."""

    n_rows: int  # of the main table
    n_matched: int  # of the main table, with a row in the further one
    n_rows_of_table: int  # of the further table
    n_used: int  # of the further table, with a row in the main one

    @property
    def n_unmatched(self) -> int:
        """Number of rows of the main table without a row in the further one."""
        return self.n_rows - self.n_matched

    @property
    def n_unused(self) -> int:
        """Number of rows of the further table without a row in the main one."""
        return self.n_rows_of_table - self.n_used

    def __str__(self) -> str:
        """Return the counts in words."""
        return (
            f"{self.n_matched:,} of {self.n_rows:,} rows have a row in it; {self.n_unused:,} of its "
            f"{self.n_rows_of_table:,} rows belong to no star"
        )


@dataclass(frozen=True, kw_only=True)
class IngestCounts(Counts):
    """Counts of the stage `ingest`."""

    rows: RowCounts
    n_good: int = field(metadata={"title": "good stars"})
    n_partitions: int = field(metadata={"title": "partitions"})
    joined: Mapping[str, JoinCounts] = field(default_factory=dict, metadata={"title": "joined tables"})


@dataclass(frozen=True, kw_only=True)
class PairCounts(Counts):
    """Counts of the stage `pair`."""

    rows: RowCounts
    usable: Mapping[str, Mapping[str, int]]  # family -> cut -> pairs left after it
    with_label: Mapping[str, Mapping[str, int]] = field(default_factory=dict)  # family -> label -> pairs that have it
    separations_arcsec: Mapping[str, float] = field(metadata={"title": "separation at 50, 90 and 99 % [arcsec]"})
    n_ambiguous: int = field(metadata={"title": "pairs with a second candidate"})
    n_chance: float | None = field(default=None, metadata={"title": "pairs expected by chance"})

    def incomplete(self, family: str) -> dict[str, int]:
        """Return the labels that B lacks for some of the pairs that a family uses -> pairs that have them."""
        used = list(self.usable[family].values())[-1]
        return {label: n for label, n in self.with_label.get(family, {}).items() if n < used}


@dataclass(frozen=True)
class FamilyStars:
    """Usable pairs of a family of networks, and how many of them are test stars."""

    n_pairs: int
    n_test: int


@dataclass(frozen=True)
class DomainBins:
    """The bins of a domain, and the share of new stars like the training stars that lie inside."""

    n_bins: int  # along each axis
    inside: float  # share of the training stars, each held out in turn

    def __str__(self) -> str:
        """Return both in words."""
        return f"{self.n_bins} along each axis, {100 * self.inside:.1f} % of held-out training stars inside"


@dataclass(frozen=True, kw_only=True)
class TrainCounts(Counts):
    """Counts of the stage `train`."""

    families: Mapping[str, FamilyStars]
    # "intrinsic inputs" and the like -> bins
    domains: Mapping[str, DomainBins] = field(default_factory=dict, metadata={"title": "bins of the domain"})


@dataclass(frozen=True, kw_only=True)
class EvaluateCounts(Counts):
    """Counts of the stage `evaluate`."""

    n_test: Mapping[str, int] = field(metadata={"title": "test stars"})  # family -> stars


@dataclass(frozen=True, kw_only=True)
class CheckCounts(Counts):
    """Counts of `study` and of a check of `validate`."""

    n_rows: Mapping[str, int]  # table -> rows


@dataclass(frozen=True)
class PartitionCounts:
    """Partitions of a catalogue, and how many of them an interrupted run had finished."""

    n_all: int
    n_kept: int

    def __str__(self) -> str:
        """Return the counts in words."""
        return f"{self.n_all:,}, {self.n_kept:,} of them kept from an earlier run"


@dataclass(frozen=True, kw_only=True)
class TranslateCounts(Counts):
    """Counts of the stage `translate`."""

    rows: RowCounts
    flags: Mapping[str, int]  # flag -> stars that have it
    n_workers: int = field(metadata={"title": "workers"})
    partitions: PartitionCounts = field(metadata={"title": "partitions"})


@dataclass(frozen=True, kw_only=True)
class ClosureCounts(Counts):
    """Counts of the stage `closure`."""

    n_common: Mapping[str, int] = field(metadata={"title": "stars in two surveys"})  # surveys and sample -> stars


@dataclass(frozen=True, kw_only=True)
class MergeCounts(Counts):
    """Counts of the stage `merge`."""

    rows: RowCounts
    by_survey: Mapping[str, int] = field(metadata={"title": "stars by survey"})
    n_with_distance: int = field(metadata={"title": "stars with a distance"})
    partitions: PartitionCounts = field(metadata={"title": "partitions"})


@dataclass(frozen=True, kw_only=True)
class AtlasCounts(Counts):
    """Counts of the stage `atlas`."""

    rows: RowCounts
    by_survey: Mapping[str, int] = field(metadata={"title": "stars by survey"})


@dataclass(frozen=True, kw_only=True)
class ReportCounts(Counts):
    """Counts of the stage `report`."""

    n_figures: int = field(metadata={"title": "figures"})
