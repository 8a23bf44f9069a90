"""Which settings redo which stage."""

from pathlib import Path

import pytest

from stdask.config import Run
from stdask.network.recipe import N_DRAWS
from stdask.pipeline.settings import stage_settings
from tests.pipeline.bench_runs import make_demo_run

DRAWN = ("train", "evaluate", "translate")


def settings(folder: Path, tables: str = "", preset: str = "compact") -> dict[str, dict]:
    run: Run = make_demo_run(folder, tables)
    train = run.config.train.model_copy(update={"preset": preset})
    run = run.model_copy(update={"config": run.config.model_copy(update={"train": train})})
    return {stage: stage_settings(run, stage) for stage in DRAWN}


@pytest.mark.parametrize("line", ['engine = "gpu"', "tf32 = true"])
def test_another_engine_redoes_the_translation_alone(tmp_path: Path, line: str):
    before, after = settings(tmp_path), settings(tmp_path, f"[translate]\n{line}\n")
    assert [stage for stage in DRAWN if before[stage] != after[stage]] == ["translate"]


@pytest.mark.parametrize("line", ["n_draws = 7", 'sampler = "random"', "include_nominal = true"])
def test_other_draws_redo_all_that_is_drawn(tmp_path: Path, line: str):
    before, after = settings(tmp_path), settings(tmp_path, f"[translate]\n{line}\n")
    assert [stage for stage in DRAWN if before[stage] != after[stage]] == list(DRAWN)


@pytest.mark.parametrize("preset", N_DRAWS)
def test_the_draws_of_a_preset_are_those_that_can_be_asked_for(tmp_path: Path, preset: str):
    said = settings(tmp_path, f"[translate]\nn_draws = {N_DRAWS[preset]}\n", preset)
    assert settings(tmp_path, preset=preset) == said
    assert said["translate"]["translate"]["n_draws"] == N_DRAWS[preset]
