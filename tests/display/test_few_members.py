"""Clusters with too few members are named, and those without any counted."""

from stdask.display.few_members import too_few
from stdask.schema.known_stars import ClusterCountRow


def counts(cluster: str, compared: str, n_a: int, n_usable: int) -> ClusterCountRow:
    return ClusterCountRow(cluster, compared, 20, n_a, n_usable, 0, 0, 0)


def test_clusters_are_named_with_their_usable_members_and_the_rest_is_counted():
    rows = [counts("M 67", "yes", 30, 20), *(counts(f"NGC {n}", "no", 6, 4 - n) for n in range(4))]
    assert too_few(rows, 2) == "NGC 0 (4), NGC 1 (3) and 2 others"
    assert too_few(rows[:2], 2) == "NGC 0 (4)"
    absent = [counts(name, "no", 0, 0) for name in ("Pal 3", "Pal 4")]
    assert too_few([*rows[:2], *absent], 2) == "NGC 0 (4); 2 without a member in A"
    assert too_few(absent, 2) == "2 without a member in A"


def test_nothing_is_said_where_all_clusters_are_compared():
    assert too_few([counts("M 67", "yes", 30, 20)], 2) == ""
