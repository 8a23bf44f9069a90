"""What a run prints: figures of a bar in words, on a terminal and in a batch log."""

import io
import threading
import time
from collections.abc import Callable

import pytest

from stdask.display import console
from stdask.display.console import Figures, duration, listener, progress_bar
from stdask.display.terminal import Terminal

Printed = Callable[[], list[str]]


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> Printed:
    """What a batch log gets, with its ten seconds shortened to a fifth of one."""
    monkeypatch.setattr(console, "SECONDS_BETWEEN_LOOKS", 0.05)
    monkeypatch.setattr(console, "SECONDS_BETWEEN_LINES", 0.2)
    file = io.StringIO()
    monkeypatch.setattr(console, "console", Terminal(file=file))
    return lambda: file.getvalue().splitlines()


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """A clock that stands still until the test moves it on."""
    now = [1000.0]
    monkeypatch.setattr(console.time, "monotonic", lambda: now[0])
    return now


def bar_of(figures: Figures) -> console.Bar:
    return console.Bar(figures, watch=None)


def until(true: Callable[[], object]) -> None:
    """Wait for what a thread does within milliseconds, and at most ten seconds on a machine that is overloaded."""
    end = time.perf_counter() + 10
    while not true():
        assert time.perf_counter() < end
        time.sleep(0.01)


def test_figures_are_told_in_words_that_can_be_read_aloud():
    figures = Figures(
        "translate", 9_800_000, "stars", 245, 1_234_000, 31, 0, rate=2350.4, seconds_left=3660, workers="2 workers"
    )
    assert str(figures) == (
        "1,234,000 of 9,800,000 stars, 31 of 245 tasks, 2,350 stars/s, 61 min left, 2 workers, 0 failed"
    )


def test_what_is_not_known_is_left_out_and_tasks_of_one_unit_are_counted_once():
    assert str(Figures("evaluate", 2)) == "0 of 2"
    assert str(Figures("evaluate", 2, done=2, rate=0.5, seconds_left=0)) == "2 of 2, 0.5 steps/s"
    assert str(Figures("repeats", 64, tasks=64, tasks_done=3, rate=0.5)) == "3 of 64 tasks, 0.5 tasks/s, 0 failed"
    assert str(Figures("train", 5, rate=0.01, note="member 3")) == "0 of 5; member 3"


def test_a_time_is_told_in_a_unit_that_suits_it():
    assert [duration(s) for s in (7.4, 119, 121, 7100, 7300)] == ["7 s", "119 s", "2 min", "118 min", "2.0 h"]


def test_a_rate_is_the_mean_over_ten_minutes_and_forgets_the_wait_before(clock: list[float]):
    bar = bar_of(Figures("translate", 1_000_000, "stars", 1000))
    clock[0] += 3600  # for a place in the queue
    for _ in range(100):
        clock[0] += 10
        bar.advance(1000)
    figures = bar.figures()
    # 1000 stars every 10 s; the window may begin up to one task before its ten minutes: 10 s in 600
    assert figures.rate == pytest.approx(100, rel=10 / 600)
    assert figures.seconds_left == pytest.approx(900_000 / 100, rel=10 / 600)


def test_a_rate_falls_while_nothing_comes(clock: list[float]):
    bar = bar_of(Figures("translate", 100, "stars", 10))
    clock[0] += 10
    bar.advance(50)
    assert bar.figures().rate == pytest.approx(5)
    clock[0] += 40
    assert bar.figures().rate == pytest.approx(1)


def test_the_rate_of_tasks_longer_than_the_window_is_the_mean_of_several(clock: list[float]):
    bar = bar_of(Figures("train", 10, "members", 10))
    for seconds in (1000, 5000, 1000, 5000):
        clock[0] += seconds
        bar.advance(1)
    assert bar.figures().rate == pytest.approx(1 / 3000)


def test_a_batch_log_gets_a_line_now_and_then_and_the_last_state(log: Printed):
    with progress_bar("translate", 300, tasks=3, unit="stars", watch=lambda: "2 workers") as bar:
        bar.advance(100)
        until(lambda: len(log()) == 1)
        time.sleep(0.5)  # more than two lines' time, in which nothing happens
        bar.advance(100)
        until(lambda: len(log()) == 2)
        bar.failed()
        bar.failed()
        bar.advance(0, note="Npix=17")
    first, _, last = log()
    assert first.startswith("  translate: 100 of 300 stars, 1 of 3 tasks, ")
    assert first.endswith(" left, 2 workers, 0 failed")
    assert last.startswith("  translate: 200 of 300 stars, 3 of 3 tasks, ")
    assert last.endswith(" left, 2 workers, 2 failed; Npix=17")


def test_a_short_bar_leaves_no_line_in_a_batch_log(log: Printed):
    with progress_bar("scan", 2) as bar:
        bar.advance(1)
        bar.advance(1)
    assert log() == []


def test_a_bar_shows_its_figures_on_a_narrow_terminal_in_full(monkeypatch: pytest.MonkeyPatch):
    file = io.StringIO()
    terminal = Terminal(file=file, force_terminal=True, width=50, color_system=None)
    monkeypatch.setattr(console, "console", terminal)
    with progress_bar("translate [A]", 300, tasks=3, unit="stars", watch=lambda: "12 of 64 workers") as bar:
        bar.advance(200)
        bar.note("member [1]")
        until(lambda: "workers" in " ".join(str(bar.figures()).split()))
        time.sleep(0.3)  # three of rich's refreshes
    text = " ".join(file.getvalue().split())
    for words in ("200 of 300 stars", "1 of 3 tasks", "12 of 64 workers", "0 failed; member [1]"):
        assert words in text


@pytest.mark.usefixtures("log")
def test_workers_that_do_not_answer_stop_neither_the_bar_nor_its_end():
    answer = threading.Event()

    def silent() -> str:
        answer.wait(30)
        raise TimeoutError

    begun = time.perf_counter()
    with progress_bar("translate", 2, tasks=2, watch=silent) as bar:
        bar.advance(1)
    assert time.perf_counter() - begun < 10  # it waits 0.05 s; silent() would take 30
    answer.set()


def test_a_watch_that_raises_is_passed_over(log: Printed):
    def gone() -> str:
        raise OSError("no scheduler")

    with progress_bar("translate", 2, tasks=2, watch=gone) as bar:
        bar.advance(1)
        until(log)
    assert "1 of 2 tasks" in log()[0]


@pytest.mark.usefixtures("log")
def test_a_listener_hears_of_a_bar_while_no_task_ends_and_at_its_end():
    heard: list[Figures] = []
    token = listener.set(heard.append)
    try:
        with progress_bar("translate", 2, tasks=2) as bar:
            until(lambda: len(heard) >= 3)
            bar.advance(2)
    finally:
        listener.reset(token)
    assert [heard[0].done, heard[-1].done] == [0, 2]
    with progress_bar("merge", 1):
        pass
    assert {figures.description for figures in heard} == {"translate"}
