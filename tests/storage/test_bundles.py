"""A bundle comes back as it was or is refused in one line, whatever has been done to it; nothing is ever unpacked."""

import io
import stat
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stdask.errors import EnsembleError
from stdask.storage import bundles
from stdask.storage.bundles import LIMITS, read_bundle, write_bundle
from stdask.storage.ensembles import StoredEnsemble, read_ensemble, write_ensemble

ARRAYS = {"plan.stem.kernel": np.arange(12, dtype=np.float32), "scaling.gains": np.array([1.0, 1 / 3])}
CARD = "# Model card of é\n"


def files(folder: Path) -> dict[str, bytes]:
    """Return the files of a small ensemble."""
    write_ensemble(folder, {"intrinsic": ({"name": "intrinsic"}, ARRAYS)}, {"name": "a_to_b"}, {})
    (folder / "card.md").write_text(CARD, encoding="utf-8")
    (folder / "history.ecsv").write_text("# %ECSV 1.0\n")
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    path = tmp_path / "small.stdask"
    write_bundle(path, files(tmp_path / "ensemble"))
    return path


def content(stored: StoredEnsemble) -> object:
    arrays = {name: (a.dtype, a.tolist()) for name, a in stored.families["intrinsic"][1].items()}
    return stored.content, stored.families["intrinsic"][0], arrays, stored.digest, stored.card


def test_the_folder_of_an_ensemble_is_told_from_a_packed_one(tmp_path: Path):
    with pytest.raises(EnsembleError, match=r"is a folder, .*`stdask pack .* ensemble\.stdask`"):
        read_bundle(tmp_path)


def test_a_bundle_holds_the_ensemble_of_its_folder(bundle: Path, tmp_path: Path):
    stored = read_bundle(bundle)
    assert stored.content == {"name": "a_to_b"}
    assert stored.card == CARD
    for name, array in stored.families["intrinsic"][1].items():
        np.testing.assert_array_equal(array, ARRAYS[name])
    with zipfile.ZipFile(bundle) as archive:
        assert archive.namelist() == sorted(files(tmp_path / "ensemble"))
        assert archive.testzip() is None


def test_the_same_files_give_the_same_bytes(bundle: Path, tmp_path: Path):
    again = tmp_path / "again.stdask"
    write_bundle(again, dict(reversed(files(tmp_path / "ensemble").items())))
    assert again.read_bytes() == bundle.read_bytes()


def test_a_bundle_cut_off_anywhere_is_refused_in_one_line(bundle: Path, tmp_path: Path):
    whole, cut = bundle.read_bytes(), tmp_path / "cut.stdask"
    for length in (0, 1, 3, 4, 100, len(whole) // 2, len(whole) - 23, len(whole) - 22, len(whole) - 1):
        cut.write_bytes(whole[:length])
        with pytest.raises(EnsembleError, match=r"cut\.stdask") as caught:
            read_bundle(cut)
        assert "\n" not in str(caught.value)
        assert str(caught.value).endswith("Get the file again from where it came from.")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=300)
@given(data=st.data())
def test_any_changed_byte_is_refused_or_changes_nothing(bundle: Path, tmp_path: Path, data: st.DataObject):
    whole = bytearray(bundle.read_bytes())
    before = content(read_bundle(bundle))
    for _ in range(data.draw(st.integers(1, 3), "how many")):
        place = data.draw(st.integers(0, len(whole) - 1), "place")
        whole[place] ^= data.draw(st.integers(1, 255), "change")
    damaged = tmp_path / "damaged.stdask"
    damaged.write_bytes(whole)
    try:
        assert content(read_bundle(damaged)) == before
    except EnsembleError as exc:
        said = str(exc)
    else:
        said = ""
    assert "\n" not in said


def rewritten(bundle: Path, change: Callable[[dict[str, bytes]], Mapping[str, bytes]], **options: int) -> Path:
    """Write a bundle with other files, by other rules than those of stdask."""
    with zipfile.ZipFile(bundle) as archive:
        own = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(bundle, "w") as archive:
        for name, data in change(own).items():
            archive.writestr(zipfile.ZipInfo(name), data, **options)
    return bundle


@pytest.mark.parametrize("name", ["../evil.py", "/etc/evil", "a/../../evil", "..\\evil", ".."])
def test_a_path_that_leaves_the_bundle_is_refused_and_nothing_is_written(bundle: Path, tmp_path: Path, name: str):
    rewritten(bundle, lambda own: own | {name: b"x"})
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(EnsembleError, match=r"holds a file outside its folder, .*\. Nothing of it was read\."):
        read_bundle(bundle)
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize("name", ["evil.py", "__init__.py", "sub/card.md", "CARD.MD", "sub/", "other.safetensors"])
def test_a_file_that_no_ensemble_has_is_refused(bundle: Path, name: str):
    rewritten(bundle, lambda own: own | {name: b"x"})
    with pytest.raises(EnsembleError, match="which is no file of an ensemble"):
        read_bundle(bundle)


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_file_twice_is_refused(bundle: Path):
    with zipfile.ZipFile(bundle, "a") as archive:
        archive.writestr("card.md", "# Another card")
    with pytest.raises(EnsembleError, match="holds a file twice"):
        read_bundle(bundle)


def test_a_link_is_refused(bundle: Path):
    with zipfile.ZipFile(bundle) as archive:
        own = {name: archive.read(name) for name in archive.namelist() if name != "card.md"}
    with zipfile.ZipFile(bundle, "w") as archive:
        for name, data in own.items():
            archive.writestr(name, data)
        link = zipfile.ZipInfo("card.md")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, "/etc/passwd")
    with pytest.raises(EnsembleError, match=r"holds 'card\.md' as a link"):
        read_bundle(bundle)


def test_a_zip_bomb_is_refused_before_it_is_unpacked(bundle: Path):
    zeros = b"\0" * 20_000_000
    rewritten(bundle, lambda own: own | {"history.ecsv": zeros}, compress_type=zipfile.ZIP_DEFLATED)
    assert bundle.stat().st_size < 100_000
    with pytest.raises(EnsembleError, match="compressed or encrypted"):
        read_bundle(bundle)


def test_a_file_that_states_another_size_than_it_has_is_refused(bundle: Path):
    whole = bundle.read_bytes()
    size = len(CARD.encode()).to_bytes(4, "little")
    less, more = len(CARD.encode()) - 1, len(CARD.encode()) + 1
    for stated, words in ((less, "damaged"), (more, "damaged"), (1_000_000, "states larger files than it can hold")):
        bundle.write_bytes(whole.replace(size, stated.to_bytes(4, "little")))
        with pytest.raises(EnsembleError, match=words):
            read_bundle(bundle)


def test_a_file_above_its_limit_is_refused(bundle: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(bundles, "LIMITS", LIMITS | {"card.md": 5})
    with pytest.raises(EnsembleError, match=r"holds 'card\.md' with 19 bytes, more than an ensemble can have"):
        read_bundle(bundle)


@pytest.mark.parametrize("name", ["ensemble.json", "intrinsic.safetensors"])
def test_a_missing_file_is_named(bundle: Path, name: str):
    rewritten(bundle, lambda own: {key: data for key, data in own.items() if key != name})
    with pytest.raises(EnsembleError, match=f"small.stdask holds no {name}"):
        read_bundle(bundle)


def test_a_changed_file_is_refused_by_its_checksum(bundle: Path):
    rewritten(bundle, lambda own: own | {"intrinsic.safetensors": own["intrinsic.safetensors"][:-1] + b"x"})
    with pytest.raises(EnsembleError, match="is not the file that was written: its checksum differs"):
        read_bundle(bundle)


@pytest.mark.parametrize("text", ["\x1b[2J", "\x9b2J", "\u202egpj.exe", "\r", "\b"])
def test_text_that_could_deceive_its_reader_is_refused(bundle: Path, text: str):
    rewritten(bundle, lambda own: own | {"card.md": f"# Card {text}".encode()})
    with pytest.raises(EnsembleError, match="holds text with control characters"):
        read_bundle(bundle)


def test_text_inside_the_document_is_checked_too(tmp_path: Path):
    folder = tmp_path / "ensemble"
    write_ensemble(folder, {"intrinsic": ({}, ARRAYS)}, {"definition": {"labels": [{"\x1b]0;": 1}]}}, {})
    with pytest.raises(EnsembleError, match="holds text with control characters"):
        read_ensemble(folder)
    path = tmp_path / "a.stdask"
    path.write_text("an earlier bundle")
    with pytest.raises(EnsembleError, match="holds text with control characters"):
        write_bundle(path, {file.name: file.read_bytes() for file in folder.iterdir()})
    assert path.read_text() == "an earlier bundle"


def test_a_document_nested_too_deeply_is_damaged(bundle: Path):
    rewritten(bundle, lambda own: own | {"ensemble.json": b"[" * 1_000_000})
    with pytest.raises(EnsembleError, match="is damaged"):
        read_bundle(bundle)


def test_another_file_is_no_bundle(tmp_path: Path):
    table = tmp_path / "table.csv"
    table.write_text("a,b\n1,2\n")
    with pytest.raises(EnsembleError, match="is not a packed ensemble, or is cut off or damaged"):
        read_bundle(table)
    empty = io.BytesIO()
    zipfile.ZipFile(empty, "w").close()
    table.write_bytes(empty.getvalue())
    with pytest.raises(EnsembleError, match=r"holds no ensemble\.json"):
        read_bundle(table)
