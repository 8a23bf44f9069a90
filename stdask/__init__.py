"""Put one spectroscopic survey on another survey's scale, for catalogues of any size."""

from importlib import import_module

TYPE_CHECKING = False  # type checkers take it for that of `typing`, which is slow to import
if TYPE_CHECKING:
    from stdask.runs.folder import load_run
    from stdask.storage.catalogue.catalogue import open_catalogue
    from stdask.tools.atlas import draw_atlas
    from stdask.tools.run import run
    from stdask.translator import Translator

__version__ = "0.12.0"
__all__ = ["Translator", "__version__", "draw_atlas", "load_run", "open_catalogue", "run"]

# Modules of the public names. Each is imported when it is first used, so that `import stdask` takes no time.
_MODULES = {
    "Translator": "stdask.translator",
    "draw_atlas": "stdask.tools.atlas",
    "load_run": "stdask.runs.folder",
    "open_catalogue": "stdask.storage.catalogue.catalogue",
    "run": "stdask.tools.run",
}


def __getattr__(name: str) -> object:
    if name not in _MODULES:
        raise AttributeError(f"module 'stdask' has no attribute {name!r}")
    return getattr(import_module(_MODULES[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
