"""The results in the folder of a run, or of the atlas of a table: tables, catalogues, figures and the report."""

from pathlib import Path
from typing import TYPE_CHECKING

from stdask.config.messages import nearest
from stdask.config.toml import local_path
from stdask.errors import CatalogueError
from stdask.runs.run_file import known_run
from stdask.storage import paths
from stdask.storage.catalogue.catalogue import Catalogue, open_catalogue

if TYPE_CHECKING:
    from astropy.table import Table


class RunFolder:
    """The results of a run, opened one by one.

    Parameters
    ----------
    folder
        The run folder, or the output folder of an atlas.

    Examples
    --------
    >>> import stdask
    >>> run = stdask.load_run("stdask-demo")
    >>> run.catalogues
    ['merged', 'mock_a', 'mock_a_on_mock_b', 'mock_b']
    >>> run.table("gradients")["LABEL"].description
    'Label whose slope is given; HEIGHT is |Z|'
    """

    def __init__(self, folder: Path | str) -> None:
        self.folder = local_path(folder).resolve()
        results = [paths.ensemble(self.folder), paths.evaluation(self.folder), paths.products(self.folder)]
        further = [paths.validation(self.folder), paths.study(self.folder)]
        self._folders = [self.folder, *results, *further]

    def __repr__(self) -> str:
        """Return the folder and the names of what can be opened."""
        parts = {"tables": self.tables, "catalogues": self.catalogues, "figures": list(self.figures)}
        parts["surveys"] = list(self.surveys)
        lines = [f"  {kind}: {', '.join(names)}" for kind, names in parts.items() if names]
        return "\n".join([f"<RunFolder {self.folder}", *lines]) + ">"

    @property
    def tables(self) -> list[str]:
        """The names of the tables that are there: accuracy, coverage, gradients, profiles, maps and others."""
        return sorted(self._tables())

    def table(self, name: str) -> "Table":
        """Return a table with units and descriptions.

        Raises
        ------
        CatalogueError
            If there is none of this name, or it is damaged.
        """
        from stdask.storage.documents import read_ecsv
        from stdask.storage.memory_tables import to_astropy
        from stdask.storage.tables import read_parquet

        path = self._tables().get(name)
        if path is None:
            raise CatalogueError(_unknown("table", name, self.tables, self.folder))
        return read_ecsv(path) if path.suffix == ".ecsv" else to_astropy(read_parquet(path))

    @property
    def catalogues(self) -> list[str]:
        """The names of the finished catalogues."""
        return sorted(path.parent.name for path in self.folder.glob("catalogues/*/hats.properties"))

    def catalogue(self, name: str) -> Catalogue:
        """Return a catalogue.

        Raises
        ------
        CatalogueError
            If there is none of this name, or it is damaged.
        """
        if name not in self.catalogues:
            raise CatalogueError(_unknown("catalogue", name, self.catalogues, self.folder))
        return open_catalogue(paths.catalogue(self.folder, name))

    @property
    def surveys(self) -> dict[str, "RunFolder"]:
        """The results of the second and later surveys of a run file of many surveys, by the names of the surveys."""
        known = known_run(self.folder)
        return {part.definition_a.name: RunFolder(part.output) for part in (known.further if known else ())}

    @property
    def figures(self) -> dict[str, Path]:
        """The figures by name: paths of PNG files."""
        return {path.stem: path for folder in self._folders for path in sorted(folder.glob("*.png"))}

    @property
    def card(self) -> str:
        """The model card of the ensemble; empty where nothing was trained."""
        path = paths.card(self.folder)
        return path.read_text(encoding="utf-8") if path.exists() else ""

    @property
    def report(self) -> Path:
        """The page of the report, to open in a browser."""
        return paths.report(self.folder)

    def _tables(self) -> dict[str, Path]:
        found: dict[str, Path] = {}
        for suffix in ("parquet", "ecsv"):  # of two with one name, the latter has all columns
            found |= {path.stem: path for folder in self._folders for path in folder.glob(f"*.{suffix}")}
        return found


def load_run(folder: Path | str) -> RunFolder:
    """Open the results of a run, or of the atlas of a table.

    Raises
    ------
    CatalogueError
        If nothing has been run there.
    """
    run = RunFolder(folder)
    if not any(run.folder.glob("receipts/*.json")):
        raise CatalogueError(f"{run.folder} holds no results of stdask. Name the `output` folder of a run.")
    return run


def _unknown(kind: str, name: str, known: list[str], folder: Path) -> str:
    near = nearest(name, known)
    hint = f"Did you mean {near!r}?" if near else f"It has {', '.join(known) or 'none'}."
    return f"{folder} has no {kind} {name!r}. {hint}"
