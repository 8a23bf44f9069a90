"""Titles and references are one line in every file, whatever a user pastes into a definition."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from stdask.config.checks.texts import one_line
from stdask.config.survey import SurveyDefinition, load_definition

LEAST = {"name": "s", "title": "S", "reference": "none", "id": "id", "labels": {"TEFF": {"column": "teff"}}}
BIBTEX = '"""\n@article{x,\nyear = 2021,\n\thats_nrows=5,\r\n}"""'


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("plain", "plain"),
        ("  two\n\nlines\t", "two lines"),
        ("a\r\nb\x0bc\x0cd\x1ce\x85f\u2028g\u2029h\xa0i", "a b c d e f g h i"),  # all that str.splitlines cuts at
        ("nul\x00, escape\x1b[31m, bell\x07, delete\x7f", "nul, escape[31m, bell, delete"),
        ("\u00c5ngstr\u00f6m \u03b1 = 1, \u2212\u221e", "\u00c5ngstr\u00f6m \u03b1 = 1, \u2212\u221e"),
        ("\u200bno width\u202e", "no width"),
    ],
)
def test_a_text_is_one_line_without_control_characters(text: str, line: str):
    assert one_line(text) == line
    assert len(one_line(text).splitlines()) == 1


def test_all_texts_of_a_definition_but_its_notes_are_one_line(tmp_path: Path):
    path = tmp_path / "mine.toml"
    path.write_text(
        f'name = "s"\ntitle = "a\\nb"\nreference = {BIBTEX}\nnotes = "c\\nd"\nid = "id"\n'
        'cuts = [{ column = "snr", op = ">", value = 3, reason = "e\\nf" }]\n'
        '[labels.TEFF]\ncolumn = "t"\ndescription = "g\\nh"\nreference = "i\\nj"\n'
        '[[distances]]\ncolumn = "d"\nreference = "k\\nl"\n'
    )
    own = load_definition(str(path))
    assert own.reference == "@article{x, year = 2021, hats_nrows=5, }"
    label, distance = own.labels["TEFF"], own.distances[0]
    texts = (own.title, own.cuts[0].reason, label.description, label.reference, distance.reference, own.notes)
    assert texts == ("a b", "e f", "g h", "i j", "k l", "c\nd")


def test_a_title_holds_no_formula_that_a_figure_would_have_to_read():
    assert SurveyDefinition.model_validate(LEAST | {"title": "5 $ a star"}).title == "5 $ a star"
    with pytest.raises(ValidationError, match="between two dollar signs is a formula in figures"):
        SurveyDefinition.model_validate(LEAST | {"title": r"$\nonsense$"})
