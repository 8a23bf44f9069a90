"""Put one spectroscopic survey on another survey's scale, for catalogues of any size."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from stdask.storage.catalogue.catalogue import open_catalogue
    from stdask.translator import Translator

__version__ = "0.7.0"
__all__ = ["Translator", "__version__", "open_catalogue"]

# Modules of the public names. Each is imported when it is first used, so that `import stdask` takes no time.
_MODULES = {
    "Translator": "stdask.translator",
    "open_catalogue": "stdask.storage.catalogue.catalogue",
}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module 'stdask' has no attribute {name!r}")
    return getattr(import_module(_MODULES[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
