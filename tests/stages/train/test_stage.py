"""The stage train as a whole: interrupted and resumed, it ends with the same ensemble; or it takes one over."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from stdask.cluster.workers import Workers
from stdask.config.run import Run, load_run
from stdask.runs.ensemble import open_ensemble
from stdask.runs.receipts import read_receipt
from stdask.stages.ingest import stage as ingest
from stdask.stages.pair import stage as pair
from stdask.stages.train import stage as train
from stdask.stages.train.members import Job, Member, Shelf
from stdask.storage import paths
from tests.conftest import JOBS
from tests.hand_made import make_run, write_receipts
from tests.network.made_up import training_stars
from tests.tools.apply.made_up import LABELS, make_bundle
from tests.tools.validate.checked_stars import training

SHORT = {"n_members": 2, "max_epochs": 2, "learning_rates": (1e-3,), "first_width": 8, "depth": 1}
MORE = {"debias": True, "fallback": "best"}  # all that train can do with networks, and a second kind of them


@pytest.fixture(scope="module")
def paired(data_dir: Path, client: Workers, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Return a run whose pairs are there and whose networks are tiny."""
    run = load_run(JOBS / "lamost_kepler_to_apogee.toml", data_dir, tmp_path_factory.mktemp("train") / "run")
    own = run.config.train.model_copy(update=SHORT | MORE)
    run = run.model_copy(update={"config": run.config.model_copy(update={"train": own})})
    for side in ("a", "b"):
        ingest.run(run, client, side)
    pair.run(run, client)
    return run


def copied(run: Run, folder: Path) -> Run:
    shutil.copytree(run.output, folder)
    return run.model_copy(update={"output": folder})


def trained_now(run: Run, client: Workers, most: int = 100) -> int:
    """Train; return how many members that took. The driver dies when one more than `most` is done."""
    n_done = 0

    def add(shelf: Shelf, number: int, job: Job, member: Member) -> None:
        nonlocal n_done
        if n_done == most:
            raise KeyboardInterrupt
        n_done += 1
        own_add(shelf, number, job, member)

    own_add = Shelf.add
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Shelf, "add", add)
        try:
            train.run(run, client)
        except KeyboardInterrupt:
            assert n_done == most
    return n_done


@pytest.mark.slow
@pytest.mark.faults
def test_training_that_was_cut_off_goes_on_and_ends_with_the_same_ensemble(
    paired: Run, client: Workers, tmp_path: Path
):
    run, cut = copied(paired, tmp_path / "run"), copied(paired, tmp_path / "cut")
    n_members = trained_now(run, client)
    assert n_members >= 4  # two as measured, two of noise-free inputs, for each family
    assert trained_now(cut, client, most=3) == 3  # one of the second kind among them
    assert trained_now(cut, client) == n_members - 3
    assert_same_ensembles(run, cut)


def assert_same_ensembles(run: Run, other: Run) -> None:
    names = {path.name for path in paths.ensemble(run.output).iterdir()}
    assert names == {path.name for path in paths.ensemble(other.output).iterdir()}
    for name in names:
        assert (paths.ensemble(other.output) / name).read_bytes() == (paths.ensemble(run.output) / name).read_bytes()


@pytest.mark.slow
def test_another_domain_trains_no_network_again(paired: Run, client: Workers, tmp_path: Path):
    run, fresh = copied(paired, tmp_path / "run"), copied(paired, tmp_path / "fresh")
    n_members = trained_now(run, client)
    before = (paths.ensemble(run.output) / "ensemble.json").read_bytes()
    domain = run.config.domain.model_copy(update={"n_bins": 7})
    translate = run.config.translate.model_copy(update={"n_draws": 20})
    run, fresh = (
        own.model_copy(update={"config": own.config.model_copy(update={"domain": domain, "translate": translate})})
        for own in (run, fresh)
    )
    assert trained_now(run, client) == 0
    assert (paths.ensemble(run.output) / "ensemble.json").read_bytes() != before
    assert trained_now(fresh, client) == n_members
    assert_same_ensembles(run, fresh)


@pytest.mark.slow
@pytest.mark.faults
def test_training_that_was_cut_off_begins_anew_with_other_settings(paired: Run, client: Workers, tmp_path: Path):
    cut = copied(paired, tmp_path / "cut")
    assert trained_now(cut, client, most=3) == 3
    own = cut.config.train.model_copy(update={"max_epochs": 1})
    other = cut.model_copy(update={"config": cut.config.model_copy(update={"train": own})})
    assert trained_now(other, client) >= 4


def test_the_ensemble_of_the_run_is_the_packed_one_and_the_stage_is_done(tmp_path: Path, client: Workers):
    bundle = make_bundle(tmp_path / "elsewhere")
    run = make_run(tmp_path / "here", train=LABELS | {"ensemble": str(bundle)})
    write_receipts(make_run(tmp_path / "here"), "pair", "evaluate")  # of networks that were trained here before
    receipt = train.run(run, client)
    assert open_ensemble(paths.ensemble(run.output)).digest == open_ensemble(bundle).digest
    assert receipt.counts.notes == ("The networks were not trained in this run: they are those of small.stdask.",)
    assert "small.stdask" not in receipt.outputs
    assert set(receipt.inputs) == {"ensemble"}
    assert train.run(run, client) == read_receipt(run.output, "train")
    for stage in ("pair", "evaluate"):
        assert not paths.receipt(run.output, stage).exists()
        assert not (run.output / f"made by {stage}").exists()


def test_another_ensemble_replaces_the_first(tmp_path: Path, client: Workers):
    first, second = (make_bundle(tmp_path / name, title=name) for name in ("first", "second"))
    for bundle in (first, second):
        run = make_run(tmp_path / "here", train=LABELS | {"ensemble": str(bundle)})
        train.run(run, client)
        assert open_ensemble(paths.ensemble(run.output)).digest == open_ensemble(bundle).digest


def test_a_label_that_too_few_pairs_have_is_named(tmp_path: Path):
    run = make_run(tmp_path)
    inputs, labels = training_stars(300)
    labels[:110, 1] = np.nan
    stars = training(inputs, labels)
    expected = "190 usable pairs with LOGG for the intrinsic networks, 200 are needed ([train] min_pairs)"
    assert train.too_few("intrinsic", stars, run.config.train) == expected
    fewer = run.config.train.model_copy(update={"min_pairs": 190})
    assert train.too_few("intrinsic", stars, fewer) == ""
    many = run.config.train.model_copy(update={"min_pairs": 301})
    assert train.too_few("intrinsic", stars, many).startswith("300 usable pairs for the intrinsic networks, 301 ")
