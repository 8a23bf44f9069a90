"""Where everything lies in a run folder: pure functions from path to path."""

from pathlib import Path

from stdask.science.healpix import Pixel

RUN_COPY = "run.json"
REJECTED = "rejected.parquet"


def catalogue(output: Path, name: str) -> Path:
    """Return the folder of a catalogue."""
    return output / "catalogues" / name


def translated_name(a: str, b: str) -> str:
    """Return the name of catalogue A on the scale of B."""
    return f"{a}_on_{b}"


def pairs(output: Path, a: str, b: str) -> Path:
    """Return the table of the stars in both surveys."""
    return output / "pairs" / f"{a}_{b}.parquet"


def ensemble(output: Path) -> Path:
    """Return the folder of the trained networks."""
    return output / "ensemble"


def history(output: Path) -> Path:
    """Return the learning curves of the trained networks."""
    return ensemble(output) / "history.ecsv"


def card(output: Path) -> Path:
    """Return the model card of the trained networks."""
    return ensemble(output) / "card.md"


def evaluation(output: Path) -> Path:
    """Return the folder of evaluate's tables and figures."""
    return output / "evaluation"


def validation(output: Path) -> Path:
    """Return the folder of validate's tables."""
    return output / "validation"


def study(output: Path) -> Path:
    """Return the folder of the study's table."""
    return output / "study"


def products(output: Path) -> Path:
    """Return the folder of maps and profiles."""
    return output / "products"


def report(output: Path) -> Path:
    """Return the report page."""
    return output / "report" / "index.html"


def receipt(output: Path, stage: str) -> Path:
    """Return the receipt of a stage."""
    return output / "receipts" / f"{stage}.json"


def partition_log(output: Path, stage: str) -> Path:
    """Return the log of the partitions that a stage has finished."""
    return output / "receipts" / f"{stage}.partitions.jsonl"


def partition(folder: Path, pixel: Pixel) -> Path:
    """Return the Parquet file of one partition of a HATS catalogue."""
    directory = pixel.pixel // 10_000 * 10_000
    return folder / "dataset" / f"Norder={pixel.order}" / f"Dir={directory}" / f"Npix={pixel.pixel}.parquet"


def scratch(folder: Path) -> Path:
    """Return where a catalogue's pieces lie while it is written; gone when it is finished."""
    return folder / "scratch"
