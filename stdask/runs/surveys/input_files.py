"""The files that a stage reads from outside the run folder."""

from contextlib import suppress
from pathlib import Path

from stdask.config.run import Run
from stdask.config.stages import KnownStars, SurveyConfig
from stdask.config.survey_files import MAIN, README, NamedFile
from stdask.runs.registry import entry_of


def input_files(run: Run, stage: str) -> dict[str, Path]:
    """Return the files that a stage reads from outside the run folder, by the name of the input."""
    files: dict[str, Path] = {}
    for name in entry_of(run, stage).files:
        table, _, key = name.partition(".")
        value = getattr(getattr(run.config, table), key)
        if isinstance(value, SurveyConfig):
            tables = run.survey_files(key)
            files |= {file.path.name if t == MAIN else f"{t} {file.path.name}": file.path for t, file in tables.items()}
            files |= {f"{t} {readme.name}": readme for t, file in tables.items() if (readme := _readme_of(file))}
            ebv_map = run.definition(key).ebv_map
            files |= {f"ebv_map {ebv_map}": run.data_dir / ebv_map} if ebv_map else {}
        elif isinstance(value, Path | KnownStars):
            files[key] = run.data_dir / (value if isinstance(value, Path) else value.file)
        else:  # lists of stars, or no file at all
            files |= {str(stars.file): run.data_dir / stars.file for stars in value or ()}
    return files


def _readme_of(file: NamedFile) -> Path | None:
    """Return the file that describes the columns of tables of CDS, if there is one with a table of a survey."""
    if not isinstance(file.path, Path):
        return None  # at an address
    with suppress(PermissionError):  # which the reader of the table reports in more words
        folder = file.path if file.path.is_dir() else file.path.parent
        readme = folder / (file.hints.readme or README)
        return readme if readme.is_file() else None
    return None
