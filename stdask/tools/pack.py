"""Pack: a trained ensemble as one file for others."""

import re
from pathlib import Path

from stdask.display.console import say
from stdask.errors import ConfigError, EnsembleError
from stdask.runs.card.head import is_evaluated, with_license
from stdask.runs.ensemble import pack_ensemble
from stdask.runs.run_file import reopen_run
from stdask.runs.stage import digest_of

SUFFIX = ".stdask"
SPDX = re.compile(r"[A-Za-z0-9][A-Za-z0-9.+-]*")


def pack(path: Path, bundle: Path, overwrite: bool, license_name: str | None = None) -> None:
    """Write a trained ensemble as one file.

    Parameters
    ----------
    path
        Folder of the run that trained it, or its run file; or the folder of the ensemble.
    bundle
        File to write.
    overwrite
        Replace the file if it exists.
    license_name
        SPDX identifier of the licence that the card of the file states; None leaves it as it is.

    Raises
    ------
    ConfigError
        If the run file has several translated surveys.
    EnsembleError
        If there is no ensemble, the file must not be written, or the licence is no identifier.
    CatalogueError
        If the run file was changed since the training.
    """
    if bundle.suffix != SUFFIX:
        raise EnsembleError(f"The name of {bundle} must end in {SUFFIX}: change it.")
    if bundle.exists() and not overwrite:
        raise EnsembleError(f"{bundle} exists. Choose another name or add --overwrite.")
    if license_name and not SPDX.fullmatch(license_name):
        raise EnsembleError(f"{license_name!r} is no SPDX identifier of a licence. Write e.g. --license cc-by-4.0.")
    if path.suffix == SUFFIX and path.is_file():
        raise EnsembleError(f"{path} is packed already: copy it.")
    if path.is_file():
        run = reopen_run(path)
        if run.further:
            raise ConfigError(
                f"{path} translates {len(run.parts)} surveys, and a packed ensemble is of one. Name the folder of its "
                f"run: {', '.join(str(part.output) for part in run.parts)}."
            )
        digest_of(run, "train")
        path = run.output
    ensemble = pack_ensemble(path, bundle, lambda card: with_license(card, license_name) if license_name else card)
    if not is_evaluated(ensemble.card):
        say("  The card has no accuracy. Run `stdask evaluate` and pack again, so that others know it.", "yellow")
    say(f"{bundle}: {ensemble.name}, {bundle.stat().st_size / 1e6:.1f} MB, digest {ensemble.digest}")
