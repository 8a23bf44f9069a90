"""A table for the CDS: columns of fixed width, and the ReadMe that describes them byte by byte.

The standard is that of https://cds.unistra.fr/doc/catstd.htx. cdspyreadme, of the CDS, writes the ReadMe; the table is
written here, partition by partition, because cdspyreadme takes half a minute for a million values, and shifts columns
that need exponents.
"""

import io
import re
from pathlib import Path
from textwrap import fill

import numpy as np
import pyarrow as pa
from astropy import units as u
from astropy.table import MaskedColumn, Table

from stdask import __version__
from stdask.errors import ConfigError
from stdask.schema import HEALPIX, Column
from stdask.storage.export.excerpt import Excerpt
from stdask.storage.export.fixed_width import FixedColumn, measure, plain_text
from stdask.storage.files import replacing

README = "ReadMe"
# labels that the standard prescribes, or that must begin with a letter
LABELS = {"ra": "RAdeg", "dec": "DEdeg", HEALPIX.name: "HEALPix"}
GRAVITY = "phys.gravity"  # UCD of what the standard calls [cm/s2]: the logarithm of a surface gravity
NO_UNIT = "---"
JOINT = "\xa0"  # a blank at which no line ends: astropy takes a line that begins with a number for the next column


def write_cds(path: Path, excerpt: Excerpt) -> None:
    """Write a table of fixed width, and next to it the file `ReadMe`. Logicals are 0 or 1; what is missing is blank.

    Parameters
    ----------
    path
        File of the table, written atomically.
    excerpt
        What to write. Floats are rounded, those of single precision to seven digits of the largest value.

    Raises
    ------
    ConfigError
        If cdspyreadme is not installed.
    CatalogueError
        If a value is infinite.
    """
    try:
        from cdspyreadme import CDSTablesMaker
    except ImportError:
        raise ConfigError("Tables for the CDS need cdspyreadme: pip install 'stdask[cds]'.") from None
    fixed = measure(excerpt)
    with replacing(path) as table_file, replacing(path.with_name(README)) as readme:
        with table_file.open("wb") as file:
            for table in excerpt.tables():
                if table.num_rows:
                    file.write(_lines(table, fixed))
        maker = CDSTablesMaker()
        described = maker.addTable(_like(excerpt, fixed), name=path.name, description="The catalogue")
        described.nlines = excerpt.n_rows
        for column, own in zip(excerpt.columns, fixed, strict=True):
            label = described.get_column(_label(column))
            label.unit = _cds_unit(column)
            label.set_format(own.fortran)
            label.parse()
        maker.setReadmeTemplate(str(Path(__file__).with_name("ReadMe.template")), _texts(excerpt))
        text = io.StringIO()
        with np.errstate(over="ignore"):  # of the absolute value of the smallest integer, a limit that is not written
            maker.makeReadMe(text)
        readme.write_text(text.getvalue().replace(JOINT, " "), encoding="ascii")


def _lines(table: pa.Table, fixed: list[FixedColumn]) -> bytes:
    """Return rows as lines, with a blank between columns."""
    ends = np.cumsum([own.width + 1 for own in fixed])
    text = np.full((table.num_rows, ends[-1]), ord(" "), dtype=np.uint8)
    for own, end in zip(fixed, ends, strict=True):
        cells = own.print(table.column(own.name).combine_chunks())
        text[:, end - own.width - 1 : end - 1] = cells.view(np.uint8).reshape(-1, own.width)
    text[:, -1] = ord("\n")
    return text.tobytes()


def _like(excerpt: Excerpt, fixed: list[FixedColumn]) -> Table:
    """Return a table of three rows that has the ranges of the columns, and whether values are missing."""
    table = Table()
    for column, own in zip(excerpt.columns, fixed, strict=True):
        text = plain_text(column.description)
        if column.unit and _cds_unit(column) == NO_UNIT:
            text = f"{text} [{column.unit}]".lstrip()
        text = re.sub(r" (?=\d)", JOINT, text)
        values = [own.low, own.high, own.low]
        mask = [False, False, own.missing]
        table[_label(column)] = MaskedColumn(values, mask=mask, description=text or column.name)
    return table


def _texts(excerpt: Excerpt) -> dict[str, str]:
    """Return what the template of the ReadMe has places for."""
    provenance, epoch = excerpt.provenance, excerpt.catalogue.epoch
    about = [f"Written by stdask {__version__} from the catalogue {excerpt.catalogue.name}."]
    about += [f"Rows that fulfil: {provenance['where']}."] if "where" in provenance else []
    about += ["Positions are ICRS" + (f" at the epoch J{epoch}." if epoch else ".")]
    about += ["Logical columns are 1 for true and 0 for false. Missing values are blank."]
    references = provenance.get("reference", "NONE KNOWN").split("; ")
    return {
        "short": plain_text(excerpt.catalogue.name)[:36],
        "title": fill(plain_text(provenance.get("title", excerpt.catalogue.name)), 80),
        "about": fill(plain_text(" ".join(about)), 80, initial_indent="    ", subsequent_indent="    "),
        "references": "\n".join(
            fill(plain_text(text), 80, initial_indent="    ", subsequent_indent="      ") for text in references
        ),
        "creator": f"stdask {__version__}",
    }


def _label(column: Column) -> str:
    return LABELS.get(column.name, re.sub(r"\s", "_", plain_text(column.name)))


def _cds_unit(column: Column) -> str:
    """Return a unit as the CDS spells it; --- for none."""
    if column.unit == "dex":
        return "[cm/s2]" if column.ucd.split(";")[-1] == GRAVITY else "[-]"
    try:
        return u.Unit(column.unit).to_string("cds") or NO_UNIT
    except ValueError:
        return NO_UNIT
