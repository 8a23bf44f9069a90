"""What is said of star clusters that are not compared, because too few of their members can be used."""

from collections.abc import Sequence

from stdask.schema.known_stars import ClusterCountRow


def too_few(counts: Sequence[ClusterCountRow], most: int) -> str:
    """Return which clusters are not compared, those with the most usable members first; empty if all are.

    Parameters
    ----------
    counts
        The rows of all clusters.
    most
        Number of clusters that are named.
    """
    few = [row for row in counts if row.compared == "no" and row.n_a]
    texts = [f"{row.cluster} ({row.n_usable})" for row in few[:most]]
    named = ", ".join(texts) + (f" and {len(few) - most} others" if len(few) > most else "")
    absent = sum(not row.n_a for row in counts)
    return "; ".join(filter(None, [named, f"{absent} without a member in A" if absent else ""]))
