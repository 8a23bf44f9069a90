"""Texts of a user in files that have a line for each: properties, headers of FITS files, tables."""

from typing import Annotated

from pydantic import AfterValidator


def one_line(text: str) -> str:
    """Return a text in one line: white space of any kind is one blank, other control characters are left out."""
    return " ".join("".join(letter for letter in text if letter.isprintable() or letter.isspace()).split())


def _without_formula(title: str) -> str:
    """Return a title; raise if Matplotlib would read a part of it as a formula, which may be none."""
    if title.count("$") > 1:
        raise ValueError("text between two dollar signs is a formula in figures. Write it without them")
    return title


Line = Annotated[str, AfterValidator(one_line)]
Title = Annotated[Line, AfterValidator(_without_formula)]
