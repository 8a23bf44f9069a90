"""The columns of a translated catalogue that Thomas et al. 2024 publish in their Table A.1."""

from collections.abc import Iterable

from stdask.errors import ConfigError
from stdask.schema.catalogues import SOURCE_ID, Column
from stdask.schema.translated import PERCENTILES

ENDINGS = (*(f"_PRED_{p}" for p in PERCENTILES), "_PRED_ERR")
FLAGS = ("FLAG_MISSING_INPUTS_", "QFLAG_INPUT_", "QFLAG_OUTPUT_", "QFLAG_COMMENTS")


def published_columns(columns: Iterable[Column]) -> list[str]:
    """Return those columns of a translated catalogue that Table A.1 has: ids, predictions and flags.

    Parameters
    ----------
    columns
        All columns of the catalogue.

    Raises
    ------
    ConfigError
        If none of them is a prediction.
    """
    columns = list(columns)
    ids = [c.name for c in columns if c.ucd == "meta.id;meta.main" or c.name == SOURCE_ID.name]
    predictions = [c.name for c in columns if c.name.endswith(ENDINGS)]
    flags = [c.name for c in columns if c.name.startswith(FLAGS)]
    if not predictions:
        raise ConfigError(
            "The columns of Table A.1 are those of a translated catalogue (catalogues/<a>_on_<b>), and this one has "
            "none of them. Name its columns with --columns."
        )
    return ids + predictions + flags
