"""Mock surveys of one mock Galaxy: A on a scale of its own, B on the true one, C if wanted; the truth of every row."""

from dataclasses import dataclass, field, replace
from typing import NamedTuple, Protocol

import numpy as np

from stdask.errors import ConfigError
from stdask.mock.observing import ALPHA_M_BAD, M_H_BAD, STAR_BAD, observe_a, observe_b
from stdask.mock.sky import BOTH, CLUSTERS, INFRARED, OPTICAL, draw_footprints, draw_stars
from stdask.mock.third import DEEP, draw_fields_c, known_to_c, observe_c
from stdask.science.keys.seeds import generator

Table = dict[str, np.ndarray]

REPEATS_A, REPEATS_B, REPEATS_C = 0.04, 0.02, 0.03  # rows that observe a star of the table again
SAME_IDS = 3  # rows that stand twice, id and all
NO_POSITION, SENTINEL = 1e-4, 2e-4  # shares of rows without a position, and with -9999 in place of a label
MISSING = -9999.0
USABLE_SHARE = 0.33  # of the stars in both surveys, at least: says how many to draw
MAX_EBV = 0.3  # mag; Thomas et al. 2024, sect. 3.2
TRUTHS = ("TEFF", "LOGG", "FE_H", "MG_FE", "RV", "DISTANCE", "X_GC", "Y_GC", "Z_GC", "R_GC")


class _Columns(NamedTuple):
    """Columns of a survey: its ids, right ascension and declination, and its labels."""

    id: str
    ra: str
    dec: str
    labels: tuple[str, ...]


COLUMNS_A = _Columns("sobject_id", "ra", "dec", ("teff", "logg", "fe_h", "mg_fe", "rv_galah"))
COLUMNS_B = _Columns("APOGEE_ID", "RA", "DEC", ("TEFF", "LOGG", "M_H", "MG_FE", "VHELIO_AVG"))
COLUMNS_C = _Columns("obsid", "ra", "dec", ("teff", "logg", "feh", "mgfe", "rv"))


@dataclass(frozen=True)
class MockSurveys:
    """The survey tables, the truth of each of their rows, and the star clusters of the mock Galaxy.

    A truth table has `id` (that of the row), `TRUTHS` (K, dex, km/s, kpc), `population` (thin, thick or
    cluster) and `cluster` (its name or empty). Survey B measures these values plus noise: the truth of
    A's rows is what a perfect translation to B's scale gives.
    """

    a: Table
    b: Table
    truth_a: Table
    truth_b: Table
    clusters: Table  # name, ra, dec [deg], distance [kpc], rhalf_arcmin
    c: Table = field(default_factory=dict)  # empty without a third survey
    truth_c: Table = field(default_factory=dict)


class _Observe(Protocol):
    def __call__(self, stars: Table, rng: np.random.Generator, is_repeat: bool = False) -> Table: ...


def mock_surveys(n_a: int, n_b: int, n_common: int, seed: int, n_c: int = 0) -> MockSurveys:
    """Observe one mock Galaxy with two surveys, or three.

    Survey A resembles GALAH DR3: optical, off the plane, southern, near dwarfs and giants, on a scale of
    its own (`mock_observing.offsets_a`). Survey B resembles APOGEE DR17: infrared, in the plane too, deeper,
    mostly giants; what it measures is the truth plus noise. Survey C is deep, northern, of low resolution, and has
    systematic differences that depend on the S/N; it shares stars with A, with B, and with both. A and B do not depend
    on whether there is a C. All come with flaws: flags, binaries, repeated
    rows, missing [Mg/Fe] in A, rows without a position, sentinels instead of values.

    Parameters
    ----------
    n_a, n_b
        Rows of the two tables.
    n_common
        Stars in both surveys that pass the quality cuts of both, have [Mg/Fe] in A, and E(B-V) <= 0.3.
    seed
        The same seed gives the same surveys.
    n_c
        Rows of the table of C; 0 for two surveys.

    Returns
    -------
    surveys
        Columns of A as in GALAH DR3, of B as in APOGEE DR17, distances in kpc.

    Raises
    ------
    ConfigError
        If the stars in common do not fit into both tables.
    """
    rng = generator(seed, "mock")
    footprints = draw_footprints(rng)
    both = draw_stars(int(1.1 * n_common / USABLE_SHARE) + 100, footprints.both, BOTH, 0, rng)
    a, b = observe_a(both, rng), observe_b(both, rng)
    n_both = int(np.flatnonzero(_usable(a, b))[:n_common].max(initial=-1)) + 1
    own_a, own_b = _own_stars(n_a, REPEATS_A, n_both), _own_stars(n_b, REPEATS_B, n_both)
    if min(own_a, own_b) < 0:
        raise ConfigError(
            f"A mock with {n_common} usable stars in common needs {n_both} stars in both surveys, more than "
            f"{n_a} rows of A and {n_b} of B can hold. Ask for fewer in common, or for more rows."
        )
    both, a, b = (_rows(table, slice(n_both)) for table in (both, a, b))
    stars_a = _join([both, draw_stars(own_a, footprints.a, OPTICAL, n_both, rng)])
    stars_b = _join([both, draw_stars(own_b, footprints.b, INFRARED, n_both + own_a, rng)])
    table_a, truth_a = _observe_rest(stars_a, a, n_a, observe_a, COLUMNS_A, rng)
    table_b, truth_b = _observe_rest(stars_b, b, n_b, observe_b, COLUMNS_B, rng)
    clusters = {name: CLUSTERS[name] for name in ("name", "ra", "dec", "distance", "rhalf_arcmin")}
    two = MockSurveys(table_a, table_b, truth_a, truth_b, clusters)
    if not n_c:
        return two
    known = _join([stars_a, _rows(stars_b, slice(n_both, None))])
    table_c, truth_c = _third_survey(known, n_c, generator(seed, "third mock survey"))
    return replace(two, c=table_c, truth_c=truth_c)


def _third_survey(known: Table, n_rows: int, rng: np.random.Generator) -> tuple[Table, Table]:
    """Return the table of C and its truth, given the stars of the other two.

    Raises
    ------
    ConfigError
        If the stars that it shares with them do not fit into its table.
    """
    fields = draw_fields_c(rng)
    shared = _rows(known, known_to_c(known, fields, rng))
    n_shared = shared["ra"].size
    n_own = _own_stars(n_rows, REPEATS_C, n_shared)
    if n_own < 0:
        raise ConfigError(f"Survey C shares {n_shared} stars with A and B, more than {n_rows} rows hold. Ask for more.")
    stars = _join([shared, draw_stars(n_own, fields, DEEP, known["ra"].size, rng)])
    return _observe_rest(stars, observe_c(shared, rng), n_rows, observe_c, COLUMNS_C, rng)


def _usable(a: Table, b: Table) -> np.ndarray:
    """Tell which stars pass the cuts of Thomas et al. 2024, sect. 3.1 and 3.2, in rows of both surveys."""
    good_a = (a["snr_c3_iraf"] > 30) & (a["vbroad"] < 15) & (a["ebv"] <= MAX_EBV)
    good_a &= (a["flag_sp"] == 0) & (a["flag_fe_h"] == 0) & (a["flag_mg_fe"] == 0)
    good_b = (b["SNR"] > 100) & (b["VSCATTER"] < 1)
    return good_a & good_b & (b["ASPCAPFLAG"] & (STAR_BAD | M_H_BAD | ALPHA_M_BAD) == 0)


def _own_stars(n_rows: int, repeats: float, n_both: int) -> int:
    """Return how many stars a survey has for itself, for its table to come out at `n_rows`."""
    return n_rows - int(repeats * n_rows) - SAME_IDS - n_both


def _observe_rest(
    stars: Table, seen: Table, n_rows: int, observe: _Observe, columns: _Columns, rng: np.random.Generator
) -> tuple[Table, Table]:
    """Return a survey's table and its truth, given the rows `seen` of its first stars; in random order."""
    n_stars, n_seen = stars["ra"].size, len(next(iter(seen.values())))
    own = np.arange(n_seen, n_stars)
    again = rng.choice(n_stars, n_rows - SAME_IDS - n_stars, replace=False)
    repeats = observe(_rows(stars, again), rng, is_repeat=True)
    table = _join([seen, observe(_rows(stars, own), rng), repeats])
    _spoil(table, columns, own, n_rows, rng)
    twice = rng.choice(n_rows - SAME_IDS, SAME_IDS, replace=False)
    order = rng.permutation(np.concatenate([np.arange(n_rows - SAME_IDS), twice]))
    star_of_row = np.concatenate([np.arange(n_stars), again])[order]
    table = _rows(table, order)
    truth = {name: stars[name][star_of_row] for name in (*TRUTHS, "population", "cluster")}
    return table, {"id": table[columns.id]} | truth


def _spoil(table: Table, columns: _Columns, own: np.ndarray, n_rows: int, rng: np.random.Generator) -> None:
    """Put sentinels and lost positions into rows of stars that only this survey has."""
    n_lost, n_sentinels = 2 + int(NO_POSITION * n_rows), 4 + int(SENTINEL * n_rows)
    lost, bare = np.split(rng.permutation(own)[: n_lost + n_sentinels], [n_lost])
    for name in (columns.ra, columns.dec):
        table[name][lost] = np.nan
    for number, name in enumerate(columns.labels):
        table[name][bare[number::5]] = MISSING


def _rows(table: Table, rows: np.ndarray | slice) -> Table:
    return {name: values[rows] for name, values in table.items()}


def _join(tables: list[Table]) -> Table:
    return {name: np.concatenate([table[name] for table in tables]) for name in tables[0]}
