"""Where everything lies in a run folder: pure functions from path to path."""

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # HEALPix is slow to import, and commands that only read receipts need paths too
    from stdask.science.sky.healpix import Pixel

RUN_COPY = "run.json"
REJECTED = "rejected.parquet"
SEPARATIONS = "separations.png"  # of the pairs
CUTS = "cuts.ecsv"  # this and the next two lie in the folder of a catalogue
VALUES = "columns.ecsv"
REPEATS = "repeats.ecsv"
MERGED = "merged"  # the name of the merged catalogue
MARGIN = "margin"  # the name of every margin of a catalogue


def catalogue(output: Path, name: str) -> Path:
    """Return the folder of a catalogue."""
    return output / "catalogues" / name


def collection(folder: Path) -> Path:
    """Return the folder that joins a HATS catalogue and its margin: it lies next to the catalogue."""
    return folder.with_name(f"{folder.name}_collection")


def margin(folder: Path) -> Path:
    """Return the folder of the margin of a HATS catalogue."""
    return collection(folder) / MARGIN


def translated_name(a: str, b: str) -> str:
    """Return the name of catalogue A on the scale of B."""
    return f"{a}_on_{b}"


def pairs(output: Path, a: str, b: str) -> Path:
    """Return the table of the stars in both surveys."""
    return output / "pairs" / f"{a}_{b}.parquet"


def repeats(output: Path) -> Path:
    """Return the folder of the stars that several of the translated surveys of a merge have."""
    return output / "repeats"


def closure(output: Path) -> Path:
    """Return the folder of the comparison of translated surveys with one another."""
    return output / "closure"


def ensemble(output: Path) -> Path:
    """Return the folder of the trained networks."""
    return output / "ensemble"


def members(output: Path, stage: str) -> Path:
    """Return the folder where a stage keeps its trained networks, so that they are not trained twice."""
    return output / ".stdask_members" / stage


def history(output: Path) -> Path:
    """Return the learning curves of the trained networks."""
    return ensemble(output) / "history.ecsv"


def card(output: Path) -> Path:
    """Return the model card of the trained networks."""
    return ensemble(output) / "card.md"


def evaluation(output: Path) -> Path:
    """Return the folder of evaluate's tables and figures."""
    return output / "evaluation"


def population(output: Path) -> Path:
    """Return the table of the bias of stars that are unlike the pairs, as evaluate estimates it."""
    return evaluation(output) / "population.ecsv"


def validation(output: Path) -> Path:
    """Return the folder of validate's tables."""
    return output / "validation"


def study(output: Path) -> Path:
    """Return the folder of the study's table."""
    return output / "study"


def products(output: Path) -> Path:
    """Return the folder of maps and profiles."""
    return output / "products"


def keys(output: Path) -> Path:
    """Return the folder of the stars' keys while atlas sorts them."""
    return output / ".stdask_keys"


def map_stem(folder: Path, view: str) -> Path:
    """Return the path of the files of a map, without their endings."""
    return folder / f"map_{view}"


def report(output: Path) -> Path:
    """Return the report page."""
    return output / "report" / "index.html"


def performance(output: Path, stage: str) -> Path:
    """Return Dask's page of what the workers did in a stage."""
    return output / "report" / "dask" / f"{stage}.html"


def progress(output: Path) -> Path:
    """Return the note of how far a run is."""
    return output / "progress.json"


def receipt(output: Path, stage: str) -> Path:
    """Return the receipt of a stage."""
    return output / "receipts" / f"{stage}.json"


def failures(output: Path, stage: str) -> Path:
    """Return the list of the tasks of a stage that failed again and again."""
    return output / "receipts" / f"{stage}.failed.json"


def lock(output: Path) -> Path:
    """Return the file that says which live run uses the run folder."""
    return output / "run.lock"


def damaged(output: Path) -> Path:
    """Return the list of the files that verify found damaged."""
    return output / "receipts" / "damaged.json"


def ledger(output: Path, stage: str, name: str) -> Path:
    """Return the list of the tasks that a stage has finished: `name` says of which kind."""
    return output / "receipts" / f"{stage}.{name}.jsonl"


def cluster(output: Path) -> Path:
    """Return the folder of the job script and the certificates, for the user's eyes alone."""
    return output / "cluster"


def jobs_left(output: Path) -> Path:
    """Return the note of the batch jobs that a run has in the queue."""
    return cluster(output) / "jobs.json"


def logs(output: Path) -> Path:
    """Return the folder of the jobs' logs, one folder a start."""
    return output / "logs"


def library_log(output: Path) -> Path:
    """Return the file of what libraries printed while commands worked in the folder."""
    return logs(output) / "libraries.log"


def partition(folder: Path, pixel: "Pixel") -> Path:
    """Return the Parquet file of one partition of a HATS catalogue."""
    directory = pixel.pixel // 10_000 * 10_000
    return folder / "dataset" / f"Norder={pixel.order}" / f"Dir={directory}" / f"Npix={pixel.pixel}.parquet"


def rejected_part(folder: Path, pixel: "Pixel") -> Path:
    """Return the file of the rows set aside in one partition; any Parquet reader opens all of them by their folder."""
    return folder / REJECTED / f"part-{pixel.first_index:019d}.parquet"  # in the order of the sky


def scratch(folder: Path) -> Path:
    """Return where a catalogue's pieces lie while it is written; gone when it is finished."""
    return folder / "scratch"
