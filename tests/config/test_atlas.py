"""Atlas files, and tables that need none: where their files lie, and what is refused."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from stdask.config.atlas import AtlasConfig, load_atlas
from stdask.errors import ConfigError

LEAST = 'output = "maps"\n[table]\nfile = "stars.fits"\n'


def test_a_table_alone_is_mapped_with_the_defaults(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    atlas = load_atlas(Path("data/stars.fits"))
    assert atlas.table.file == tmp_path / "data" / "stars.fits"
    assert atlas.output == tmp_path / "atlas"
    assert atlas.atlas == AtlasConfig()


def test_the_table_lies_beside_the_atlas_file_and_the_output_where_the_user_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    (tmp_path / "project").mkdir()
    (tmp_path / "project" / "atlas.toml").write_text(LEAST)
    monkeypatch.chdir(tmp_path)
    atlas = load_atlas(Path("project/atlas.toml"))
    assert atlas.table.file == tmp_path / "project" / "stars.fits"
    assert atlas.output == tmp_path / "maps"
    assert load_atlas(Path("project/atlas.toml"), Path("other")).output == tmp_path / "other"


@pytest.mark.parametrize("edges", [[0.0, 1.0, 1.0], [2.0, 1.0], [0.0]])
@pytest.mark.parametrize("key", ["height_edges_kpc", "ring_edges_kpc", "azimuth_edges_deg"])
def test_edges_ascend_and_enclose_at_least_one_bin(key: str, edges: list[float]):
    AtlasConfig.model_validate({key: [0.0, 1.0, 3.0]})
    with pytest.raises(ValidationError, match=key):
        AtlasConfig.model_validate({key: edges})


def test_what_is_wrong_is_told_with_the_name_of_the_file(tmp_path: Path):
    (tmp_path / "atlas.toml").write_text(LEAST + "[atlas]\nbin_kp = 1.0\n")
    with pytest.raises(ConfigError, match=r"Atlas file .*atlas\.toml: unknown key 'atlas\.bin_kp'. Did you mean 'bin_"):
        load_atlas(tmp_path / "atlas.toml")
