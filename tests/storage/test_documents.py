"""Small tables and figures come back as they were written, whole or not at all."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import astropy.units as u
import numpy as np
import pytest
from astropy.table import Table
from matplotlib.figure import Figure
from numpy.testing import assert_array_equal

from stdask.errors import CatalogueError
from stdask.schema.evaluation import EvaluationTables, ImportanceRow, OutsideRow, ScoreRow
from stdask.schema.validation import ShiftRow
from stdask.storage.documents import (
    read_bytes,
    read_declared,
    read_ecsv,
    read_tables,
    write_declared,
    write_ecsv,
    write_figure,
    write_tables,
)


def drawing() -> Figure:
    figure = Figure(figsize=(2, 1))
    figure.subplots().plot([0, 1], [1, 0])
    return figure


def test_a_table_comes_back_with_its_values_types_and_units(tmp_path: Path) -> None:
    table = Table({"label": ["TEFF", "MG_FE"], "n": [2733, 12], "std": [76.0, np.nan] * u.K})
    write_ecsv(tmp_path / "folder" / "accuracy.ecsv", table)
    back = read_ecsv(tmp_path / "folder" / "accuracy.ecsv")
    assert back.colnames == table.colnames
    for name in table.colnames:
        assert_array_equal(back[name], table[name])
    assert back["std"].unit == u.K
    assert back["n"].dtype == np.int64


def test_declared_rows_are_written_with_units_and_descriptions_and_come_back(tmp_path: Path) -> None:
    shifted = ShiftRow("intrinsic", "nothing", 0.0, "", 60, 0.5, 0.01, 0.5, 0.01, np.nan, np.nan)
    importance = ImportanceRow("intrinsic", "correction", "inputs", "all", "TEFF", "BP_G_0", 12.5, 1.0)
    write_declared(tmp_path / "domain.ecsv", [shifted, replace(shifted, unit="K")])
    write_declared(tmp_path / "importance.ecsv", [importance])
    table = read_ecsv(tmp_path / "importance.ecsv")
    assert table["importance_err"].unit == u.percent
    assert all(table[name].description for name in table.colnames)
    assert read_declared(tmp_path / "importance.ecsv", ImportanceRow) == [importance]
    back = read_declared(tmp_path / "domain.ecsv", ShiftRow)
    assert [(row.unit, row.n, row.index_catches) for row in back] == [("", 60, 0.5), ("K", 60, 0.5)]
    assert np.isnan(back[0].named_if_caught)
    assert read_declared(tmp_path / "missing.ecsv", ShiftRow) == []


def test_numbers_have_the_unit_of_their_rows_where_all_rows_share_it(tmp_path: Path) -> None:
    row = ScoreRow("intrinsic", "TEFF", "K", "raw", 60, *10 * [1.0])
    write_declared(tmp_path / "one.ecsv", [row, replace(row, method="translated")])
    one = read_ecsv(tmp_path / "one.ecsv")
    assert {one[name].unit for name in ("bias", "std_err", "mae", "behind", "behind_err")} == {u.K}
    assert one["n"].unit is None
    write_declared(tmp_path / "two.ecsv", [row, replace(row, label="FE_H", unit="dex")])
    assert {column.unit for column in read_ecsv(tmp_path / "two.ecsv").columns.values()} == {None}


def test_a_table_with_other_columns_than_declared_is_refused(tmp_path: Path) -> None:
    write_ecsv(tmp_path / "domain.ecsv", Table({"family": ["intrinsic"], "inside": [0.9]}))
    with pytest.raises(CatalogueError, match=r"domain\.ecsv has other columns .* Remove it and run its stage again"):
        read_tables(tmp_path, EvaluationTables)


def test_tables_are_written_where_they_have_rows(tmp_path: Path) -> None:
    tables = EvaluationTables(domain=[OutsideRow("intrinsic", 0.05)])
    assert write_tables(tmp_path, tables) == [tmp_path / "domain.ecsv"]
    assert read_tables(tmp_path, EvaluationTables) == tables


def test_the_same_table_and_the_same_figure_give_the_same_bytes(tmp_path: Path) -> None:
    for name in ("one", "two"):
        write_ecsv(tmp_path / f"{name}.ecsv", Table({"n": [1, 2]}))
        write_figure(tmp_path / f"{name}.png", drawing())
    assert read_bytes(tmp_path / "one.ecsv") == read_bytes(tmp_path / "two.ecsv")
    image = read_bytes(tmp_path / "one.png")
    assert image == read_bytes(tmp_path / "two.png")
    assert image.startswith(b"\x89PNG\r\n\x1a\n")  # PNG (W3C) section 5.2
    assert b"stdask" in image  # Software
    assert b"Creation Time" not in image


def test_a_figure_is_a_pdf_if_its_name_says_so_the_same_bytes_each_time(tmp_path: Path) -> None:
    for name in ("one", "two"):
        write_figure(tmp_path / f"{name}.pdf", drawing())
    page = read_bytes(tmp_path / "one.pdf")
    assert page == read_bytes(tmp_path / "two.pdf")
    assert page.startswith(b"%PDF-")
    assert b"stdask" in page  # Creator
    assert b"CreationDate" not in page


def test_a_failed_write_leaves_the_old_file_and_no_other(tmp_path: Path) -> None:
    class Failing:
        def savefig(self, fname: Any, **options: Any) -> None:  # noqa: ARG002
            fname.write_bytes(b"half")
            raise OSError("disk full")

    path = tmp_path / "figure.png"
    path.write_bytes(b"old")
    with pytest.raises(OSError, match="disk full"):
        write_figure(path, Failing())
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_missing_or_damaged_file_is_named(tmp_path: Path) -> None:
    for read in (read_ecsv, read_bytes):
        with pytest.raises(CatalogueError, match=r"missing\.ecsv.*Run the stage"):
            read(tmp_path / "missing.ecsv")
    damaged = tmp_path / "damaged.ecsv"
    damaged.write_text("<html>not a table</html>\n")
    with pytest.raises(CatalogueError, match=r"damaged\.ecsv.*Remove it"):
        read_ecsv(damaged)
