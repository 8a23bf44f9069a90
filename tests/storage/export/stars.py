"""A catalogue of several partitions with every kind of column that an export can meet, and its comparison."""

from pathlib import Path

import numpy as np
import pyarrow as pa
from astropy.table import Table

from stdask import schema
from stdask.schema import Column
from stdask.science.sky.healpix import assign_tiles, sky_index, tile_sky
from stdask.storage.catalogue.catalogue import Catalogue
from stdask.storage.catalogue.hats import finish_catalogue, write_partition
from stdask.storage.tables import to_table
from tests.storage.sky import star_data

COLUMNS = (
    schema.HEALPIX,
    Column("survey_id", "string", "", "meta.id;meta.main", "Id in a survey"),
    schema.SOURCE_ID,
    schema.STAR_KEY,
    *schema.POSITION,
    *schema.PROPER_MOTION,
    *schema.measured_columns("TEFF"),
    *schema.measured_columns("LOGG"),
    *schema.translated_columns("FE_H"),
    Column("flags", "uint16", "", "meta.code", "A column kept from the survey, of a type VOTable does not know"),
    Column("visits", "int16", "", "meta.number", "A column kept from the survey"),
    Column("variable", "bool", "", "meta.code", "True if the star varies, null if nobody looked"),
    Column("remark", "string", "", "meta.note", "Text with commas, quotes and letters beyond ASCII: é"),
    Column("ew", "float64", "furlong/jiffy", "", "A column kept from the survey, in a unit that no standard has"),
    Column("bare", "float32"),
    schema.GOOD,
)
REMARKS = ("a, b", 'the "best"', "", None, "étoile", "two  blanks", "plain")
EPOCH = 2016.0
PROVENANCE = {"title": "A test", "reference": "Jönsson et al. 2020, AJ 160, 120", "stage_key": "0123abcd" * 8}


def write_stars(folder: Path, n_stars: int = 300, most: int = 60) -> Catalogue:
    """Write a catalogue of at least three partitions; floats are missing in it, and integers, logicals and text."""
    rng = np.random.default_rng(5)
    data = star_data(n_stars)
    index = np.arange(n_stars)
    for column in COLUMNS:
        if column.name not in data and column.dtype.startswith("float"):
            data[column.name] = np.where(index % 6 == 1, np.nan, rng.normal(0, 10.0 ** rng.integers(-6, 6), n_stars))
    data["variable"] = pa.array(rng.random(n_stars) < 0.3, mask=index % 5 == 0)
    data["remark"] = pa.array([REMARKS[i % len(REMARKS)] for i in index])
    table = to_table(COLUMNS, data)
    pixels = sky_index(data["ra"], data["dec"])
    tiles = tile_sky(np.sort(pixels), np.ones(n_stars), most)
    numbers = assign_tiles(pixels, tiles)
    for number, tile in enumerate(tiles):
        write_partition(folder, tile, table.filter(pa.array(numbers == number)), {})
    rows = {tile: int((numbers == number).sum()) for number, tile in enumerate(tiles)}
    assert len(rows) > 2
    return finish_catalogue(folder, "stars", COLUMNS, rows, {}, EPOCH)


def assert_same(table: Table, stars: pa.Table, ascii_text: bool = False) -> None:
    """Compare a table that astropy read with the catalogue: names, values and what is missing.

    Missing floats may be NaN or masked, and missing text empty or masked: formats differ in this.
    """
    assert table.colnames == stars.column_names
    for name in table.colnames:
        expected, read = stars[name].to_pylist(), np.ma.asarray(table[name])
        values = [None if m else v for v, m in zip(np.ma.getdata(read).tolist(), np.ma.getmaskarray(read), strict=True)]
        kind = stars.schema.field(name).type
        if pa.types.is_string(kind):
            expected = [(v or "").encode("ascii", "replace").decode() if ascii_text else v or "" for v in expected]
            values = [v.decode() if isinstance(v, bytes) else v or "" for v in values]
        if pa.types.is_floating(kind):
            numbers = np.array([np.nan if v is None else v for v in values])
            values = numbers.astype(kind.to_pandas_dtype())  # text gives doubles
            np.testing.assert_array_equal(values, stars[name].to_numpy(), err_msg=name)
        elif name == "STAR_KEY":  # digits in VOTables, which have no such type
            assert [int(v) for v in values] == expected
        else:
            assert values == expected, name
