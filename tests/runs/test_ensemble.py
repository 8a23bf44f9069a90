"""A trained ensemble opens wherever it lies, with all that a translation needs."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from stdask.config.run import Run
from stdask.config.survey import load_definition
from stdask.errors import EnsembleError
from stdask.network.ensemble import Draws
from stdask.runs.ensemble import TargetSurvey, draws_of, open_ensemble, save_ensemble
from stdask.science.measurements.repeats import ErrorFactors
from stdask.storage import paths
from stdask.storage.documents import write_ecsv
from stdask.storage.error_factors import factors_table
from stdask.storage.files import hash_of
from tests.hand_made import make_run, write_receipts
from tests.network.made_up import made_up_family
from tests.network.test_parts import assert_same, full_family
from tests.tools.bench.bench_runs import make_demo_run

TRAIN = {
    "intrinsic": [{"label": "TEFF", "from": "TEFF"}, {"label": "MG_FE"}, {"label": "VHELIO", "from": "RV"}],
    "features": ["BP_G_0", "G_RP_0"],
}
FAMILY = full_family()
CARD = "---\nlicense: unknown  # not stated\n---\n# A card of [brackets] and é\n"


def saved(folder: Path, **tables: dict) -> Run:
    run = make_run(folder, train=TRAIN, **tables)
    save_ensemble(run, [FAMILY], {"key": "abc"})
    return run


def finished(folder: Path) -> Run:
    """Return a run whose training is finished, with a card."""
    run = saved(folder)
    (run.output / paths.RUN_COPY).write_text("{}")
    write_receipts(run, "train")
    paths.card(run.output).write_text(CARD, encoding="utf-8")
    return run


def rescaled(run: Run) -> tuple[Run, dict[str, ErrorFactors]]:
    """Return a run whose errors of A were multiplied by factors, with these, and their table on disk."""
    duplicates = {"by": "source_id", "best": "snr", "rescale_errors": True}
    content = run.definition_a.model_dump(mode="json") | {"duplicates": duplicates}
    content["labels"]["TEFF"]["error"] = "e_teff"
    definition = type(run.definition_a).model_validate(content)
    two = np.array([1 / 3, 1.2])
    factors = {"TEFF": ErrorFactors(np.array([100 / 7]), np.array([400, 10]), two, np.array([0.1, np.nan]))}
    run = run.model_copy(update={"definition_a": definition})
    write_ecsv(paths.catalogue(run.output, run.definition_a.name) / paths.REPEATS, factors_table(factors, "snr"))
    return run, factors


def test_an_ensemble_in_an_empty_folder_has_all_that_a_translation_needs(tmp_path: Path):
    run, factors = rescaled(make_run(tmp_path, train=TRAIN, translate={"n_draws": 20, "include_nominal": True}))
    save_ensemble(run, [FAMILY], {})
    paths.card(run.output).write_text("# A card\n")
    folder = shutil.move(paths.ensemble(run.output), tmp_path / "elsewhere")
    shutil.rmtree(run.output)
    ensemble = open_ensemble(folder)
    assert ensemble.name == "mock_a_to_mock_b"
    (family,) = ensemble.families
    assert_same(family, FAMILY, "family")
    assert ensemble.definition == run.definition_a
    units = {"TEFF": "K", "MG_FE": "dex", "VHELIO": "km/s"}
    assert ensemble.target == TargetSurvey("mock_b", "APOGEE DR17", "made by hand", units)
    assert ensemble.draws == draws_of(run.config)
    assert ensemble.error_factors.keys() == factors.keys()
    for found, expected in zip(ensemble.error_factors["TEFF"], factors["TEFF"], strict=True):
        np.testing.assert_array_equal(found, expected)
        assert found.dtype == expected.dtype
    assert ensemble.card == "# A card\n"


@pytest.mark.parametrize("name", ["galah_dr4", "gaia_dr3_gspspec", "lamost_kepler", "sdss_v"])
def test_shipped_definitions_come_back_as_they_were(tmp_path: Path, name: str):
    definition = load_definition(name).model_copy(update={"ebv_map": Path("maps/sfd.fits"), "duplicates": None})
    run = make_run(tmp_path, train=TRAIN).model_copy(update={"definition_a": definition})
    save_ensemble(run, [FAMILY], {})
    kept = open_ensemble(paths.ensemble(run.output)).definition
    assert kept.model_dump() == definition.model_dump()  # all but where the facts come from: they are no setting


def test_a_map_of_this_machine_is_named_without_its_folder(tmp_path: Path):
    run = make_run(tmp_path, train=TRAIN)
    definition = run.definition_a.model_copy(update={"ebv_map": tmp_path / "sfd.fits"})
    save_ensemble(run.model_copy(update={"definition_a": definition}), [FAMILY], {})
    assert open_ensemble(paths.ensemble(run.output)).definition.ebv_map == Path("sfd.fits")


def test_the_digest_is_that_of_the_content_and_of_nothing_else(tmp_path: Path):
    one, other = saved(tmp_path / "one"), saved(tmp_path / "other")
    paths.card(other.output).write_text("# Another card\n")
    save_ensemble(other, [FAMILY], {"key": "of another training"})
    digest = open_ensemble(paths.ensemble(one.output)).digest
    assert open_ensemble(paths.ensemble(other.output)).digest == digest
    again = make_run(tmp_path / "more", train=TRAIN, seed=8)
    save_ensemble(again, [FAMILY], {})
    changed = [open_ensemble(paths.ensemble(again.output)).digest]
    again = make_run(tmp_path / "more", train=TRAIN)
    save_ensemble(again, [replace(FAMILY, fallback=None)], {})
    changed.append(open_ensemble(paths.ensemble(again.output)).digest)
    target = again.definition_b.model_copy(update={"title": "another survey"})
    save_ensemble(again.model_copy(update={"definition_b": target}), [FAMILY], {})
    changed.append(open_ensemble(paths.ensemble(again.output)).digest)
    source = again.definition_a.model_copy(update={"sentinels": (-1.0,)})
    save_ensemble(again.model_copy(update={"definition_a": source}), [FAMILY], {})
    changed.append(open_ensemble(paths.ensemble(again.output)).digest)
    assert len({digest, *changed}) == 5


def test_a_run_folder_opens_when_its_training_is_finished(tmp_path: Path):
    run = finished(tmp_path)
    assert open_ensemble(str(run.output)).name == "mock_a_to_mock_b"
    paths.receipt(run.output, "train").unlink()
    with pytest.raises(EnsembleError, match=r"has no trained ensemble yet\. Run `stdask train` first"):
        open_ensemble(run.output)


def test_what_is_no_ensemble_is_told_with_what_would_be_one(tmp_path: Path):
    for path, words in ((tmp_path / "nowhere", "No file or folder"), (tmp_path, "holds no trained ensemble")):
        with pytest.raises(EnsembleError, match=f"{words}.* Name a packed ensemble, its folder, or the folder of"):
            open_ensemble(path)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"stranger": 1}, "unknown key 'stranger'"),
        ({"draws": {"n_draws": 1, "sampler": "sobol", "seed": 1, "include_nominal": False}}, "n_draws is 1"),
        ({"target": {"name": "../../x", "title": "B", "reference": "", "units": {}}}, r"target\.name is '\.\./\.\./x'"),
        ({"error_factors": {"TEFF": {"edges": [1], "n_pairs": [1], "factors": [1], "errors": [1]}}}, "same bins"),
    ],
)
def test_content_that_no_training_writes_is_refused_by_its_key(tmp_path: Path, change: dict, words: str):
    folder = paths.ensemble(saved(tmp_path).output)
    whole = json.loads((folder / "ensemble.json").read_text())
    whole["content"] |= change
    whole["sha256"] = hash_of({name: value for name, value in whole.items() if name != "sha256"})
    (folder / "ensemble.json").write_text(json.dumps(whole))
    with pytest.raises(EnsembleError, match=words):
        open_ensemble(folder)


def test_what_was_trained_with_and_on_stands_beside_the_content(tmp_path: Path):
    run = make_run(tmp_path, train=TRAIN)
    save_ensemble(run, [made_up_family()], {"survey_files": {"ingest_a": {"a.fits": "0" * 64}}})
    whole = json.loads((paths.ensemble(run.output) / "ensemble.json").read_text())
    assert whole["provenance"]["survey_files"] == {"ingest_a": {"a.fits": "0" * 64}}
    assert {"stdask", "python", "numpy", "tensorflow"} <= whole["provenance"]["versions"].keys()
    assert str(tmp_path) not in json.dumps(whole)  # nothing refers to the run folder


@pytest.mark.parametrize(
    ("table", "expected"),
    [
        # Without a number, the preset "compact" has 56 draws.
        ("", Draws(n_draws=56, sampler="sobol", seed=3, include_nominal=False, engine="cpu", tf32=False)),
        (
            '[translate]\nn_draws = 40\nsampler = "random"\ninclude_nominal = true\nengine = "gpu"\ntf32 = true\n',
            Draws(n_draws=40, sampler="random", seed=3, include_nominal=True, engine="cpu", tf32=False),
        ),
    ],
)
def test_draws_follow_the_run_file_and_leave_the_engine_to_the_workers(table: str, expected: Draws, tmp_path: Path):
    assert draws_of(make_demo_run(tmp_path, table).config) == expected
