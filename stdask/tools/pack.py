"""Pack: a trained ensemble as one file for others."""

from pathlib import Path

from stdask.display.console import say
from stdask.errors import EnsembleError
from stdask.runs.ensemble import pack_ensemble

SUFFIX = ".stdask"


def pack(path: Path, bundle: Path, overwrite: bool) -> None:
    """Write a trained ensemble as one file.

    Parameters
    ----------
    path
        Folder of the run that trained it, or of the ensemble.
    bundle
        File to write.
    overwrite
        Replace the file if it exists.

    Raises
    ------
    EnsembleError
        If there is no ensemble, or the file must not be written.
    """
    if bundle.suffix != SUFFIX:
        raise EnsembleError(f"The name of {bundle} must end in {SUFFIX}: change it.")
    if bundle.exists() and not overwrite:
        raise EnsembleError(f"{bundle} exists. Choose another name or add --overwrite.")
    ensemble = pack_ensemble(path, bundle)
    say(f"{bundle}: {ensemble.name}, {bundle.stat().st_size / 1e6:.1f} MB, digest {ensemble.digest}")
