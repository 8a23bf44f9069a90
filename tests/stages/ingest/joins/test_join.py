"""Surveys of several tables: the catalogue that one wide table gives, whatever the files, blocks and shares."""

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from astropy.io import fits
from astropy.table import Table

from stdask.cluster.workers import Workers
from stdask.config.run import Run, load_run
from stdask.errors import SurveyError
from stdask.runs.receipts import read_receipt
from stdask.stages.ingest import stage as ingest
from stdask.storage import paths
from stdask.storage.catalogue.catalogue import open_catalogue
from tests.stages.ingest.test_stage import cut_off, tasks_of

RUN = """
output = "unused"
[surveys.a]
definition = "own.toml"
files = {{ {files} }}
[surveys.b]
definition = "apogee_dr17_giants"
file = "apogee_dr17_giants.parquet"
[pair]
match = {{ by = "position" }}
[[train.intrinsic]]
label = "FE_H"
from = "FE_H"
[ingest]
rows_per_block = {block}
rows_per_partition = 40
"""
DEFINITION = """
name = "own"
title = "Own"
reference = "none"
id = "id"
gaia_id = "gaia.source_id"
keep = ["gaia.n_obs", "gaia.class"]
cuts = [{ column = "gaia.ruwe", op = "<", value = 1.4 }]
[labels.FE_H]
column = "feh"
typical_error = 0.1
[labels.TEFF]
column = "gaia.teff"
typical_error = 50
[[distances]]
column = "far.dist"
unit = "kpc"
"""
GAIA = '[[join]]\nname = "gaia"\non = "id"\nkey = "star"\n'
FAR_ON_DR3 = '[[join]]\nname = "far"\non = "dr3"\nkey = "source_id"\n'
FAR = '[[join]]\nname = "far"\non = "gaia.source_id"\n'


def main_table(n: int = 200) -> pd.DataFrame:
    rng = np.random.default_rng(1)
    ra, dec = rng.uniform(0, 360, n), np.degrees(np.arcsin(rng.uniform(-1, 1, n)))
    return pd.DataFrame({"id": 1000 + rng.permutation(n), "ra": ra, "dec": dec, "feh": rng.normal(-0.5, 0.4, n)})


def gaia_table(main: pd.DataFrame, n_others: int = 50) -> pd.DataFrame:
    """Return rows of three quarters of the stars and of others, in an order of their own."""
    rng = np.random.default_rng(2)
    stars = np.concatenate([rng.choice(main["id"], 3 * len(main) // 4, replace=False), 10**6 + np.arange(n_others)])
    rng.shuffle(stars)
    n = stars.size
    gaia = {"star": stars, "source_id": 10**18 + 7 * stars, "n_obs": rng.integers(1, 9, n)}
    gaia |= {"class": rng.choice(["K", "M"], n), "ruwe": rng.uniform(0.9, 2, n), "teff": rng.uniform(4000, 6000, n)}
    return pd.DataFrame(gaia)


def distance_table(gaia: pd.DataFrame) -> pd.DataFrame:
    rng = np.random.default_rng(3)
    ids = rng.choice(gaia["source_id"], len(gaia) // 2, replace=False)
    return pd.DataFrame({"source_id": ids, "dist": rng.uniform(0.1, 5, ids.size)})


def make_run(folder: Path, tables: dict[str, pd.DataFrame], definition: str, block: int = 60, suffix: str = "") -> Run:
    """Write tables in the format of the suffix, and return the run on them."""
    for name, table in tables.items():
        path = folder / f"{name}{suffix or '.parquet'}"
        if suffix == ".csv":
            table.to_csv(path, index=False)
        elif suffix == ".fits":
            Table.from_pandas(table).write(path, overwrite=True)
        else:
            pq.write_table(pa.Table.from_pandas(table, preserve_index=False), path, row_group_size=17)
    (folder / "own.toml").write_text(definition)
    files = ", ".join(f'{name} = "{name}{suffix or ".parquet"}"' for name in tables)
    (folder / "run.toml").write_text(RUN.format(files=files, block=block))
    return load_run(folder / "run.toml", folder, folder / f"out_{block}{suffix}")


def catalogue(run: Run, client: Workers) -> pd.DataFrame:
    ingest.run(run, client, "a")
    table = open_catalogue(paths.catalogue(run.output, "own")).read()
    return table.to_pandas().sort_values("id").reset_index(drop=True)


def cuts_of(run: Run) -> dict[str, tuple[int, int]]:
    table = Table.read(paths.catalogue(run.output, "own") / "cuts.ecsv")
    return {row["cut"]: (int(row["n_failing"]), int(row["n_left"])) for row in table}


def triple() -> dict[str, pd.DataFrame]:
    main = main_table()
    gaia = gaia_table(main)
    return {"main": main, "gaia": gaia, "far": distance_table(gaia)}


def as_wide(tables: dict[str, pd.DataFrame]) -> pd.DataFrame:
    gaia = tables["gaia"].astype({"source_id": "Int64", "n_obs": "Int64"})  # which stay exact where some are missing
    wide = tables["main"].merge(gaia, left_on="id", right_on="star", how="left")
    return wide.merge(tables["far"].astype({"source_id": "Int64"}), on="source_id", how="left")


@pytest.mark.parametrize("suffix", [".parquet", ".csv", ".fits"])
def test_tables_joined_in_a_chain_give_the_catalogue_of_one_wide_table(client: Workers, tmp_path: Path, suffix: str):
    tables = triple()
    found = catalogue(make_run(tmp_path, tables, DEFINITION + GAIA + FAR, suffix=suffix), client)
    expected = as_wide(tables).sort_values("id").reset_index(drop=True)
    np.testing.assert_array_equal(found["id"], expected["id"])
    for name, column in {"FE_H": "feh", "TEFF": "teff", "DISTANCE": "dist"}.items():
        np.testing.assert_array_equal(found[name], expected[column].astype(np.float32))
    for name, column in {"SOURCE_ID": "source_id", "gaia.n_obs": "n_obs"}.items():
        np.testing.assert_array_equal(found[name].astype("Int64"), expected[column])
    assert found["gaia.class"].fillna("").tolist() == expected["class"].fillna("").tolist()
    np.testing.assert_array_equal(found["GOOD"], expected["ruwe"] < 1.4)
    assert found["TEFF"].isna().sum() == 50


def test_one_wide_file_works_with_the_definition_of_several(client: Workers, tmp_path: Path):
    tables = triple()
    several = make_run(tmp_path, tables, DEFINITION + GAIA + FAR)
    found = catalogue(several, client)
    (tmp_path / "wide").mkdir()
    wide = make_run(tmp_path / "wide", {"main": as_wide(tables)}, DEFINITION + GAIA + FAR)
    pd.testing.assert_frame_equal(catalogue(wide, client), found)
    notes = read_receipt(wide.output, "ingest_a").counts.notes
    assert notes[0] == "No file is named for the table gaia: its columns are looked for in main.parquet."


def test_the_rows_of_both_tables_are_accounted_for(client: Workers, tmp_path: Path):
    run = make_run(tmp_path, triple(), DEFINITION + GAIA + FAR)
    catalogue(run, client)
    cuts = cuts_of(run)
    assert cuts["rows of the file"] == (0, 200)
    assert cuts["rows without a row in gaia (kept, its columns are missing)"] == (50, 200)
    assert cuts["rows of gaia that belong to no star (not read)"] == (50, 200)
    counts = read_receipt(run.output, "ingest_a").counts
    assert counts.rows.n_in == counts.rows.n_out == 200
    assert (counts.joined["gaia"].n_matched, counts.joined["gaia"].n_used) == (150, 150)
    assert str(counts.joined["gaia"]) == ("150 of 200 rows have a row in it; 50 of its 200 rows belong to no star")


def files_of(run: Run) -> dict[str, bytes]:
    """Return the content of every file of the catalogue that does not name the run."""
    folder = paths.catalogue(run.output, "own")
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_blocks_and_shares_change_no_byte(client: Workers, tmp_path: Path):
    contents = []
    for block in (23, 1000):
        run = make_run(tmp_path, triple(), DEFINITION + GAIA + FAR, block)
        ingest.run(run, client, "a")
        contents.append(files_of(run))
    assert contents[0] == contents[1]


def test_a_table_joined_row_by_row_must_have_as_many_rows(client: Workers, tmp_path: Path):
    main = main_table(70)
    gaia = gaia_table(main, 0).set_index("star").reindex(main["id"]).reset_index(drop=True)
    gaia = gaia.astype({"source_id": "Int64", "n_obs": "Int64"})
    definition = DEFINITION.replace('[[distances]]\ncolumn = "far.dist"\nunit = "kpc"\n', "")
    definition += '[[join]]\nname = "gaia"\nby = "row"\n'
    run = make_run(tmp_path, {"main": main, "gaia": gaia}, definition)
    found = catalogue(run, client)
    expected = pd.concat([main, gaia], axis=1).sort_values("id")
    np.testing.assert_array_equal(found["TEFF"], expected["teff"].astype(np.float32))
    assert "gaia" not in read_receipt(run.output, "ingest_a").counts.joined  # nothing was matched
    shorter = make_run(tmp_path, {"main": main, "gaia": gaia[:-1]}, definition)
    with pytest.raises(SurveyError, match=r"main\.parquet has 70 rows and .*gaia\.parquet 69, .* joined row by row"):
        ingest.run(shorter, client, "a")


def test_the_nearest_row_on_the_sky_is_joined(client: Workers, tmp_path: Path):
    main = main_table(150)
    rng = np.random.default_rng(5)
    gaia = gaia_table(main).rename(columns={"star": "id"}).merge(main[["id", "ra", "dec"]], on="id")
    gaia["dec"] += rng.choice([1, 3], len(gaia)) / 3600
    gaia = gaia.drop(columns="id").sample(frac=1, random_state=1)
    join = '[[join]]\nname = "gaia"\nby = "position"\nradius_arcsec = 2\n'
    run = make_run(tmp_path, {"main": main, "gaia": gaia}, DEFINITION.replace("far.dist", "feh") + join)
    found = catalogue(run, client)
    near = gaia.merge(main, on="ra", suffixes=("", "_main"))
    near = near[near["dec"] - near["dec_main"] < 2 / 3600].set_index("id").reindex(found["id"])
    np.testing.assert_array_equal(found["TEFF"], near["teff"].astype(np.float32))
    assert 0 < found["TEFF"].notna().sum() < 112


def test_stars_without_an_id_of_gaia_do_not_match_one_another(client: Workers, tmp_path: Path):
    tables = triple()
    tables["main"]["dr3"] = np.where(np.arange(200) < 100, [0, -1] * 100, 10**18 + 7 * tables["main"]["id"])
    nobody = pd.DataFrame({"source_id": [0, -1, -1], "dist": [9.0, 9.0, 9.0]})
    tables["far"] = pd.concat([nobody, tables["far"]])
    definition = (
        DEFINITION.replace("gaia.source_id", "dr3") + GAIA + FAR.replace('"gaia.source_id"', '"dr3"\nkey = "source_id"')
    )
    run = make_run(tmp_path, tables, definition)
    found = catalogue(run, client)
    without = found["SOURCE_ID"].isna()
    assert without.sum() == 100
    assert found["DISTANCE"][without].isna().all()
    assert found["DISTANCE"][~without].notna().any()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda tables: tables.update(gaia=tables["gaia"].assign(star=10**7 + tables["gaia"]["star"])),
            r"No row of the table 'gaia' belongs to a row of the main one, with the same key\. id of main\.parquet: "
            r"1\d\d\d, .*; star of gaia\.parquet: 1\d{7}, .*same release",
        ),
        (
            lambda tables: tables.update(gaia=tables["gaia"].assign(star=-9999)),
            r"star of gaia\.parquet: none in the first 1000 rows",
        ),
        (
            lambda tables: tables.update(gaia=pd.concat([tables["gaia"], tables["gaia"][:3]])),
            r"gaia\.parquet: rows \d+, \d+ have the same star, \d+",
        ),
        (lambda tables: tables.update(gaia=tables["gaia"].astype({"star": bool})), "holds bool"),
        (lambda tables: tables.update(gaia=tables["gaia"].rename(columns={"star": "stars"})), "Did you mean 'stars'"),
        (
            lambda tables: tables.update(main=tables["main"].rename(columns={"id": "ids"})),
            "Did you mean 'ids'",
        ),
    ],
)
def test_a_join_that_cannot_be_right_stops_with_what_to_do(client: Workers, tmp_path: Path, change, message: str):
    tables = triple()
    change(tables)
    with pytest.raises(SurveyError, match=message):
        ingest.run(make_run(tmp_path, tables, DEFINITION + GAIA + FAR), client, "a")


def test_of_a_key_that_repeats_the_first_row_can_be_taken(client: Workers, tmp_path: Path):
    tables = triple()
    expected = catalogue(make_run(tmp_path, tables, DEFINITION + GAIA + FAR), client)
    again = tables["gaia"].assign(teff=1.0, source_id=5)
    tables["gaia"] = pd.concat([tables["gaia"], again])
    (tmp_path / "twice").mkdir()
    run = make_run(tmp_path / "twice", tables, DEFINITION + GAIA + 'repeats = "first"\n' + FAR)
    pd.testing.assert_frame_equal(catalogue(run, client), expected)


def test_what_needs_a_table_without_a_file_is_left_out_and_said(client: Workers, tmp_path: Path, capfd):
    tables = triple()
    del tables["gaia"]
    definition = DEFINITION.replace('gaia_id = "gaia.source_id"', 'gaia_id = "dr3"') + FAR_ON_DR3
    tables["main"]["dr3"] = 10**18 + 7 * tables["main"]["id"]
    run = make_run(tmp_path, tables, definition + GAIA)
    found = catalogue(run, client)
    assert not {"TEFF", "gaia.n_obs"} & {*found.columns}
    assert found["GOOD"].all()
    notes = read_receipt(run.output, "ingest_a").counts.notes
    assert notes == (
        "No file is named for the table gaia: its columns are looked for in main.parquet.",
        "The table has no column gaia.teff: TEFF is left out.",
        "The table has no column gaia.ruwe: the cut 'gaia.ruwe < 1.4' is left out, and GOOD does not test it.",
        "The table has no columns gaia.n_obs, gaia.class: left out.",
    )
    printed = " ".join(capfd.readouterr().out.split())
    assert all(note in printed for note in notes)


@pytest.mark.parametrize(
    ("text", "by", "message"),
    [
        (DEFINITION.replace('"feh"', '"gaia.mh"'), "", "No file is named for the table 'gaia'.*no column 'mh'"),
        (DEFINITION.replace('id = "id"', 'id = "gaia.name"'), "", "no column 'name', which would be 'gaia.name'"),
        (DEFINITION, "SOURCE_ID", "no column 'source_id', which would be 'gaia.source_id'"),
    ],
)
def test_what_the_run_cannot_do_without_is_never_left_out(client: Workers, tmp_path: Path, text, by, message):
    run = make_run(tmp_path, {"main": main_table(20)}, text + GAIA + FAR)
    if by:
        match = {"by": "id", "column": by}
        pair = run.config.pair.model_validate({"match": match})
        run = run.model_copy(update={"config": run.config.model_copy(update={"pair": pair})})
    with pytest.raises(SurveyError, match=message):
        ingest.run(run, client, "a")


@pytest.mark.faults
@pytest.mark.parametrize("n_tasks", [0, 3, 7, 12, 17, 22, 27])
def test_a_join_that_was_cut_off_goes_on_with_what_is_not_done(client: Workers, tmp_path: Path, n_tasks: int):
    run = make_run(tmp_path, triple(), DEFINITION + GAIA + FAR, suffix=".csv")
    every_task = tasks_of(run, client)
    again = run.model_copy(update={"output": tmp_path / "again"})
    cut_off(again, client, n_tasks)
    assert len(tasks_of(again, client)) == len(every_task) - n_tasks
    assert files_of(again) == files_of(run)


def test_a_joined_table_may_be_a_folder_of_packed_files(client: Workers, tmp_path: Path):
    tables = triple()
    expected = catalogue(make_run(tmp_path, tables, DEFINITION + GAIA + FAR), client)
    (tmp_path / "gaia.parquet").unlink()
    (tmp_path / "gaia.parquet").mkdir()
    for number in range(3):
        part = tables["gaia"][number * 70 : (number + 1) * 70]
        part.to_csv(tmp_path / "gaia.parquet" / f"part_{number}.csv.gz", index=False)
    run = load_run(tmp_path / "run.toml", tmp_path, tmp_path / "again")
    pd.testing.assert_frame_equal(catalogue(run, client), expected)


def test_hdus_of_one_file_are_joined_row_by_row(client: Workers, tmp_path: Path):
    main = main_table(50)
    gaia = gaia_table(main, 20).drop(columns="star")[:50].reset_index(drop=True)
    hdus = [fits.table_to_hdu(Table.from_pandas(table)) for table in (main, gaia)]
    for hdu, name in zip(hdus, ("MAIN", "GAIA"), strict=True):
        hdu.name = name
    definition = DEFINITION.replace('[[distances]]\ncolumn = "far.dist"\nunit = "kpc"\n', "")
    definition += '[[join]]\nname = "gaia"\nby = "row"\n'
    expected = catalogue(make_run(tmp_path, {"main": main, "gaia": gaia}, definition), client)
    fits.HDUList([fits.PrimaryHDU(), *hdus]).writeto(tmp_path / "both.fits")
    (tmp_path / "own.toml").write_text(definition + 'file = { hdus = ["GAIA"] }\n')
    text = (tmp_path / "run.toml").read_text()
    (tmp_path / "run.toml").write_text(text.replace("main.parquet", "both.fits").replace("gaia.parquet", "both.fits"))
    found = catalogue(load_run(tmp_path / "run.toml", tmp_path, tmp_path / "both"), client)
    pd.testing.assert_frame_equal(found, expected)
