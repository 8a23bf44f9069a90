"""Columns as they are printed: one line each, with unit and meaning."""

import pickle

from stdask.schema import Columns, measured_columns, quantity


def test_every_column_is_a_line_with_its_unit_and_meaning():
    columns = Columns(measured_columns("TEFF"))
    heading, value, error = repr(columns).splitlines()
    assert heading.split() == ["column", "type", "unit", "UCD", "description"]
    assert value.split(maxsplit=4) == ["TEFF", "float32", "K", quantity("TEFF").ucd, "Effective temperature"]
    assert error.endswith("1-sigma error of TEFF")
    assert value.index("Effective") == error.index("1-sigma")


def test_a_notebook_shows_them_as_html():
    html = Columns(measured_columns("a<b"))._repr_html_()
    assert html.count("<tr>") == 3
    assert "<td>a&lt;b</td>" in html


def test_they_stay_columns_in_other_processes():
    columns = Columns(measured_columns("TEFF"))
    assert columns.names == ("TEFF", "TEFF_ERR")
    again = pickle.loads(pickle.dumps(columns))
    assert again == columns
    assert type(again) is Columns
