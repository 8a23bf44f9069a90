"""Put one spectroscopic survey on another survey's scale, for catalogues of any size."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from stdask.storage.catalogue.catalogue import open_catalogue

__version__ = "0.7.0"

# Where the public names are. Each is imported when it is first used, so that `import stdask` costs nothing.
_PLACES = {
    "open_catalogue": "stdask.storage.catalogue.catalogue",
}
__all__ = ["__version__", "open_catalogue"]


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(f"module 'stdask' has no attribute {name!r}")
    return getattr(import_module(_PLACES[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
