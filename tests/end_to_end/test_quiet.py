"""A healthy command prints its own lines only, none of the libraries below it."""

import re

import pytest

from tests.end_to_end.conftest import Finished

OF_LIBRARIES = re.compile(r"Traceback|distributed\.|tornado|asyncio|tensorflow|oneDNN|absl|[IWE]\d{4} |Warning:|leaked")


@pytest.mark.slow
def test_a_healthy_run_prints_no_line_of_a_library(demo: Finished):
    assert demo.code == 0, demo.text
    assert [line for line in demo.text.splitlines() if OF_LIBRARIES.search(line)] == []
