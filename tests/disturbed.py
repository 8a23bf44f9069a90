"""A run whose translation is disturbed, and the same undisturbed: run 1, trained in a hurry."""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
JOB = ROOT / "jobs" / "lamost_to_apogee.toml"
CATALOGUE = "catalogues/lamost_dr3_on_apogee_dr17_giants"
# who translates matters here, not how well; many partitions, so that there is always one under way
HURRY = "[train]\nmax_epochs = 5\n"
SIZES = "\n[ingest]\nrows_per_partition = 400\n\n[translate]\nn_draws = {}\n"


@dataclass
class Driver:
    """`stdask translate` at work, and what it has printed so far."""

    process: subprocess.Popen
    output: Path
    log: Path

    @property
    def text(self) -> str:
        return self.log.read_text()

    def partitions(self) -> int:
        """Return how many partitions are recorded as done."""
        log = self.output / "receipts" / "translate.partitions.jsonl"
        return sum(line.startswith("{") for line in log.read_text().splitlines()) if log.exists() else 0

    def wait_for(self, condition: Callable[[], bool], seconds: float = 300) -> float:
        """Wait until something is so; return how long it took."""
        start = time.monotonic()
        while not condition():
            assert time.monotonic() - start < seconds, f"not so after {seconds} s:\n{self.text}"
            assert self.process.poll() is None, f"it ended:\n{self.text}"
            time.sleep(0.2)
        return time.monotonic() - start

    def end(self, seconds: float = 1800) -> int:
        """Wait for its end; return its exit code."""
        return self.process.wait(seconds)


@dataclass(frozen=True)
class Disturbed:
    """A trained run, and the same with its catalogue translated undisturbed."""

    trained: Path
    undisturbed: Path
    run_file: Path
    data_dir: Path

    def start(
        self, output: Path, *options: object, environment: Mapping[str, str] = os.environ, from_: Path | None = None
    ) -> Driver:
        """Start `stdask translate` in a copy of the trained run, or go on with the one in `output`."""
        if not output.exists():
            shutil.copytree(from_ or self.trained, output)
        log = output.with_suffix(".log")
        command = [sys.executable, "-m", "stdask", "translate", self.run_file, "--data-dir", self.data_dir]
        with log.open("a") as file:
            process = subprocess.Popen(
                [*map(str, command), "--output", str(output), *map(str, options)],
                stdout=file,
                stderr=subprocess.STDOUT,
                env=dict(environment),
                cwd=ROOT,
                start_new_session=True,
            )
        return Driver(process, output, log)

    def files(self, output: Path) -> dict[str, bytes]:
        """Return the partitions of the translated catalogue."""
        folder = output / CATALOGUE / "dataset"
        return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("Npix=*.parquet"))}

    def is_undisturbed(self, output: Path) -> bool:
        """Return whether a catalogue is finished, and byte for byte that of the undisturbed run."""
        assert (output / CATALOGUE / "hats.properties").exists()
        return self.files(output) == self.files(self.undisturbed)


def make_disturbed(folder: Path, data_dir: Path, n_draws: int = 200) -> Disturbed:
    """Run everything up to the trained networks, and in a copy the translation too."""
    run_file = folder / "run.toml"
    run_file.write_text(JOB.read_text().replace("[train]\n", HURRY) + SIZES.format(n_draws))
    trained, undisturbed = folder / "trained", folder / "undisturbed"
    for stage in ("ingest", "pair", "train"):
        command = [sys.executable, "-m", "stdask", stage, run_file, "--data-dir", data_dir, "--output", trained]
        done = subprocess.run(list(map(str, command)), capture_output=True, text=True, cwd=ROOT, check=False)
        assert not done.returncode, done.stdout + done.stderr
    made = Disturbed(trained, undisturbed, run_file, data_dir)
    driver = made.start(undisturbed)
    assert driver.end() == 0, driver.text
    return made
