"""The parameter space of hand-made catalogues against numpy."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from stdask import schema
from stdask.science.keys.splits import is_test_star
from stdask.stages.atlas.planes.diagrams import planes_of
from stdask.stages.atlas.planes.parameters import parameter_rows, training_keys, write_parameter_space
from stdask.stages.atlas.samples import SurveyPair
from stdask.storage import paths
from stdask.storage.tables import to_table, write_parquet
from tests.hand_made import A, B, columns_a, columns_b, definition, make_run, stars, write_catalogue

N_STARS = 600
PAIRED = np.arange(0, N_STARS, 3)


def catalogues(seed=3):
    """Return A translated and B with labels scattered over the planes; every seventh star is bad."""
    rng = np.random.default_rng(seed)
    values = {
        "TEFF": rng.uniform(3500, 6500, (3, N_STARS)),
        "LOGG": rng.uniform(0, 5, (3, N_STARS)),
        "FE_H": rng.uniform(-2, 0.5, (3, N_STARS)),
    }
    good = np.arange(N_STARS) % 7 > 0
    raw, predicted, of_b = ({name: v[n].astype(np.float32) for name, v in values.items()} for n in range(3))
    magnesium = rng.uniform(0, 0.4, N_STARS).astype(np.float32)
    of_a = raw | {f"{name}_PRED_50": v for name, v in predicted.items()}
    a = stars(columns_a(), N_STARS, GOOD=good, MG_FE=magnesium, **of_a)
    return a, stars(columns_b(), N_STARS, GOOD=good[::-1], MG_FE=magnesium, **of_b)


def keys_of(run):
    train = run.config.train
    return training_keys(paths.pairs(run.output, A, B), train.test_fraction, run.config.seed)


def rows_of(run, client):
    surveys = SurveyPair.of(run)
    planes, _ = planes_of(surveys, run.config.atlas.select)
    return parameter_rows(client, run.output, surveys, planes, keys_of(run))


def written(run, client):
    return write_parameter_space(client, run.output, SurveyPair.of(run), run.config.atlas.select, keys_of(run))


def prepare(tmp_path, most=100):
    run = make_run(tmp_path)
    a, b = catalogues()
    write_catalogue(run, paths.translated_name(A, B), columns_a(), a, most)
    write_catalogue(run, B, columns_b(), b, most)
    columns = (schema.STAR_KEY, schema.Column("STAR_KEY_B", "uint64"), schema.Column("USED_INTRINSIC", "bool"))
    used = PAIRED % 2 > 0
    pairs = {"STAR_KEY": a["STAR_KEY"][PAIRED], "STAR_KEY_B": b["STAR_KEY"][PAIRED], "USED_INTRINSIC": used}
    write_parquet(paths.pairs(run.output, A, B), to_table(columns, pairs))
    test = is_test_star(pairs["STAR_KEY"], run.config.train.test_fraction, run.config.seed)
    training = np.isin(np.arange(N_STARS), PAIRED[used & ~test])
    return run, a, b, training


def expected(data, names, grid, chosen):
    across, up = (data[name][chosen & data["GOOD"]].astype(float) for name in names)
    return np.histogram2d(up, across, bins=grid.edges[::-1])[0]


@pytest.fixture(scope="module")
def done(tmp_path_factory, client):
    run, a, b, training = prepare(tmp_path_factory.mktemp("parameters"))
    return run, a, b, training, rows_of(run, client)


def test_training_and_all_good_stars_are_counted_as_a_and_b_measure_them_and_as_translated(done):
    _, a, b, training, (kiel, _) = done
    predicted = ("TEFF_PRED_50", "LOGG_PRED_50")
    assert kiel.labels == ("TEFF", "LOGG")
    for n, (data, names) in enumerate(((a, kiel.labels), (b, kiel.labels), (a, predicted))):
        assert_array_equal(kiel.training[n], expected(data, names, kiel.grid, training))
        assert_array_equal(kiel.everything[n], expected(data, names, kiel.grid, np.ones(N_STARS, dtype=bool)))
    assert 0 < kiel.training[0].sum() < kiel.everything[0].sum()


def test_what_a_was_not_translated_from_or_to_is_empty(done):
    *_, (_, abundances) = done  # MG_FE is no label of [train]: what A calls so is on another scale
    assert abundances.labels == ("FE_H", "MG_FE")
    assert [bool(counts.any()) for counts in abundances.everything] == [False, True, False]


def test_counts_do_not_depend_on_the_partitioning(done, tmp_path, client):
    *_, rows = done
    for row, again in zip(rows, rows_of(prepare(tmp_path, most=N_STARS)[0], client), strict=True):
        assert_array_equal(row.training, again.training)
        assert_array_equal(row.everything, again.everything)


def test_the_figure_is_written_as_image_and_as_page(done, client):
    outputs = written(done[0], client)
    assert [path.name for path in outputs] == ["parameter_space.png", "parameter_space.pdf"]
    assert all(path.stat().st_size for path in outputs)


def test_without_a_plane_that_b_measures_nothing_is_drawn(tmp_path, client):
    run, *_ = prepare(tmp_path)
    run = run.model_copy(update={"definition_b": definition(B, "apogee_id", ("LOGG", "MG_FE"))})
    assert written(run, client) == []
