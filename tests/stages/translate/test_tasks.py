"""The tasks of translate: however a partition is cut, its file is the same."""

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from stdask import schema
from stdask.network.ensemble import Family
from stdask.network.plan import Plan, layer_shapes
from stdask.network.presets import N_DRAWS, PRESETS
from stdask.runs.ensemble import draws_of
from stdask.science.sky.healpix import Pixel
from stdask.stages.translate.table import new_columns
from stdask.stages.translate.tasks import (
    FEWEST_ROWS,
    Pieces,
    TranslationJob,
    cut_partition,
    join_pieces,
    rows_per_task,
    translate_partition,
    work_on,
)
from stdask.storage import paths
from stdask.storage.catalogue.hats import write_partition
from stdask.tools.bench.stars import PIXEL, MadeUpSurvey
from tests.tools.bench.bench_runs import make_demo_run

N_STARS = 60


@pytest.fixture(scope="module")
def job(tmp_path_factory: pytest.TempPathFactory) -> TranslationJob:
    """A partition of made-up stars, some without an input, and networks with everything that a translation may have."""
    folder = tmp_path_factory.mktemp("job")
    run = make_demo_run(folder, "[translate]\nn_draws = 8\n")
    families = MadeUpSurvey.of(run).families()
    write_partition(folder / "a", PIXEL, MadeUpSurvey.of(run).table(N_STARS, missing=0.3), {})
    columns = (schema.HEALPIX, *run.definition_a.catalogue_columns)
    columns += new_columns(families, run.definition_b.units)
    job = TranslationJob(folder / "a", folder / "whole", families, "digest", draws_of(run.config), columns)
    translate_partition(PIXEL, job)
    return job


@pytest.mark.parametrize("most_rows", [1, 7, 59, 60])
def test_the_file_of_a_partition_does_not_depend_on_how_its_rows_were_cut(
    job: TranslationJob, tmp_path: Path, most_rows: int
):
    own = replace(job, target=tmp_path)
    ranges = cut_partition(PIXEL, N_STARS, most_rows)
    assert all(work_on(rows, own) is None for rows in ranges)
    joined = join_pieces(Pieces(PIXEL, ranges), own)
    assert joined == translate_partition(PIXEL, job)
    whole, parts = (paths.partition(folder, PIXEL).read_bytes() for folder in (job.target, tmp_path))
    assert whole == parts


@pytest.mark.parametrize(
    ("n_rows", "most_rows", "lengths"), [(0, 5, [0]), (5, 5, [5]), (6, 5, [3, 3]), (7, 3, [2, 2, 3])]
)
def test_ranges_are_of_about_the_same_length_and_follow_one_another(n_rows: int, most_rows: int, lengths: list[int]):
    ranges = cut_partition(Pixel(3, 1), n_rows, most_rows)
    assert [rows.end - rows.start for rows in ranges] == lengths
    assert all(before.end == after.start for before, after in pairwise(ranges))
    assert (ranges[0].start, ranges[-1].end) == (0, n_rows)


def test_a_task_of_large_networks_holds_fewer_stars_than_one_of_small_ones(job: TranslationJob):
    def families(preset: str) -> list[Family]:
        shape = PRESETS[preset]
        shapes = layer_shapes(3, 1, shape["first_width"], shape["depth"])
        arrays = {f"{layer}.kernel": np.zeros((5, *own), np.float32) for layer, own in shapes.items()}
        return [replace(job.families[0], plan=Plan(shape["depth"], arrays))]

    assert rows_per_task(families("compact"), N_DRAWS["compact"]) > 50_000  # a whole partition
    assert rows_per_task(families("paper"), N_DRAWS["paper"]) == 5_744  # two minutes where docs/speed.md was measured
    assert rows_per_task(families("paper"), 10**6) == FEWEST_ROWS
