"""Twenty workers of one run are killed, at times drawn at random: the catalogue is that of the undisturbed run."""

import random
import re
import time
from pathlib import Path

import psutil
import pytest

from tests.disturbed import Driver, make_disturbed

N_KILLS = 20
N_DRAWS = 2000  # with 200, a fast machine is done before so many workers were killed


def workers_of(driver: Driver) -> list[psutil.Process]:
    """Return the worker processes of this machine that a driver has."""
    try:
        children = psutil.Process(driver.process.pid).children(recursive=True)
        return [child for child in children if "spawn_main" in " ".join(child.cmdline())]
    except psutil.NoSuchProcess:
        return []


@pytest.mark.faults
@pytest.mark.slow
def test_twenty_random_kills_change_nothing(data_dir: Path, tmp_path: Path):
    rng = random.Random(20)  # its own: no global state
    disturbed = make_disturbed(tmp_path, data_dir, N_DRAWS)
    driver = disturbed.start(tmp_path / "run", "--workers", 2)
    driver.wait_for(lambda: driver.partitions() >= 1)
    n_killed = 0
    while n_killed < N_KILLS and driver.process.poll() is None:
        time.sleep(rng.uniform(0.2, 2.0))
        before = driver.partitions()
        if workers := workers_of(driver):
            rng.choice(workers).kill()
            n_killed += 1
            # on a slow machine workers would else be killed faster than they start, and one partition with four of them
            driver.wait_for(lambda before=before: driver.partitions() > before)
    assert n_killed == N_KILLS, f"the run ended after {n_killed} kills"
    assert driver.end() == 0, driver.text
    assert disturbed.is_undisturbed(tmp_path / "run")
    again = re.search(r"(\d+) repeated because their workers were lost", driver.text)
    n_again = int(again[1]) if again else 0
    print(f"{n_killed} workers killed, {n_again} partitions repeated")
    assert (
        n_again <= 2 * N_KILLS
    )  # the one that each had under way, and one whose result the driver had not fetched yet
