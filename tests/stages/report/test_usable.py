"""Stars that can be used, and why others cannot, are counted from the flags of every star."""

from pathlib import Path

import numpy as np

from stdask import schema
from stdask.cluster.workers import Workers
from stdask.stages.report.usable import REASONS, usable_stars
from stdask.storage import paths
from tests.hand_made import write_catalogue
from tests.stages.report.report_runs import finished_run

FAMILIES = ("intrinsic", "extrinsic")
N = 400


def test_each_star_has_one_reason_and_stars_outside_any_family_are_counted_once(
    tmp_path: Path, client: Workers
) -> None:
    run, rng = finished_run(tmp_path, "Survey A"), np.random.default_rng(5)
    flags = [c for c in schema.flag_columns(FAMILIES) if c.dtype == "bool"]
    data = {c.name: rng.random(N) > (0.9 if c.name.startswith("FLAG_MISSING") else 0.15) for c in flags}
    data["GOOD"] = rng.random(N) > 0.1
    good = [values for name, values in data.items() if not name.startswith("FLAG_MISSING")]
    missing = [values for name, values in data.items() if name.startswith("FLAG_MISSING")]
    data["USE"] = np.all(good, axis=0) & ~np.any(missing, axis=0)
    columns = [*schema.POSITION, schema.GOOD, *flags, schema.USE]
    places = {"ra": rng.uniform(0, 360, N), "dec": rng.uniform(-80, 80, N)}
    write_catalogue(run, paths.translated_name("first", "second"), columns, places | data, most=50)
    found = usable_stars(run.output, ("first", "second"), client)
    assert found is not None
    assert (found.n_stars, found.n_usable) == (N, data["USE"].sum())
    assert sum(found.reasons.values()) == N - found.n_usable
    # the same, star by star
    kinds = [[~data["GOOD"]], missing]
    kinds += [[~data[f"QFLAG_{kind}_{f.upper()}"] for f in FAMILIES] for kind in ("INPUT", "OUTPUT", "DOMAIN")]
    counted = np.zeros(N, dtype=bool)
    for why, bad in zip(REASONS.values(), kinds, strict=True):
        own = np.any(bad, axis=0) & ~counted
        assert found.reasons[why] == own.sum()
        counted |= own
    outside = {
        f: np.any([~data[n] for n in data if n.startswith("QFLAG") and n.endswith(f.upper())], axis=0) for f in FAMILIES
    }
    assert found.outside == {f: own.sum() for f, own in outside.items()}
    assert found.n_outside == (outside["intrinsic"] | outside["extrinsic"]).sum()
    assert found.share(found.n_stars) == 100


def test_a_run_without_a_translated_catalogue_has_no_count(tmp_path: Path, client: Workers) -> None:
    assert usable_stars(finished_run(tmp_path, "Survey A").output, ("first", "second"), client) is None
