"""The command line: errors are one line and an exit code, commands start fast, Ctrl-C says how to resume."""

import errno
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from distributed.comm.core import CommClosedError
from typer.main import get_command

from stdask import __version__
from stdask.cli.main import app, main
from stdask.cluster.workers import Workers
from stdask.config.cluster import ClusterConfig
from stdask.config.run import load_run
from stdask.network.presets import PRESETS
from stdask.runs.recorder import recorded, stage_begins
from stdask.tools.demo import prepare
from stdask.tools.study import RECIPES
from stdask.tools.validate.validate import CHECKS

JOBS = Path(__file__).parents[2] / "jobs"
SLOW = {"distributed", "dask", "tensorflow", "keras", "numba", "astropy", "scipy", "healpy", "matplotlib", "bokeh"}
SLOW |= {"sklearn", "pyarrow", "numpy"}
NAME_MODULES = """
import json, sys
from stdask.cli.main import main
try:
    main()
finally:
    print(json.dumps(list(sys.modules)))
"""


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


def test_the_version_is_printed(monkeypatch, capsys):
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


def test_a_stage_run_too_early_names_the_one_to_run_first(tmp_path, monkeypatch, capsys):
    run_file = tmp_path / "run.toml"
    job = (JOBS / "lamost_to_apogee.toml").read_text()
    run_file.write_text(job)
    code, text = call(monkeypatch, capsys, "train", run_file, "--output", tmp_path / "out")
    assert code == 2
    assert "globular_clusters.parquet" in text  # merge would not find it
    run_file.write_text(job.replace('globular_clusters = "globular_clusters.parquet"', ""))
    code, text = call(monkeypatch, capsys, "train", run_file, "--output", tmp_path / "out")
    assert code == 2
    assert "Run `stdask ingest` first" in text


def test_export_refuses_what_is_no_catalogue_and_what_exists(tmp_path, monkeypatch, capsys):
    code, text = call(monkeypatch, capsys, "export", tmp_path, tmp_path / "x.fits")
    assert code == 2
    assert "not a finished catalogue" in text


def test_workers_that_do_not_answer_are_reported_in_words(tmp_path, monkeypatch, capsys):
    def late(*_: object) -> None:
        raise TimeoutError

    monkeypatch.setattr("stdask.tools.bench.bench.run", late)
    code, text = call(monkeypatch, capsys, "bench", "--json", tmp_path / "bench.json")
    assert code == 2
    assert "the workers did not answer. Run the same command again" in text


def test_an_unknown_preset_and_a_plan_with_options_of_its_own_are_refused(tmp_path, monkeypatch, capsys):
    code, text = call(monkeypatch, capsys, "bench", "--preset", "huge")
    assert (code, "Presets: paper, compact" in text) == (2, True)
    job = JOBS / "lamost_to_apogee.toml"
    code, text = call(monkeypatch, capsys, "bench", "--plan", job, "--json", tmp_path / "bench.json")
    assert (code, "leave out --preset, --ingest and --json" in text) == (2, True)
    code, text = call(monkeypatch, capsys, "bench", "--ingest", 10, "--preset", "paper")
    assert (code, "leave out --preset" in text) == (2, True)


def test_a_plan_estimates_time_memory_and_disk_before_anything_is_run(data_dir, tmp_path, monkeypatch, capsys):
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


@pytest.fixture(scope="module")
def a_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run file, and a run folder that an earlier command has left."""
    folder = tmp_path_factory.mktemp("status")
    text = (JOBS / "lamost_to_apogee.toml").read_text()
    (folder / "run.toml").write_text(text.replace('output = "', f'output = "{folder}/', 1))
    output = load_run(folder / "run.toml").output
    with recorded(output, Workers(ClusterConfig())):
        stage_begins("ingest_a")
    return folder / "run.toml"


@pytest.mark.parametrize("command", ["--version", "--help", "train --help", "survey list", "status RUN"])
def test_commands_that_only_look_import_nothing_slow(command: str, a_run: Path):
    words = command.replace("RUN", str(a_run)).split()
    done = subprocess.run([sys.executable, "-c", NAME_MODULES, *words], capture_output=True, text=True, check=True)
    assert {name.split(".")[0] for name in json.loads(done.stdout.splitlines()[-1])}.isdisjoint(SLOW)


# a shell lets its background jobs ignore Ctrl-C, and what they start as well: these tests may run in one
FROM_A_TERMINAL = """
import os, signal, sys
signal.signal(signal.SIGINT, signal.SIG_DFL)
os.execv(sys.executable, [sys.executable, "-m", "stdask", *sys.argv[1:]])
"""


def start(*arguments: object) -> subprocess.Popen[str]:
    """Start a command as a terminal does: in a process group of its own, which gets Ctrl-C as a whole."""
    command = [sys.executable, "-c", FROM_A_TERMINAL, *map(str, arguments)]
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True
    )


@pytest.mark.parametrize("seconds", [0.0, 2.0])  # after the stage has begun: workers start, which takes some seconds
def test_ctrl_c_ends_with_one_sentence_that_says_how_to_resume(seconds: float, tmp_path: Path):
    run_file, _ = prepare(tmp_path, 2000, 2000, 500, seed=1)
    command = start("ingest", tmp_path / "run.toml", "--workers", 1)
    assert command.stdout
    begun = command.stdout.readline()
    assert begun == "ingest_a: not run yet\n"
    time.sleep(seconds)
    os.killpg(command.pid, signal.SIGINT)
    rest, _ = command.communicate(timeout=120)
    assert command.returncode == 130
    assert rest.splitlines()[-1] == (
        "stdask: Stopped. Run the same command again to resume: finished stages and partitions are kept."
    )
    assert "Traceback" not in rest
    assert not (run_file.output / "run.lock").exists()


@pytest.mark.parametrize(
    "command",
    [
        "run ~/run.toml",
        "train --output=~/out ~/run.toml",
        "status ~/run.toml",
        "atlas ~/table.toml",
        "survey show ~/mine.toml",
        "cluster check --cluster=~/site.toml",
        "export ~/run ~/x.fits",
    ],
)
def test_a_tilde_is_the_home_folder(command: str, tmp_path: Path, monkeypatch, capsys):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    code, text = call(monkeypatch, capsys, *command.split())
    assert code == 2
    assert str(tmp_path) in text
    assert "~" not in text


def test_a_tilde_in_a_run_file_is_the_home_folder(tmp_path: Path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    run = load_run(job_with(tmp_path, 'output = "', 'output = "~/'))
    assert run.output.is_relative_to(tmp_path)


def test_an_unknown_recipe_lists_all_of_them(tmp_path: Path, monkeypatch, capsys):
    job = JOBS / "lamost_to_apogee.toml"
    code, text = call(monkeypatch, capsys, "study", job, "--output", tmp_path, "--recipe", "none")
    assert (code, all(recipe in text for recipe in RECIPES)) == (2, True)


def test_the_help_names_all_checks_and_presets(monkeypatch, capsys):
    checks = [name.removeprefix("validate_") for name in CHECKS if name != "study"]
    assert all(name in call(monkeypatch, capsys, "validate", "--help")[1] for name in checks)
    assert all(preset in call(monkeypatch, capsys, "bench", "--help")[1] for preset in PRESETS)


def test_an_unknown_stage_to_redo_lists_all_of_them(tmp_path: Path, monkeypatch, capsys):
    run, _ = prepare(tmp_path, 2000, 2000, 500, seed=1)
    code, text = call(monkeypatch, capsys, "run", tmp_path / "run.toml", "--redo", "trian")
    assert (code, "No stage 'trian'" in text, "train" in text) == (2, True, True)
    assert not (run.output / "receipts").exists()


def commands(command: object = None, words: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], object]]:
    """Yield every command and group of commands, with the words that call it."""
    command = command or get_command(app)
    yield words, command
    for name, inner in getattr(command, "commands", {}).items():
        yield from commands(inner, (*words, name))


ALL = list(commands())


def plain(text: str) -> str:
    """Return a text without its line breaks."""
    return re.sub(r"\s+", " ", text)


@pytest.mark.parametrize(("words", "command"), ALL, ids=[" ".join(words) or "stdask" for words, _ in ALL])
def test_help_arrives_whole(words: tuple[str, ...], command, monkeypatch, capsys):
    monkeypatch.setenv("COLUMNS", "80")
    code, text = call(monkeypatch, capsys, *words, "--help")
    assert code == 0
    assert max(map(len, text.splitlines())) <= 80
    for said in (command.help, *(option.help for option in command.params)):
        assert plain(said or "").strip() in plain(text)
    for name, inner in getattr(command, "commands", {}).items():
        first = re.split(r"(?<=\.)\s", inner.help)[0]  # the first sentence, not cut off
        assert re.search(rf"^  {name} +{re.escape(first)}$", text, re.MULTILINE)


def test_shells_can_complete_commands(monkeypatch, capsys):
    assert "--install-completion" in call(monkeypatch, capsys, "--help")[1]


def in_a_shell(line: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a line of a shell in which `stdask` is this one; the last line printed on stderr is the exit code."""
    line = line.replace("stdask ", f"{sys.executable} -m stdask ") + '; echo "${PIPESTATUS[0]}" >&2'
    return subprocess.run(
        ["bash", "-c", line], capture_output=True, text=True, errors="replace", env=os.environ | environment, check=True
    )


LONG = "stdask survey show galah_dr3"


@pytest.mark.parametrize(
    ("command", "unbuffered"),
    [("stdask --version", "1"), ("stdask --help", ""), (LONG, "1"), ("stdask survey list", "")],
)
def test_a_full_output_is_not_a_full_run_folder(command: str, unbuffered: str):
    *told, code = in_a_shell(f"{command} > /dev/full", PYTHONUNBUFFERED=unbuffered).stderr.splitlines()
    assert code == "2"
    (line,) = told
    assert line.startswith("stdask: Cannot write to the standard output: No space left on device.")


@pytest.mark.parametrize("command", [LONG, "stdask --help"])
def test_a_reader_that_has_enough_is_no_error(command: str):
    done = in_a_shell(f"{command} | true")
    assert done.stderr in ("0\n", "141\n")  # it may have ended before the reader


@pytest.mark.parametrize("closed", [">&-", "<&- >&- 2>&-"])
def test_streams_that_are_closed_are_no_error(closed: str):
    done = in_a_shell(f"( stdask survey list {closed} )")
    assert done.stderr.splitlines()[-1] == "0"
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("encoding", ["ascii:strict", "latin-1", "utf-8:strict"])
def test_messages_are_printed_whatever_the_locale(encoding: str, tmp_path: Path):
    name = os.fsdecode(b"\xd0\xb6\xff.toml")  # half UTF-8, half not
    done = subprocess.run(
        [sys.executable, "-m", "stdask", "run", str(tmp_path / name)],
        capture_output=True,
        env=os.environ | {"PYTHONIOENCODING": encoding},
        check=False,
    )
    assert done.returncode == 2
    assert done.stderr.startswith(b"stdask: The name of ")
    assert b"\\xff.toml is not UTF-8" in done.stderr


def test_the_module_of_the_command_line_is_the_command_line():
    done = subprocess.run([sys.executable, "-m", "stdask.cli.main", "--version"], capture_output=True, check=True)
    assert done.stdout.decode() == f"stdask {__version__}\n"


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (MemoryError(), "stdask: Out of memory. Use fewer workers"),
        (OSError(errno.EMFILE, "Too many open files"), "`ulimit -n 4096`"),
        (BrokenPipeError(errno.EPIPE, "Broken pipe"), "stdask: The network, or the process at its other end, failed"),
        (CommClosedError("ConnectionPool closing."), "stdask: The network, or the process at its other end, failed"),
        (FileNotFoundError(errno.ENOENT, "No such file or directory", "x"), "Check the path, its permissions"),
        (OSError("nothing more is known"), "nothing more is known. Run the same command again to resume."),
    ],
)
def test_an_error_of_the_machine_is_one_line_about_its_cause(error, said, monkeypatch, capsys):
    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr("stdask.tools.bench.bench.run", fail)
    code, text = call(monkeypatch, capsys, "bench")
    assert code == 2
    assert said in text
    assert len(text.strip().splitlines()) == 1
    assert ("Check the path" in text) == isinstance(error, FileNotFoundError)
