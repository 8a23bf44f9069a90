"""The command line: an error is one line with what, where and what to do, and exit code 2."""

import sys
from pathlib import Path

import pytest

from stdask import __version__
from stdask.cli.main import main

JOBS = Path(__file__).parents[2] / "jobs"


def call(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str]:
    monkeypatch.setattr(sys, "argv", ["stdask", *map(str, arguments)])
    with pytest.raises(SystemExit) as stop:
        main()
    captured = capsys.readouterr()
    return int(stop.value.code or 0), captured.out + captured.err


def test_definitions_are_listed_shown_and_begun(tmp_path, monkeypatch, capsys):
    assert "galah_dr3" in call(monkeypatch, capsys, "survey", "list")[1]
    assert "Buder et al. 2021" in call(monkeypatch, capsys, "survey", "show", "galah_dr3")[1]
    (tmp_path / "mine.csv").write_text("id,ra,dec,teff\n1,10,20,5000\n")
    arguments = ("survey", "new", tmp_path / "mine.csv", "--output", tmp_path / "mine.toml")
    assert call(monkeypatch, capsys, *arguments)[0] == 0
    assert 'column = "teff"' in (tmp_path / "mine.toml").read_text()
    code, text = call(monkeypatch, capsys, *arguments)
    assert (code, "mine.toml exists" in " ".join(text.split())) == (2, True)


def test_the_version_is_told(monkeypatch, capsys):
    assert call(monkeypatch, capsys, "--version") == (0, f"stdask {__version__}\n")


def job_with(tmp_path: Path, old: str, new: str) -> Path:
    text = (JOBS / "lamost_to_apogee.toml").read_text()
    assert old in text
    path = tmp_path / "run.toml"
    path.write_text(text.replace(old, new, 1))
    return path


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("seed = 7", "sead = 7", "Did you mean 'seed'?"),
        ('label = "TEFF"', 'label = "TEFF_K"', "'TEFF_K' is not measured by apogee_dr17_giants (B)"),
        ('from = "TEFF"', 'from = "MG_FE"', "'MG_FE' is not measured by lamost_dr3 (A)"),
        ('definition = "lamost_dr3"', 'definition = "lamost_dr33"', "No survey definition 'lamost_dr33'"),
        ("radius_arcsec = 2.0", "radius_arcsec = -1", "radius_arcsec"),
        ("seed = 7", "seed = ", "not valid TOML"),
    ],
)
def test_a_wrong_run_file_is_one_line_and_exit_code_2(old, new, said, tmp_path, monkeypatch, capsys):
    path = job_with(tmp_path, old, new)
    code, text = call(monkeypatch, capsys, "run", path, "--output", tmp_path / "out")
    assert code == 2
    assert said in text
    assert len(text.strip().splitlines()) == 1
    assert not (tmp_path / "out").exists()  # nothing half-written


def test_a_missing_run_file_is_named(tmp_path, monkeypatch, capsys):
    code, text = call(monkeypatch, capsys, "run", tmp_path / "none.toml")
    assert code == 2
    assert f"No file {tmp_path / 'none.toml'}" in text


def test_a_stage_before_its_turn_names_the_one_to_run_first(tmp_path, monkeypatch, capsys):
    code, text = call(monkeypatch, capsys, "train", JOBS / "lamost_to_apogee.toml", "--output", tmp_path / "out")
    assert code == 2
    assert "Run `stdask pair` first" in text


def test_export_refuses_what_is_no_catalogue_and_what_exists(tmp_path, monkeypatch, capsys):
    code, text = call(monkeypatch, capsys, "export", tmp_path, tmp_path / "x.fits")
    assert code == 2
    assert "not a finished catalogue" in text


def test_workers_that_do_not_answer_are_told_in_words(tmp_path, monkeypatch, capsys):
    def late(*_: object) -> None:
        raise TimeoutError

    monkeypatch.setattr("stdask.cli.main.bench.run", late)
    code, text = call(monkeypatch, capsys, "bench", "--json", tmp_path / "bench.json")
    assert code == 2
    assert "the workers did not answer. Start again" in text


def test_an_unknown_preset_and_a_plan_with_options_of_its_own_are_refused(tmp_path, monkeypatch, capsys):
    code, text = call(monkeypatch, capsys, "bench", "--preset", "huge")
    assert (code, "There are paper, compact" in text) == (2, True)
    job = JOBS / "lamost_to_apogee.toml"
    code, text = call(monkeypatch, capsys, "bench", "--plan", job, "--json", tmp_path / "bench.json")
    assert (code, "leave out --preset, --ingest and --json" in text) == (2, True)
    code, text = call(monkeypatch, capsys, "bench", "--ingest", 10, "--preset", "paper")
    assert (code, "leave out --preset" in text) == (2, True)


def test_a_plan_foretells_time_memory_and_disk_before_anything_is_run(data_dir, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(
        sys, "argv", ["stdask", "bench", "--plan", str(JOBS / "lamost_to_apogee.toml"), "--data-dir", str(data_dir)]
    )
    with pytest.raises(SystemExit) as stop:
        main()
    assert stop.value.code == 0
    text = capsys.readouterr().out
    assert "18,733 stars at" in text  # the rows of the survey file
    assert "of memory a worker" in text
    assert not list(tmp_path.iterdir())
