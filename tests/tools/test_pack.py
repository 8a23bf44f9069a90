"""A packed ensemble is all that is needed: it opens where there is nothing else."""

import shutil
import stat
from pathlib import Path

import pytest
import yaml

from stdask.config.run import load_run
from stdask.errors import CatalogueError, ConfigError, EnsembleError
from stdask.runs.ensemble import open_ensemble, save_ensemble
from stdask.storage import paths
from stdask.tools.pack import pack
from tests.conftest import JOBS
from tests.hand_made import write_receipts
from tests.runs.test_ensemble import CARD, FAMILY, finished


def test_a_packed_ensemble_opens_anywhere_and_is_the_one_that_was_trained(tmp_path: Path):
    run = finished(tmp_path)
    pack(run.output, tmp_path / "one.stdask", overwrite=False)
    pack(paths.ensemble(run.output), tmp_path / "two.stdask", overwrite=False)
    assert (tmp_path / "one.stdask").read_bytes() == (tmp_path / "two.stdask").read_bytes()
    ensemble = open_ensemble(tmp_path / "one.stdask")
    assert ensemble.digest == open_ensemble(run.output).digest
    assert ensemble.card == CARD
    assert stat.S_IMODE((tmp_path / "one.stdask").stat().st_mode) & stat.S_IRUSR


def test_a_file_that_exists_is_replaced_only_if_asked(tmp_path: Path):
    run, file = finished(tmp_path), tmp_path / "one.stdask"
    file.write_text("precious")
    with pytest.raises(EnsembleError, match=r"one\.stdask exists\. Choose another name or add --overwrite"):
        pack(run.output, file, overwrite=False)
    assert file.read_text() == "precious"
    pack(run.output, file, overwrite=True)
    with pytest.raises(EnsembleError, match=r"one\.stdask is packed already: copy it"):
        pack(file, tmp_path / "two.stdask", overwrite=False)
    assert open_ensemble(file).name == "mock_a_to_mock_b"


def test_another_suffix_is_refused(tmp_path: Path):
    with pytest.raises(EnsembleError, match=r"must end in \.stdask"):
        pack(finished(tmp_path).output, tmp_path / "one.zip", overwrite=False)


def test_the_licence_of_the_file_is_the_one_that_is_given(tmp_path: Path):
    run, file = finished(tmp_path), tmp_path / "one.stdask"
    pack(run.output, file, overwrite=False)
    assert yaml.safe_load(open_ensemble(file).card.split("---")[1])["license"] == "unknown"
    pack(run.output, file, overwrite=True, license_name="cc-by-4.0")
    assert yaml.safe_load(open_ensemble(file).card.split("---")[1])["license"] == "cc-by-4.0"
    assert open_ensemble(run.output).card == CARD
    with pytest.raises(EnsembleError, match="'do what you want' is no SPDX identifier"):
        pack(run.output, file, overwrite=True, license_name="do what you want")
    paths.card(run.output).write_text("# A card without a head\n")
    with pytest.raises(EnsembleError, match="has no head that could state a licence"):
        pack(run.output, file, overwrite=True, license_name="cc-by-4.0")


def test_an_ensemble_that_was_not_evaluated_is_packed_with_a_hint(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    run = finished(tmp_path)
    pack(run.output, tmp_path / "one.stdask", overwrite=False)
    assert "Run `stdask evaluate` and pack again" in capsys.readouterr().out
    paths.card(run.output).write_text(CARD.replace("license", "model-index: []\nlicense"))
    pack(run.output, tmp_path / "two.stdask", overwrite=False)
    assert "Run `stdask evaluate`" not in capsys.readouterr().out


def test_a_run_file_stands_for_its_folder_unless_its_networks_are_outdated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    file = shutil.copy(JOBS / "galah_to_apogee.toml", tmp_path / "run.toml")
    run = load_run(Path(file))
    save_ensemble(run, [FAMILY], {})
    (run.output / paths.RUN_COPY).write_text("{}")
    paths.card(run.output).write_text(CARD, encoding="utf-8")
    write_receipts(run, "train")
    pack(Path(file), tmp_path / "one.stdask", overwrite=False)
    assert open_ensemble(tmp_path / "one.stdask").digest == open_ensemble(run.output).digest
    Path(file).write_text(Path(file).read_text().replace("[train]", "[train]\nn_members = 9", 1))
    with pytest.raises(CatalogueError, match=r"must be repeated \(changed: train\.n_members\)\. Run `stdask train`"):
        pack(Path(file), tmp_path / "two.stdask", overwrite=False)


def test_an_ensemble_without_a_card_is_not_shared(tmp_path: Path):
    run = finished(tmp_path)
    paths.card(run.output).unlink()
    with pytest.raises(EnsembleError, match=r"has no card\.md, which tells others what the ensemble is"):
        pack(run.output, tmp_path / "one.stdask", overwrite=False)
    assert not (tmp_path / "one.stdask").exists()


def test_nothing_is_packed_where_nothing_is_trained(tmp_path: Path):
    with pytest.raises(EnsembleError, match=f"{tmp_path} holds no trained ensemble"):
        pack(tmp_path, tmp_path / "one.stdask", overwrite=False)


def test_a_run_file_of_many_surveys_has_many_ensembles(tmp_path: Path):
    text = (JOBS / "three_surveys_to_apogee.toml").read_text()
    (tmp_path / "run.toml").write_text(text)
    with pytest.raises(ConfigError, match=r"translates 3 surveys, and a packed ensemble is of one\. Name"):
        pack(tmp_path / "run.toml", tmp_path / "one.stdask", overwrite=False)
