"""Trained members are kept on disk: an interrupted run trains the others alone, and gets the same networks."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from stdask.cluster.workers import Workers
from stdask.config.run import Run
from stdask.network.recipe import Epoch
from stdask.runs.stage import Stage
from stdask.stages.train import members as train_members
from stdask.stages.train.members import Job, Member, Shelf, Shelves, jobs_of, sample_of
from stdask.storage import paths
from stdask.tools.run import forget
from tests.hand_made import make_run
from tests.network.made_up import made_up_plan, training_stars

SHORT = {"n_members": 3, "max_epochs": 3, "learning_rates": (1e-3,), "first_width": 4, "depth": 1}


def short_run(folder: Path) -> Run:
    labels = [{"label": label, "from": label} for label in ("TEFF", "LOGG", "FE_H")]
    return make_run(folder, train={"intrinsic": labels, **SHORT})


def short_jobs(run: Run) -> list[Job]:
    inputs, labels = training_stars(200)
    sample = sample_of((inputs / 1000).astype(np.float32), (labels / 1000).astype(np.float32))
    return jobs_of("intrinsic", [sample] * 3, run.config.train, run.config.seed)


def trained(workers: Workers, jobs: Sequence[Job], shelf: Shelf, most: int = 3) -> tuple[list[int], list]:
    """Train; return which members were trained now, and all. The driver dies when one more than `most` is done."""
    now: list[int] = []
    members: list[Member] = []

    def add(shelf: Shelf, number: int, job: Job, member: Member) -> None:
        if len(now) == most:
            raise KeyboardInterrupt
        now.append(job.member)
        own_add(shelf, number, job, member)

    own_add = Shelf.add
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Shelf, "add", add)
        try:
            members = train_members.train_members(workers, "train", jobs, shelf)
        except KeyboardInterrupt:
            assert len(now) == most
    return sorted(now), members


def assert_same(ours: Sequence[Member], theirs: Sequence[Member]) -> None:
    """Compare networks bit for bit, and their learning curves."""
    assert len(ours) == len(theirs) == 3
    for (plan, epochs), (other, other_epochs) in zip(ours, theirs, strict=True):
        assert epochs == other_epochs
        assert (plan.depth, plan.arrays.keys()) == (other.depth, other.arrays.keys())
        for name, array in plan.arrays.items():
            assert array.dtype == other.arrays[name].dtype
            np.testing.assert_array_equal(array, other.arrays[name])


def made_member(job: Job) -> Member:
    """Return a network that was not trained."""
    return made_up_plan(4, 3, 4, job.architecture.depth, 1), [Epoch(0, 1e-3, 0.5, 0.25), Epoch(1, 1e-3, 1 / 3, 0.1)]


@pytest.fixture(scope="module")
def undisturbed(client: Workers, tmp_path_factory: pytest.TempPathFactory) -> list[Member]:
    run = short_run(tmp_path_factory.mktemp("undisturbed"))
    return train_members.train_members(client, "train", short_jobs(run), shelf_of(run))


def shelf_of(run: Run, kind: str = "intrinsic") -> Shelf:
    return Shelf(Stage(run.output, "train", {}, {}), kind)


@pytest.mark.faults
def test_a_run_that_was_cut_off_trains_only_the_members_that_were_not_done(
    client: Workers, tmp_path: Path, undisturbed: list[Member]
):
    run = short_run(tmp_path)
    before, _ = trained(client, short_jobs(run), shelf_of(run), most=1)
    now, members = trained(client, short_jobs(run), shelf_of(run))
    assert len(before) == 1
    assert sorted([*before, *now]) == [0, 1, 2]
    assert_same(members, undisturbed)


@pytest.mark.faults
def test_a_member_damaged_on_the_shelf_is_trained_again(client: Workers, tmp_path: Path, undisturbed: list[Member]):
    run = short_run(tmp_path)
    trained(client, short_jobs(run), shelf_of(run))
    path = paths.members(run.output, "train") / "intrinsic" / "1.safetensors"
    content = bytearray(path.read_bytes())
    content[-3] ^= 1  # as long as before
    path.write_bytes(content)
    now, members = trained(client, short_jobs(run), shelf_of(run))
    assert now == [1]
    assert_same(members, undisturbed)
    assert trained(client, short_jobs(run), shelf_of(run))[0] == []


@pytest.mark.faults
@pytest.mark.parametrize(
    "changes", [{"seed": 5}, {"max_epochs": 2}, {"first_width": 8}, {"batch_size": 50}, {"stars": True}]
)
def test_a_member_that_depends_on_what_has_changed_is_trained_again(changes: dict[str, Any], tmp_path: Path):
    run = short_run(tmp_path)
    job = short_jobs(run)[0]
    shelf = shelf_of(run)
    assert shelf.kept([job]) == {}
    shelf.add(0, job, made_member(job))
    assert list(shelf_of(run).kept([job])) == [0]
    if "stars" in changes:
        inputs = job.validation.inputs.copy()
        inputs[-1, -1] = np.nextafter(inputs[-1, -1], np.inf)
        other = replace(job, validation=replace(job.validation, inputs=inputs))
    elif "seed" in changes:
        other = replace(job, seed=changes["seed"])
    else:
        labels = [{"label": label, "from": label} for label in ("TEFF", "LOGG", "FE_H")]
        other = short_jobs(make_run(tmp_path, train={"intrinsic": labels, **SHORT, **changes}))[0]
    assert shelf_of(run).kept([other]) == {}


def test_networks_of_another_kind_have_a_shelf_of_their_own(tmp_path: Path):
    run = short_run(tmp_path)
    jobs = short_jobs(run)
    for number, kind in enumerate(("intrinsic", "intrinsic_latent")):
        shelf_of(run, kind).kept(jobs)
        shelf_of(run, kind).add(number, jobs[number], made_member(jobs[number]))
    assert list(shelf_of(run, "intrinsic").kept(jobs)) == [0]
    assert list(shelf_of(run, "intrinsic_latent").kept(jobs)) == [1]


def test_a_shelf_holds_the_members_of_its_last_jobs_and_no_others(tmp_path: Path):
    run = short_run(tmp_path)
    jobs, shelf = short_jobs(run), shelf_of(run)
    shelf.kept(jobs)
    for number, job in enumerate(jobs):
        shelf.add(number, job, made_member(job))
    assert list(shelf_of(run).kept(jobs[:2])) == [0, 1]
    folder = paths.members(run.output, "train") / "intrinsic"
    assert sorted(path.name for path in folder.iterdir()) == ["0.safetensors", "1.safetensors"]


def test_a_stage_that_is_repeated_on_request_trains_all_members_again(tmp_path: Path):
    run = short_run(tmp_path)
    jobs, shelf = short_jobs(run), shelf_of(run)
    shelf.kept(jobs)
    shelf.add(0, jobs[0], made_member(jobs[0]))
    forget(run.output, ["train"])
    assert shelf_of(run).kept(jobs) == {}


def test_the_name_of_a_shelf_is_a_file_name_whatever_it_is_for(tmp_path: Path):
    run = short_run(tmp_path)
    job = short_jobs(run)[0]
    shelves = Shelves(Stage(run.output, "study", {}, {}), "47 Tuc/")
    shelf = shelves.of("paper, z-scored")
    shelf.kept([job])
    shelf.add(0, job, made_member(job))
    assert (paths.members(run.output, "study") / "47_Tuc_paper_z_scored" / "0.safetensors").exists()
    assert list(shelves.of("paper, z-scored").kept([job])) == [0]


def test_a_label_that_b_lacks_has_no_weight_in_training_and_validation(tmp_path: Path):
    inputs, labels = training_stars(200)
    gaps = np.where(np.arange(200)[:, None] % 3 > 0, labels, [1.0, np.nan, 1.0]).astype(np.float32)
    run = short_run(tmp_path)
    for job in jobs_of("intrinsic", [sample_of(inputs.astype(np.float32), gaps)] * 3, run.config.train, 1):
        for part in (job.training, job.validation):
            missing = part.weights[:, 1] == 0
            assert 0.2 < missing.mean() < 0.5  # a third
            assert (part.corrections[missing, 1] == 0).all()  # a NaN would spoil the loss even without weight
            assert (part.weights[:, [0, 2]] == 1).all()
            assert np.isfinite(part.corrections).all()
