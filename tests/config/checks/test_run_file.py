"""What the surveys of one run file must agree on; tests/config/test_run.py tries each mistake of a file of two."""

from pathlib import Path

import pytest

from stdask.config.run import Run, load_run
from stdask.errors import ConfigError

SURVEY = (
    'title = "{0}"\nname = "{0}"\nreference = "none"\nid = "id"\nlabels = {{ TEFF = {{ column = "t", unit = "K" }} }}\n'
)
RUN = """
output = "out"
surveys.b = { definition = "b.toml", file = "b.fits" }
surveys.a1 = { definition = "one.toml", file = "a.fits" }
surveys.a2 = { definition = "two.toml", file = "a.fits" }
pair.match.by = "position"
train.intrinsic = [{ label = "TEFF", from = "TEFF" }]
"""


@pytest.fixture
def load(tmp_path: Path):
    def load(more: str = "", one: str = "", two: str = "", b: str = "") -> Run:
        for name, text in (("one", one), ("two", two), ("b", b)):
            (tmp_path / f"{name}.toml").write_text(SURVEY.format(name) + text)
        (tmp_path / "run.toml").write_text(RUN + more)
        return load_run(tmp_path / "run.toml")

    return load


def test_what_only_a_further_survey_adds_to_the_merged_catalogue_can_be_mapped(load):
    asked = 'atlas.labels = ["EBV"]\n'
    with pytest.raises(ConfigError, match=r"\[atlas\] labels: the merged catalogue has no number 'EBV'"):
        load(asked)
    dusty = 'photometry = { g = "g", ebv = "ebv" }\n'
    assert load(asked, two=dusty).config.atlas.labels == ("EBV",)
    assert load(asked, one=dusty).config.atlas.labels == ("EBV",)


def test_a_limit_of_the_reddening_needs_one_in_each_survey(load):
    dusty = 'photometry = { g = "g", ebv = "ebv" }\n'
    with pytest.raises(ConfigError, match=r"run.toml, survey a2: \[merge\] max_ebv is set, but two has no reddening"):
        load("merge.max_ebv = 0.3\n", one=dusty)
    assert load("merge.max_ebv = 0.3\n", one=dusty, two=dusty)
