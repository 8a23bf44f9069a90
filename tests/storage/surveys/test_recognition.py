"""Which format a file is of: its first bytes, its name, or its definition."""

from pathlib import Path

import pytest

from stdask.config.survey_files import FileHints
from stdask.errors import SurveyError
from stdask.storage.surveys.recognition import open_file


def test_bytes_of_no_format_are_refused_with_the_formats_that_are_read():
    with pytest.raises(SurveyError, match=r"stars\.bin is no format that stdask reads.*\.fits, \.parquet"):
        open_file(Path("stars.bin"), b"\x00\x01\x02", FileHints())
