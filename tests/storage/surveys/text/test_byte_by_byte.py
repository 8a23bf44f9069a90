"""Descriptions of columns by their bytes."""

import pytest

from stdask.storage.surveys.text.byte_by_byte import described_as


@pytest.mark.parametrize(
    ("table", "described", "found"),
    [
        ("table2.dat", ["table1.dat", "table2.dat"], "table2.dat"),
        ("table2.dat.gz", ["table2.dat"], "table2.dat"),
        ("table21.dat", ["table1.dat", "table2*.dat"], "table2*.dat"),
        ("J_ApJ_1_2_table2.dat", ["table2.dat"], "table2.dat"),
        ("mytable2.dat", ["table2.dat"], None),
        ("stars.dat", [], None),
    ],
)
def test_a_table_is_described_under_its_name_with_that_of_the_catalogue_or_without(table, described, found):
    assert described_as(table, described) == found
