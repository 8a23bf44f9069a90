"""Ensembles come back as they were, or not at all."""

import json
from pathlib import Path

import numpy as np
import pytest

from stdask.errors import EnsembleError
from stdask.storage.ensembles import DOCUMENT, read_ensemble, write_ensemble
from stdask.storage.files import hash_of

ARRAYS = {
    "plan.stem.kernel": np.random.default_rng(1).normal(size=(5, 3, 4)).astype(np.float32),
    "scaling.input_means": np.array([4800.0, 2.5, 1 / 3]),
    "scaling.own_input": np.array([0, -1]),
    "input_domain.occupied": np.random.default_rng(1).random((3, 5, 5)) < 0.5,
    "transposed": np.arange(12.0).reshape(3, 4).T,
}
PARTS = {"name": "intrinsic", "inputs": ["TEFF", "LOGG"], "counterparts": ["TEFF", None], "depth": 3}


CONTENT = {"name": "a_to_b", "target": {"units": {"TEFF": "K"}}}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    written = write_ensemble(
        tmp_path / "ensemble",
        {"intrinsic": (PARTS, ARRAYS), "extrinsic": (PARTS | {"name": "extrinsic"}, ARRAYS)},
        CONTENT,
        {"key": "abc", "config": {"rates": (1e-3, 1e-4)}},
    )
    assert {path.name for path in written} == {DOCUMENT, "intrinsic.safetensors", "extrinsic.safetensors"}
    return tmp_path / "ensemble"


def test_an_ensemble_comes_back_bit_for_bit(folder: Path):
    (folder / "card.md").write_text("# A card with é\n", encoding="utf-8")
    stored = read_ensemble(folder)
    assert stored.content == CONTENT
    assert stored.card == "# A card with é\n"
    assert list(stored.families) == ["intrinsic", "extrinsic"]
    document, arrays = stored.families["intrinsic"]
    assert PARTS.items() <= document.items()
    assert arrays.keys() == ARRAYS.keys()
    for name, array in ARRAYS.items():
        assert arrays[name].dtype == array.dtype
        np.testing.assert_array_equal(arrays[name], array)


@pytest.mark.faults
@pytest.mark.parametrize("name", [DOCUMENT, "intrinsic.safetensors", "extrinsic.safetensors"])
def test_one_flipped_bit_anywhere_is_refused(folder: Path, name: str):
    path = folder / name
    whole = path.read_bytes()
    # the white space of JSON carries nothing: a flipped blank there is a syntax error or changes nothing
    places = [i for i in range(len(whole)) if name != DOCUMENT or not whole[i : i + 1].isspace()]
    for number in np.random.default_rng(1).choice(places, 60, replace=False):
        for bit in (0, 7):
            damaged = bytearray(whole)
            damaged[number] ^= 1 << bit
            path.write_bytes(damaged)
            with pytest.raises(EnsembleError, match="Remove the folder and run `stdask train`"):
                read_ensemble(folder)
    path.write_bytes(whole)
    read_ensemble(folder)


@pytest.mark.parametrize("name", [DOCUMENT, "extrinsic.safetensors"])
def test_a_missing_file_is_named(folder: Path, name: str):
    (folder / name).unlink()
    with pytest.raises(EnsembleError, match=rf"{name} is missing. Run `stdask train`"):
        read_ensemble(folder)


@pytest.mark.parametrize("content", ["", "[]", "null", '{"format": 3}', '{"format": 3, "content": 3}'])
def test_a_document_that_is_none_is_refused(folder: Path, content: str):
    (folder / DOCUMENT).write_text(content)
    with pytest.raises(EnsembleError, match="damaged"):
        read_ensemble(folder)


def test_another_format_is_refused_with_its_number(folder: Path):
    content = json.loads((folder / DOCUMENT).read_text())
    (folder / DOCUMENT).write_text(json.dumps(content | {"format": 99}))
    with pytest.raises(EnsembleError, match=r"another version of stdask: format 99, not 3\. Update stdask"):
        read_ensemble(folder)


@pytest.mark.parametrize(("of", "readable"), [(1, False), (2, True)])
def test_the_format_before_this_one_is_read(folder: Path, of: int, readable: bool):
    whole = json.loads((folder / DOCUMENT).read_text()) | {"format": of}
    whole.pop("sha256")
    (folder / DOCUMENT).write_text(json.dumps(whole | {"sha256": hash_of(whole)}))
    if readable:
        assert read_ensemble(folder).content == CONTENT
    else:
        with pytest.raises(EnsembleError, match=r"format 1, not 3\. Remove the folder and run `stdask train`"):
            read_ensemble(folder)


@pytest.mark.parametrize("name", ["../stranger.safetensors", "/etc/hostname", "..", "", ".", "sub/a.safetensors"])
def test_a_file_outside_the_folder_is_never_opened(folder: Path, name: str):
    # somebody who can write the document can also write its checksum: the path is checked all the same
    content = json.loads((folder / DOCUMENT).read_text())
    content["content"]["families"]["intrinsic"]["file"] = name
    content.pop("sha256")
    (folder / DOCUMENT).write_text(json.dumps(content | {"sha256": hash_of(content)}))
    with pytest.raises(EnsembleError, match="outside its folder"):
        read_ensemble(folder)
