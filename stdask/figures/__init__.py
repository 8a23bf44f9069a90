"""Arrays in, Matplotlib figures out."""

import logging

from stdask.errors import ConfigError

_logger = logging.getLogger("matplotlib")
_level = _logger.level
_logger.setLevel(logging.ERROR)  # What a matplotlibrc file sets is not used: neither is what is wrong with it reported.
try:
    import matplotlib  # noqa: F401 - reads that file
except UnicodeDecodeError as exc:
    raise ConfigError(
        f"Matplotlib cannot read a file matplotlibrc, in the working directory or in ~/.config/matplotlib: {exc}. "
        "Save it as UTF-8, or remove it."
    ) from None
finally:
    _logger.setLevel(_level)
