"""A small catalogue over the whole sky with every kind of column."""

from pathlib import Path

import numpy as np
import pyarrow as pa

from stdask import schema
from stdask.schema import Column
from stdask.science.sky.healpix import assign_tiles, sky_index, tile_sky
from stdask.storage.catalogue.catalogue import Catalogue
from stdask.storage.catalogue.hats import finish_catalogue, write_partition
from stdask.storage.tables import to_column, to_table

COLUMNS = (
    schema.HEALPIX,
    Column("survey_id", "string", "", "meta.id;meta.main", "Id in a survey"),
    schema.SOURCE_ID,
    schema.STAR_KEY,
    *schema.POSITION,
    *schema.measured_columns("TEFF"),
    *schema.measured_columns("RV"),
    Column("flags", "uint16", "", "meta.code", "A column kept from the survey, of a type VOTable does not know"),
    Column("visits", "int16", "", "meta.number", "A column kept from the survey"),
    schema.GOOD,
)


def star_data(n_stars: int, seed: int = 1) -> dict:
    """Return the columns of `n_stars` over the sky, half of them crowded at a point, with NaN and nulls."""
    rng = np.random.default_rng(seed)
    ra, dec = rng.uniform(0, 360, n_stars), np.degrees(np.arcsin(rng.uniform(-1, 1, n_stars)))
    crowd = slice(0, n_stars // 2)
    ra[crowd], dec[crowd] = rng.normal(56, 3, n_stars // 2), rng.normal(24, 3, n_stars // 2)
    teff = rng.normal(4800, 300, n_stars)
    teff[3::7] = np.nan
    ids = [f"2M{i:08d}" + "+" * (i % 5) for i in range(n_stars)]
    gaia = rng.integers(2**62, 2**63 - 1, n_stars)
    return {
        "_healpix_29": sky_index(ra, dec),
        "survey_id": pa.array([None if i % 11 == 5 else value for i, value in enumerate(ids)]),
        "SOURCE_ID": pa.array(gaia, mask=np.arange(n_stars) % 9 == 4),
        "STAR_KEY": rng.integers(0, 2**64, n_stars, dtype=np.uint64),
        "ra": ra,
        "dec": dec,
        "TEFF": teff,
        "TEFF_ERR": np.full(n_stars, 20.0),
        "RV": rng.normal(0, 80, n_stars),
        "RV_ERR": np.full(n_stars, 0.5),
        "flags": rng.integers(0, 2**16, n_stars, dtype=np.uint16),
        "visits": pa.array(rng.integers(1, 9, n_stars, dtype=np.int16), mask=np.arange(n_stars) % 8 == 2),
        "GOOD": rng.random(n_stars) < 0.7,
    }


def write_sky(folder: Path, n_stars: int = 600, most: int = 60) -> tuple[Catalogue, pa.Table]:
    """Write the stars as a catalogue; return it, and the stars in the order of the sky."""
    return write_stars(folder, to_table(COLUMNS, star_data(n_stars)), most)


def write_stars(folder: Path, table: pa.Table, most: int) -> tuple[Catalogue, pa.Table]:
    """Write a table as a catalogue of that name; return it, and the stars in the order of the sky."""
    table = table.take(np.argsort(table.column("_healpix_29").to_numpy(), kind="stable"))
    index = table.column("_healpix_29").to_numpy()
    tiles = tile_sky(index, np.ones(table.num_rows), most)
    numbers = assign_tiles(index, tiles)
    for number, tile in enumerate(tiles):
        shuffled = np.random.default_rng(number).permutation(np.flatnonzero(numbers == number))
        write_partition(folder, tile, table.take(shuffled), {"stdask.made_by": "a test"})
    rows = {tile: int((numbers == number).sum()) for number, tile in enumerate(tiles)}
    columns = tuple(map(to_column, table.schema))
    return finish_catalogue(folder, folder.name, columns, rows, {"stdask_key": "k=v"}), table
