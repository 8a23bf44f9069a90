"""Means over the surveys of a merge, star by star, from hand-made catalogues of stars whose truth is known."""

from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from stdask import schema
from stdask.runs.receipts import read_receipt
from stdask.schema.closure import INSIDE_B, OUTSIDE_B, ExcessRow, MatrixRow
from stdask.stages.merge import stage as merge
from stdask.storage import paths
from stdask.storage.catalogue.catalogue import open_catalogue
from stdask.storage.documents import write_declared
from stdask.storage.tables import read_parquet, to_numpy, write_parquet
from tests import hand_made
from tests.hand_made import A, B, columns_a, columns_b, make_run, stars, write_catalogue
from tests.stages.merge import test_stage as single
from tests.stages.merge.test_stage import C, contents, merged

N_STARS = 4000
NOISE_B = 0.02  # of B, of all stars alike
LACKING = 0.05  # what the errors of C lack
CORRELATED = 0.5  # errors of A and C, as those of translations that have an input in common
FIRST_KEY = {A: 1, C: 100_001, B: 200_001}
UNUSED = dict.fromkeys(("pull", "pull_err", "raw_offset", "raw_scatter"), 1.0)
MEMBERS = (-0.01, 0.01)  # of each network from the median


@dataclass(frozen=True)
class Survey:
    """What a survey says of the stars of the mock, by their numbers."""

    name: str
    has: np.ndarray  # (n_stars,), bool
    usable: np.ndarray
    value: np.ndarray
    error: np.ndarray  # on the scale of B, without its noise

    @property
    def keys(self):
        return (np.arange(len(self.has)) + FIRST_KEY[self.name]).astype(np.uint64)


def mock(seed=3):
    """Return the truth of [Fe/H], and what A, C and B say of it."""
    rng = np.random.default_rng(seed)
    truth, common = rng.normal(-0.4, 0.5, N_STARS), rng.normal(size=N_STARS)
    surveys = []
    for name, share, errors in ((A, 0.6, (0.03, 0.08)), (C, 0.6, (0.02, 0.12)), (B, 0.3, (NOISE_B, NOISE_B))):
        error = rng.uniform(*errors, N_STARS)
        lack = LACKING if name == C else 0.0
        shared = 0.0 if name == B else CORRELATED
        noise = np.sqrt(shared) * common + np.sqrt(1 - shared) * rng.normal(size=N_STARS)
        value = truth + np.hypot(error, lack) * noise
        has, usable = rng.random(N_STARS) < share, rng.random(N_STARS) < 0.9
        surveys.append(Survey(name, has, usable, value.astype(np.float32), error))
    return truth, surveys


def sky():
    number = np.arange(N_STARS)
    return {"ra": (number * 137.5) % 360, "dec": np.degrees(np.arcsin(np.linspace(-0.95, 0.95, N_STARS)))}


def write_translated(run, own):
    sigma = np.hypot(own.error, NOISE_B)
    given = {
        "STAR_KEY": own.keys,
        "SOURCE_ID": np.arange(N_STARS) + 1,
        "QFLAG_OUTPUT_INTRINSIC": own.usable,
        "FE_H": own.value + 0.3,
        "FE_H_PRED_50": own.value,
        "FE_H_PRED_SAMPLE": own.value + 7,
        "FE_H_PRED_SIGMA": sigma,
        "FE_H_PRED_SIGMA_INPUT_NOISE": 0.01,
        "FE_H_PRED_SIGMA_MEMBERS": 0.01,
        "QFLAG_OUTPUT_EXTRINSIC": np.arange(N_STARS) % 2 == 0,
        **{f"FE_H_PRED_MEMBER_{k}": own.value + shift for k, shift in enumerate(MEMBERS, start=1)},
        **sky(),
    }
    data = {name: values[own.has] for name, values in stars(columns_a(), N_STARS, **given).items()}
    write_catalogue(run, paths.translated_name(own.name, B), columns_a(), data, most=2000)
    single.write_cuts(run, own.name, data["GOOD"])


def write_b(run, own):
    given = {"STAR_KEY": own.keys, "SOURCE_ID": np.arange(N_STARS) + 1, "GOOD": own.usable, "FE_H": own.value}
    given |= {"FE_H_ERR": own.error, **sky()}
    data = {name: values[own.has] for name, values in stars(columns_b(), N_STARS, **given).items()}
    write_catalogue(run, B, columns_b(), data, most=2000)
    single.write_cuts(run, B, data["GOOD"])


def write_pairs(run, a, b):
    both = a.has & b.has
    columns = {"STAR_KEY": a.keys, "STAR_KEY_B": b.keys, "B_GOOD": b.usable, "B_FE_H_ERR": b.error}
    pairs = {name: values[both] for name, values in columns.items()}
    write_parquet(paths.pairs(run.output, a.name, B), pa.table(pairs))


def closure_rows(correlation):
    """Return a closure test of A and C, and two rows that do not count: of stars in B, and of too few stars."""
    numbers = ("n", "n_common", "offset", "offset_err", "significance", "scatter", "expected", "excess")
    row = MatrixRow(A, C, "FE_H", OUTSIDE_B, "dex", **dict.fromkeys(numbers, 100), correlation=correlation, **UNUSED)
    few = replace(row, label="TEFF", n=3, correlation=0.9)
    return [row, replace(row, sample=INSIDE_B, correlation=0.9), few]


def prepare(folder, surveys, values="mean", most=2000):
    """Return the run of A, which merges that of C and B."""
    a, c, b = surveys
    other = make_run(folder / "other")
    other = other.model_copy(update={"definition_a": other.definition_a.model_copy(update={"name": C})})
    tables = {"merge": {"also": [{"run": str(other.output)}], "values": values}, "ingest": {"rows_per_partition": most}}
    run = make_run(folder, **tables)
    for own, translated in ((run, a), (other, c)):
        write_translated(own, translated)
        write_b(own, b)
        write_pairs(own, translated, b)
        single.write_receipts(own)
    rows = [ExcessRow(A, "FE_H", "dex", 0.0, 1, NOISE_B), ExcessRow(C, "FE_H", "dex", LACKING, 1, NOISE_B)]
    write_declared(paths.closure(run.output) / "excess.ecsv", rows)
    write_declared(paths.closure(run.output) / "matrix.ecsv", closure_rows(CORRELATED))
    hand_made.write_receipts(run, "closure")
    return run


@pytest.fixture(scope="module")
def done(tmp_path_factory, client):
    """The truth, the surveys, the run with means, and its merged stars in the order of their numbers."""
    truth, surveys = mock()
    run = prepare(tmp_path_factory.mktemp("means"), surveys)
    receipt = merge.run(run, client)
    table = merged(run).read()
    found = {name: to_numpy(table, name) for name in table.column_names if name != "_healpix_29"}
    first = np.array([FIRST_KEY[name] for name in found["SURVEY"]])
    numbers = found["STAR_KEY"].astype(np.int64) - first
    order = np.argsort(numbers)
    return truth, surveys, run, receipt, {name: values[order] for name, values in found.items()}, numbers[order]


def said_of(surveys, number):
    """Return who says what of a star, in the order of precedence: names, values, errors."""
    a, c, b = surveys
    own = [survey for survey in (b, a, c) if survey.has[number] and survey.usable[number]]
    errors = [np.hypot(one.error[number], LACKING if one.name == C else 0.0) for one in own]
    return [one.name for one in own], np.array([one.value[number] for one in own], dtype=float), np.array(errors)


def mean_of(names, values, errors):
    """Return mean, error and the surveys in it, where the errors of A and C are correlated: with numpy."""
    covariance = np.diag(errors**2)
    if A in names and C in names:
        one, other = names.index(A), names.index(C)
        covariance[one, other] = covariance[other, one] = CORRELATED * errors[one] * errors[other]
    shares = errors**-2 / (errors**-2).sum()
    return shares @ values, np.sqrt(shares @ covariance @ shares), dict(zip(names, shares, strict=True))


def test_every_star_is_the_mean_by_hand_of_all_that_can_be_used(done):
    _, surveys, _, _, found, numbers = done
    assert len(numbers) == sum(bool(said_of(surveys, number)[0]) for number in range(N_STARS))
    several = 0
    for place, number in enumerate(numbers):
        names, values, errors = said_of(surveys, number)
        mean, error, _ = mean_of(names, values, errors)
        assert found["SURVEY"][place] == names[0]
        assert found["FE_H_FROM"][place] == "+".join(names)
        assert found["FE_H_N_SURVEYS"][place] == len(names)
        # errors are stored in 32 bits, so weights are known to 1e-7
        assert_allclose(found["FE_H"][place], mean, rtol=1e-6, atol=1e-6)
        assert_allclose(found["FE_H_ERR"][place], error, rtol=1e-5)
        several += len(names) > 1
        if len(names) > 1:
            assert_allclose(found["FE_H_SCATTER"][place], values.std(ddof=1), atol=1e-6)
        else:
            assert np.isnan(found["FE_H_SCATTER"][place])
            assert found["FE_H"][place] == values[0].astype(np.float32)
    assert several > 500


def test_networks_move_the_mean_by_the_weight_of_their_translations(done):
    _, surveys, _, _, found, numbers = done
    shares = []
    for number in numbers:
        weights = mean_of(*said_of(surveys, number))[2]
        shares.append(sum(weight for name, weight in weights.items() if name != B))
    for k, shift in enumerate(MEMBERS, start=1):
        assert_allclose(found[f"FE_H_MEMBER_{k}"] - found["FE_H"], np.array(shares) * shift, atol=2e-6)


def test_untranslated_value_sample_and_id_are_those_of_the_survey_that_keeps_the_star(done):
    _, surveys, _, _, found, numbers = done
    by_name = {survey.name: survey for survey in surveys}
    own = np.array([by_name[name].value[n] for name, n in zip(found["SURVEY"], numbers, strict=True)])
    of_b = found["SURVEY"] == B
    assert_allclose(found["FE_H_RAW"], own + np.where(of_b, 0, 0.3), atol=1e-6)
    assert_allclose(found["FE_H_SAMPLE"], own + np.where(of_b, 0, 7), atol=1e-6)


def test_means_are_closer_to_the_truth_than_the_best_survey_and_their_errors_cover_it(done):
    truth, surveys, _, _, found, numbers = done
    several = found["FE_H_N_SURVEYS"] > 1
    off = (found["FE_H"] - truth[numbers])[several]
    best = []
    for number in numbers[several]:
        _, values, errors = said_of(surveys, number)
        best.append(values[errors.argmin()] - truth[number])
    assert np.std(off) < 0.99 * np.std(best)  # what A and C share does not average out
    for stars_of in (several, ~several):
        inside = (np.abs(found["FE_H"] - truth[numbers]) < found["FE_H_ERR"])[stars_of]
        assert_allclose(inside.mean(), 0.6827, atol=0.03)  # of 1700 stars: 2.7 sigma


def test_without_a_closure_test_the_errors_lack_what_it_finds_and_the_user_is_told(tmp_path, client):
    _, surveys = mock()
    run = prepare(tmp_path, surveys)
    (paths.closure(run.output) / "excess.ecsv").unlink()
    receipt = merge.run(run, client)
    (note,) = (note for note in receipt.counts.notes if note.startswith(C))
    assert "no closure test of TEFF, LOGG, FE_H, VHELIO" in note
    table = merged(run).read()
    of_c = to_numpy(table, "FE_H_FROM") == C
    errors = surveys[1].error[to_numpy(table, "STAR_KEY")[of_c].astype(np.int64) - FIRST_KEY[C]]
    assert_allclose(to_numpy(table, "FE_H_ERR")[of_c], errors, rtol=1e-5)


def test_the_rows_are_those_of_a_merge_of_first_values(done, tmp_path, client):
    _, surveys, run, receipt, *_ = done
    first = prepare(tmp_path, surveys, values="first")
    counts = merge.run(first, client).counts
    assert counts.rows == receipt.counts.rows
    assert counts.by_survey == receipt.counts.by_survey
    means, plain = (merged(own).read() for own in (run, first))
    same = [name for name in plain.column_names if not name.startswith(("FE_H", "TEFF", "LOGG", "MG_FE", "VHELIO"))]
    assert means.select(same).equals(plain.select(same))
    assert not {f"FE_H_{name}" for name in ("FROM", "N_SURVEYS", "SCATTER")} & set(plain.column_names)


def test_a_label_of_another_family_has_its_own_flags_and_one_that_none_translates_has_none(done):
    _, surveys, _, _, found, numbers = done
    for place, number in enumerate(numbers):
        names, *_ = said_of(surveys, number)
        expected = [name for name in names if name == B or number % 2 == 0]
        assert found["VHELIO_FROM"][place] == "+".join(expected)
    assert set(found["MG_FE_FROM"]) == {"", B}


def test_means_do_not_depend_on_the_partitions(done, tmp_path, client):
    _, surveys, run, *_ = done
    other = prepare(tmp_path, surveys, most=300)
    merge.run(other, client)
    means, again = (merged(own).read().sort_by("STAR_KEY") for own in (run, other))
    for name in means.column_names:
        assert_array_equal(means[name].to_numpy(), again[name].to_numpy(), err_msg=name)


def test_a_second_merge_does_nothing_and_a_changed_translation_merges_again(done, client, tmp_path):
    _, surveys, *_ = done
    run = prepare(tmp_path, surveys)
    merge.run(run, client)
    before = contents(run)
    assert merge.run(run, client) == read_receipt(run.output, "merge")
    a, c, b = surveys
    changed = Survey(c.name, c.has, c.usable, c.value + np.float32(0.1), c.error)
    prepare(tmp_path, (a, changed, b))
    merge.run(run, client)
    assert contents(run) != before


def test_a_mean_of_one_translated_survey_is_that_of_it_and_b(tmp_path, client):
    _, (a, _, b) = mock()
    run = make_run(tmp_path, merge={"values": "mean"})
    write_translated(run, a)
    write_b(run, b)
    write_pairs(run, a, b)
    single.write_receipts(run)
    merge.run(run, client)
    assert set(to_numpy(merged(run).read(), "FE_H_FROM")) == {A, B, f"{B}+{A}"}


def test_values_of_other_surveys_are_kept_as_results_of_the_stage(done):
    _, _, run, receipt, *_ = done
    names = {f"repeats/{name}.parquet" for name in (f"{A}_of_{B}", f"{C}_of_{B}", f"{C}_of_{A}", f"{C}_in_{A}")}
    assert names <= set(receipt.outputs)
    of_b = read_parquet(paths.repeats(run.output) / f"{C}_of_{B}.parquet")
    keys = to_numpy(of_b, schema.STAR_KEY.name)
    assert np.all(np.diff(keys.astype(np.int64)) > 0)
    catalogue = open_catalogue(paths.catalogue(run.output, B)).read()
    assert np.isin(keys, to_numpy(catalogue, schema.STAR_KEY.name)).all()
