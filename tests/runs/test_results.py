"""Each stage and check has a number of its results, and ledgers of older versions are read with it."""

from stdask.runs.registry import ENTRIES
from stdask.runs.results import RESULTS, numbered, part_of, results_of


def test_every_stage_and_check_has_a_number():
    assert {entry.command for entry in ENTRIES.values()} | {"networks"} == set(RESULTS)
    assert all(results_of(stage) >= 1 for stage in ENTRIES)


def test_trained_networks_have_a_number_of_their_own():
    for stage in ("train", "validate_roundtrip", "study"):
        assert part_of(stage) == {"results": str(RESULTS["networks"])}
    assert part_of("ingest_b") == {"results": str(RESULTS["ingest"])}


def test_a_version_is_replaced_by_the_number_of_its_results():
    assert numbered({"stars": "a", "version": "0.10.0"}) == {"stars": "a", "results": "1"}
    assert numbered({"stars": "a", "version": "0.9.0"}) == {"stars": "a", "results": "0"}
    assert numbered({"stars": "a", "results": "7"}) == {"stars": "a", "results": "7"}
