"""Which settings redo which stage."""

from importlib import import_module
from pathlib import Path

import pytest

from stdask.config.run import Run
from stdask.config.stages import AlsoConfig
from stdask.network.presets import N_DRAWS
from stdask.runs.registry import ENTRIES, STAGES, stage_settings, stages_of
from stdask.runs.surveys.input_files import input_files
from tests.tools.bench.bench_runs import make_demo_run

DRAWN = ("train", "evaluate", "translate")


def with_preset(run: Run, preset: str) -> Run:
    train = run.config.train.model_copy(update={"preset": preset})
    return run.model_copy(update={"config": run.config.model_copy(update={"train": train})})


def settings(folder: Path, tables: str = "", preset: str = "compact") -> dict[str, dict]:
    run = with_preset(make_demo_run(folder, tables), preset)
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


def test_ingest_depends_on_nothing_of_train_or_translate(tmp_path: Path):
    """So that a run with another preset or more draws keeps its catalogues and pairs."""
    plain = make_demo_run(tmp_path)
    other = make_demo_run(tmp_path, "[translate]\nn_draws = 7\n")
    for stage in ("ingest_a", "ingest_b", "pair"):
        assert stage_settings(with_preset(other, "paper"), stage) == stage_settings(plain, stage)


def with_merge(run: Run, **keys: object) -> Run:
    merge = run.config.merge.model_copy(update=keys)
    return run.model_copy(update={"config": run.config.model_copy(update={"merge": merge})})


def test_means_redo_the_merge_and_a_merge_of_first_values_has_the_settings_of_earlier_versions(tmp_path: Path):
    plain = make_demo_run(tmp_path)
    means = with_merge(plain, values="mean")
    assert "values" not in stage_settings(plain, "merge")["merge"]
    assert stage_settings(means, "merge")["merge"]["values"] == "mean"
    changed = [name for name in stages_of(plain) if stage_settings(plain, name) != stage_settings(means, name)]
    assert changed == ["merge", "report"]


def test_only_means_read_what_closure_finds(tmp_path: Path):
    several = with_merge(make_demo_run(tmp_path), also=(AlsoConfig(run=Path("other")),))
    assert "closure" in stages_of(several)
    assert "closure" not in stages_of(several)["merge"].inputs
    assert "closure" in stages_of(with_merge(several, values="mean"))["merge"].inputs


def test_every_stage_reads_only_what_is_made_before_it():
    names = list(STAGES)
    for number, entry in enumerate(STAGES.values()):
        assert set(entry.inputs) <= set(names[:number])


def test_the_function_of_every_stage_and_check_can_be_imported():
    for entry in ENTRIES.values():
        module, function = entry.function.split(":")
        assert callable(getattr(import_module(module), function))


def test_the_files_of_a_stage_are_those_that_its_keys_name(tmp_path: Path):
    lists = "".join(
        f'[[{stage}.exclude]]\nfile = "{stage}.fits"\ncolumn = "id"\nsurvey = "a"\n' for stage in ("pair", "merge")
    )
    run = make_demo_run(tmp_path, lists)
    data = run.data_dir / "data"
    assert input_files(run, "ingest_b") == {"mock_b.parquet": data / "mock_b.parquet"}
    assert input_files(run, "pair") == {"pair.fits": run.data_dir / "pair.fits"}
    clusters = {"globular_clusters": data / "mock_clusters.parquet"}
    assert input_files(run, "merge") == clusters | {"merge.fits": run.data_dir / "merge.fits"}
    assert input_files(run, "train") == {}


def test_known_stars_repeat_evaluate_alone_and_a_run_without_them_has_the_settings_of_earlier_versions(tmp_path: Path):
    plain = make_demo_run(tmp_path)
    # as receipts of 0.11.0 have them
    assert stage_settings(plain, "evaluate")["evaluate"] == {"n_bootstraps": 1000, "importance_stars": 100}
    named = make_demo_run(tmp_path, '[evaluate]\nclusters = { file = "members.csv", min_probability = 0.5 }\n')
    changed = [stage for stage in stages_of(plain) if stage_settings(plain, stage) != stage_settings(named, stage)]
    assert changed == ["evaluate", "report"]
    assert input_files(named, "evaluate") == {"clusters": named.data_dir / "members.csv"}


def test_no_two_stages_write_into_one_folder():
    folders = [folder for entry in STAGES.values() for folder in entry.outputs]
    assert len(set(folders)) == len(folders)


def test_the_description_of_a_table_of_cds_is_an_input_of_ingest(tmp_path: Path):
    run = make_demo_run(tmp_path)
    main = run.survey_files("a")["main"].path
    assert list(input_files(run, "ingest_a")) == [main.name]
    main.parent.mkdir()
    readme = main.with_name("ReadMe")
    readme.write_text("Byte-by-byte Description of file: table2.dat")
    assert input_files(run, "ingest_a") == {main.name: main, "main ReadMe": readme}  # the table stays the first
