"""The tables of evaluate: the words in them that more than one reader knows."""

from collections.abc import Mapping
from typing import Any

ALL = "all"  # the group of all stars
CALIBRATED, DRAWN = "calibrated error", "draws"  # the two intervals of a prediction
MIN_GROUP = 30  # test stars; of fewer, chance alone moves a covered share by 9 % and more
COLOURS = "colours"  # the player, as an input is named


def is_shown(row: Mapping[str, Any]) -> bool:
    """Tell whether figure and report show a row of importance: every input, and the colours as one."""
    return row["players"] == "inputs" or row["input"] == COLOURS
