"""Abundances of many elements whose columns are named alike: `[elements]` of a survey definition."""

from typing import Any

from pydantic import Field

from stdask.config.survey_tables import Label


class Elements(Label):
    """Labels of many elements at once, whose columns are named alike.

    Each element is a label as in `[labels.NAME]`. In all texts, `{Xx}` stands for the symbol of the element, e.g. Mg,
    `{X}` for MG and `{x}` for mg. Labels that are written under their own names take precedence.
    """

    symbols: tuple[str, ...] = Field(min_length=1)
    """Symbols of the elements, e.g. `["C", "N", "Mg"]`."""
    label: str = "{X}_FE"
    """Name of the label of an element."""

    def labels(self) -> dict[str, Label]:
        """Return the label of each element, by its name."""
        pattern = self.model_dump(exclude={"symbols", "label"})
        return {_filled(self.label, symbol): Label.model_validate(_filled(pattern, symbol)) for symbol in self.symbols}


def _filled(pattern: Any, symbol: str) -> Any:
    """Return texts, also inside lists and tables, with the symbol of an element in its places."""
    if isinstance(pattern, str):
        return pattern.replace("{Xx}", symbol).replace("{X}", symbol.upper()).replace("{x}", symbol.lower())
    if isinstance(pattern, dict):
        return {key: _filled(value, symbol) for key, value in pattern.items()}
    if isinstance(pattern, list | tuple):
        return [_filled(value, symbol) for value in pattern]
    return pattern
