"""What the interactive maps can show follows from the columns of their tables."""

import numpy as np
import pyarrow as pa

from stdask.stages.report.interactive.quantities import quantities_of, rows_of

TITLES = ("Survey A", "Survey B")
COLUMNS = ("COUNT", "HEIGHT", "FE_H_MEDIAN", "N_FE_H")


def pixels(samples: tuple[str, ...], *columns: str) -> pa.Table:
    return pa.table({"SAMPLE": list(samples)} | {name: np.ones(len(samples)) for name in (*COLUMNS, *columns)})


def test_a_table_of_one_survey_has_no_change():
    assert [q.name for q in quantities_of(pixels(("MERGED",)))] == ["FE_H", "COUNT", "HEIGHT"]


def test_changes_and_excesses_are_offered_where_they_are_known():
    columns = ("FE_H_EXCESS", "FE_H_EXCESS_SMOOTH", "HIGH_ALPHA")
    found = quantities_of(pixels(("MERGED", "UNTRANSLATED"), *columns))
    names = ["FE_H", "FE_H_CHANGE", "FE_H_EXCESS", "FE_H_EXCESS_SMOOTH", "HIGH_ALPHA", "COUNT", "HEIGHT"]
    assert [quantity.name for quantity in found] == names
    assert [quantity.name for quantity in found if quantity.diverging] == names[1:4]


def test_the_pointer_reads_only_what_is_known():
    (quantity, *_) = quantities_of(pixels(("MERGED",)))
    columns = {"MERGED/FE_H_MEDIAN": np.array([0.1]), "MERGED/N_FE_H": np.array([3.0]), "MERGED/COUNT": np.array([4.0])}
    columns |= {"MERGED/FE_H_ERROR": np.array([np.nan]), "ALONE/COUNT": np.array([4.0])}
    texts = [row.text for row in rows_of(quantity, "MERGED", TITLES, columns)]
    assert texts == ["median [Fe/H]", "stars with [Fe/H]", "stars of Survey B"]
    assert [row.text for row in rows_of(quantity, "MERGED", ("", ""), columns)][-1] == "stars"
