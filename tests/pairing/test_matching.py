"""Matching piece by piece, against brute force on all stars at once; partitions hold a few stars, for many borders."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from stdask import schema
from stdask.cluster.workers import Workers
from stdask.pairing import matching as pair_match
from stdask.pairing.matching import MOTION, Search, cut_sky, match_shares, match_sky, match_stars, search_for
from stdask.science.sky.crossmatch import chance_pairs, move_positions
from stdask.storage import paths
from stdask.storage.catalogue.catalogue import Catalogue, open_catalogue
from stdask.storage.tables import to_numpy
from tests.hand_made import A, B, make_run, write_catalogue

RNG = np.random.default_rng(11)
RADIUS = 2.0  # arcsec
# a field on each pole, on ra = 0, on the corner of three base pixels at dec = arcsin(2/3), and on one of four
FIELDS = ((0.0, 90.0), (0.0, -90.0), (0.0, 20.0), (45.0, np.degrees(np.arcsin(2 / 3))), (90.0, 0.0))
Maker = Callable[..., Catalogue]


def crowd(n_stars: int) -> np.ndarray:
    """Return stars within 10 arcsec of the middle of each field: ra and dec in degrees, (2, n)."""
    places = []
    for ra, dec in np.radians(FIELDS):
        east = np.array([-np.sin(ra), np.cos(ra), 0])
        middle = np.array([np.cos(dec) * np.cos(ra), np.cos(dec) * np.sin(ra), np.sin(dec)])
        steps = np.radians(RNG.uniform(-10, 10, (n_stars, 2)) / 3600)
        places.append(middle + steps[:, :1] * east + steps[:, 1:] * np.cross(middle, east))
    x, y, z = np.concatenate(places).T
    return np.stack([np.degrees(np.arctan2(y, x)) % 360, np.degrees(np.arctan2(z, np.hypot(x, y)))])


@pytest.fixture
def make(tmp_path: Path) -> Maker:
    run = make_run(tmp_path)

    def catalogue(
        name: str, places: np.ndarray, most: int = 2, epoch: float | None = None, **columns: pa.Array
    ) -> Catalogue:
        data = {"ra": places[0], "dec": places[1]} | columns
        own = [*schema.POSITION, *(schema.Column(key, str(values.type)) for key, values in columns.items())]
        write_catalogue(run, name, own, data, most, epoch)
        return open_catalogue(paths.catalogue(run.output, name))

    return catalogue


def chords(a: Catalogue, b: Catalogue) -> np.ndarray:
    """Return the distance of each star of A from each of B on the unit sphere."""
    vectors = []
    for catalogue in (a, b):
        table = catalogue.read(["ra", "dec"])
        ra, dec = np.radians(to_numpy(table, "ra")), np.radians(to_numpy(table, "dec"))
        vectors.append(np.stack([np.cos(dec) * np.cos(ra), np.cos(dec) * np.sin(ra), np.sin(dec)], axis=-1))
    return np.linalg.norm(vectors[0][:, None] - vectors[1][None], axis=-1)


def mutual_neighbours(a: Catalogue, b: Catalogue) -> list[list[int]]:
    distances = chords(a, b)
    nearest_b, nearest_a = distances.argmin(axis=1), distances.argmin(axis=0)  # of equals the first
    near = distances.min(axis=1) < np.radians(RADIUS / 3600)
    return [[i, j] for i, j in enumerate(nearest_b.tolist()) if near[i] and nearest_a[j] == i]


@pytest.mark.parametrize(("n_a", "n_b"), [(30, 30), (3, 40), (40, 3)])
def test_tiles_give_the_mutual_nearest_neighbours_of_the_whole_sky(make: Maker, client: Workers, n_a: int, n_b: int):
    a, b = make(A, crowd(n_a)), make(B, crowd(n_b))
    assert match_sky(client, a, b, Search(RADIUS)).rows.tolist() == mutual_neighbours(a, b)


def test_pairs_over_the_border_of_two_partitions_are_found(make: Maker, client: Workers):
    a, b = make(A, crowd(30)), make(B, crowd(30))
    apart = 0
    for row_a, row_b in match_sky(client, a, b, Search(RADIUS)).rows.tolist():
        homes = [
            c.pixels[np.searchsorted(np.cumsum(list(c.rows.values())), r, "right")] for c, r in ((a, row_a), (b, row_b))
        ]
        apart += not homes[0].overlaps(homes[1])
    assert apart > 0


@pytest.mark.parametrize(("steps", "paired"), [((-0.5, -0.1), -0.1), ((-0.5, -0.1, 3.0), 3.0)])
def test_a_star_of_b_beyond_the_border_goes_to_the_star_of_a_that_is_nearest_to_it(
    make: Maker, client: Workers, steps: tuple[float, ...], paired: float
):
    # arcsec along the equator from where two base pixels meet, ra = 45 deg; the first two stars of A share a place so
    # small that their partitions are smaller than the radius
    east = {A: np.array(steps), B: np.array([1.8])}
    a, b = (make(name, np.stack([45 + offset / 3600, 0 * offset]), most=1) for name, offset in east.items())
    ((row_a, _),) = match_sky(client, a, b, Search(RADIUS)).rows
    assert a.read(["ra"])["ra"][row_a].as_py() == 45 + paired / 3600


def test_stars_of_one_position_are_matched_by_their_first_rows(make: Maker, client: Workers):
    places = crowd(8)
    a, b = make(A, np.repeat(places, 5, axis=1)), make(B, np.repeat(places, 3, axis=1))
    assert match_sky(client, a, b, Search(RADIUS)).rows.tolist() == mutual_neighbours(a, b)


def test_tiles_are_split_where_the_other_survey_is_much_denser(
    make: Maker, client: Workers, monkeypatch: pytest.MonkeyPatch
):
    a, b = make(A, crowd(4), most=10), make(B, crowd(40), most=5)
    assert {tile.pixel for tile in cut_sky(a, b, RADIUS)} == set(a.pixels)
    monkeypatch.setattr(pair_match, "STARS_AT_ONCE", 40)
    tiles = cut_sky(a, b, 2 * RADIUS)
    assert min(tile.pixel.order for tile in tiles) > max(pixel.order for pixel in a.pixels)
    assert match_sky(client, a, b, Search(RADIUS)).rows.tolist() == mutual_neighbours(a, b)


def test_a_tile_without_a_star_of_the_other_survey_costs_no_task(make: Maker):
    a, b = (make(name, np.array([[ra], [-30.0]]) + RNG.random((2, 20))) for name, ra in ((A, 100.0), (B, 200.0)))
    assert cut_sky(a, b, RADIUS) == []


@pytest.mark.parametrize("kind", ["int64", "int32", "string"])
@pytest.mark.parametrize("at_once", [60, 1_000_000])  # in 17 shares and in one
def test_shares_give_the_first_rows_of_equal_ids(
    make: Maker, client: Workers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, at_once: int
):
    # 100 stars in each of 5 fields; of 700 ids some repeat in a survey, and a tenth of the stars have none
    sides = []
    for name, column in ((A, "name_a"), (B, "name_b")):
        numbers = RNG.integers(0, 700, 500)
        missing = RNG.random(500) < 0.1
        ids = numbers.astype(str).astype(object) if kind == "string" else numbers
        sides.append(
            make(name, crowd(100), most=40, **{column: pa.array(ids, mask=missing, type=pa.type_for_alias(kind))})
        )
    monkeypatch.setattr(pair_match, "STARS_AT_ONCE", at_once)
    rows = match_shares(client, *sides, ("name_a", "name_b"), tmp_path / "dealt")
    first = []
    for side, column in zip(sides, ("name_a", "name_b"), strict=True):
        values = side.read([column]).column(0).to_pylist()
        first.append({value: row for row, value in reversed(list(enumerate(values))) if value is not None})
    expected = sorted([row, first[1][value]] for value, row in first[0].items() if value in first[1])
    assert rows.tolist() == expected
    assert len(expected) > 100  # about half of 360 different ids


def test_stars_without_an_id_are_paired_by_position_and_none_is_in_two_pairs(
    make: Maker, client: Workers, tmp_path: Path
):
    # six stars 60 arcsec apart, B 0.5 arcsec north of A; the last of A also has a neighbour that shares an id with B
    ra = np.full(7, 10.0)
    dec = np.array([0, 60, 120, 180, 240, 300, 300.2]) / 3600
    ids_a = [1, None, 3, None, 5, None, 6]
    ids_b = [1, 2, None, None, 50, 6]
    a = make(A, np.stack([ra, dec]), gaia=pa.array(ids_a, pa.int64()))
    b = make(B, np.stack([ra[:6], dec[:6] + 0.5 / 3600]), gaia=pa.array(ids_b, pa.int64()))
    found = match_stars(client, a, b, ("gaia", "gaia"), Search(RADIUS), tmp_path / "dealt").rows
    pairs = [(side.read(["gaia", "dec"]).to_pylist()) for side in (a, b)]
    named = [
        tuple((pairs[n][row]["gaia"], round(pairs[n][row]["dec"] * 3600)) for n, row in enumerate(p)) for p in found
    ]
    # 5 and 50 are two stars by their ids, however near; the last nameless star of A is not the one with an id beside it
    assert sorted(named, key=str) == sorted(
        [
            ((1, 0), (1, 0)),
            ((None, 60), (2, 60)),
            ((3, 120), (None, 120)),
            ((None, 180), (None, 180)),
            ((6, 300), (6, 300)),
        ],
        key=str,
    )
    assert not (tmp_path / "dealt").exists()


def motions(n_stars: int) -> dict[str, pa.Array]:
    """Return motions of some stars in each field: by 6 arcsec in 15.5 years."""
    return {name: pa.array(RNG.normal(0, 400, len(FIELDS) * n_stars)) for name in MOTION}


@pytest.mark.parametrize(("moving", "years"), [(A, 15.5), (B, -15.5)])
def test_stars_are_matched_where_they_are_at_one_epoch(make: Maker, client: Workers, moving: str, years: float):
    places, motion = crowd(30), motions(30)  # at the poles, east and north are those of the moving survey's epoch
    other = np.stack(move_positions(*places, *(motion[name].to_numpy() for name in MOTION), years))
    skies = {name: places if name == moving else other for name in (A, B)}
    a, b = (
        make(name, skies[name], epoch=epoch, **(motion if name == moving else {}))
        for name, epoch in ((A, 2000.0), (B, 2015.5))
    )
    search = search_for(a, b, 0.01)
    assert search.years == ((years, 0.0) if moving == A else (0.0, years))
    rows = match_sky(client, a, b, search).rows
    assert len(rows) == a.n_rows
    stars = []
    for side, name in ((a, A), (b, B)):
        numbers = {tuple(place): n for n, place in enumerate(skies[name].T)}
        stars.append([numbers[row["ra"], row["dec"]] for row in side.read(["ra", "dec"]).to_pylist()])
    assert all(stars[0][i] == stars[1][j] for i, j in rows)
    assert len(match_sky(client, a, b, Search(0.01)).rows) < 3  # where they stand in the catalogues


@pytest.mark.parametrize(("epochs", "years"), [((2000.0, 2000.0), 0), ((None, 2016.0), 0), ((2016.0, 2000.0), -16)])
def test_stars_move_by_the_time_between_the_surveys_if_it_is_known(make: Maker, epochs: tuple, years: float):
    a, b = (make(name, crowd(2), epoch=epoch, **motions(2)) for name, epoch in zip((A, B), epochs, strict=True))
    assert search_for(a, b, 1.0).years == (years, 0)  # of two that can be moved, A is


@pytest.mark.parametrize("share", [0.01, 0.05, 0.2])
def test_completeness_and_purity_of_a_sky_with_neighbours_by_chance(share: float, make: Maker, client: Workers):
    """Of 4000 stars of A, B has 3000, 0.3 arcsec off; and it is so dense that this share has another one near."""
    n_stars, n_common, field = 4000, 3000, 0.5  # of 0.5 x 0.5 degrees
    rng = np.random.default_rng(5)
    density = -np.log1p(-share) / (np.pi * (RADIUS / 3600) ** 2)  # Poisson: that none is near has 1 - share
    sky_a = rng.uniform(0, field, (2, n_stars))
    scatter = rng.normal(0, 0.3 / 3600, (2, n_common))
    others = rng.uniform(0, field, (2, rng.poisson(density * field**2)))
    sky_b = np.concatenate([sky_a[:, :n_common] + scatter, others], axis=1)
    a = make(A, sky_a, most=1500, truth=pa.array(np.arange(n_stars)))
    truth_b = np.where(np.arange(sky_b.shape[1]) < n_common, np.arange(sky_b.shape[1]), -1)
    b = make(B, sky_b, most=1500, truth=pa.array(truth_b))
    found = match_sky(client, a, b, Search(RADIUS, with_chance=True))
    names = [to_numpy(side.read(["truth"]), "truth")[found.rows[:, n]] for n, side in enumerate((a, b))]
    right, alone = names[0] == names[1], ~found.ambiguous
    by_chance = chance_pairs(n_stars, len(found.rows), found.n_elsewhere)
    print(f"\n| {share:.0%} |", end="")
    for kept in (np.ones_like(alone), alone):
        print(f" {(right & kept).sum() / n_common:.3f} | {right[kept].mean():.3f} |", end="")
    print(f" {by_chance:.0f} | {(~right).sum()} |")
    # Rayleigh: the star itself is within 2 arcsec always; another one is nearer in 2 x 0.3^2 / 2^2 of the share
    n_nearer = 2 * 0.3**2 / RADIUS**2 * share * n_common
    # of two stars of A that are in B and the neighbours of one another's, either may take the other's
    assert right.sum() == pytest.approx(n_common - n_nearer, abs=4 * np.sqrt(n_nearer) + 2)
    n_alone = n_stars - n_common
    expected = share * n_alone
    assert (~right).sum() == pytest.approx(expected + n_nearer, abs=4 * np.sqrt(expected + n_nearer))
    # the estimate counts those too whom B's own counterpart of another star is near, which that one gets
    near_others = n_alone * n_common * np.pi * (RADIUS / 3600) ** 2 / field**2
    assert by_chance == pytest.approx(expected + near_others, abs=4 * np.sqrt(expected + near_others))
