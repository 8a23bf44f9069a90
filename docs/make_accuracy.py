"""Put the tables of finished runs into docs/accuracy.md.

The commands above each table of the page make the runs. Then: python docs/make_accuracy.py RUNS MOCK, where RUNS holds
the folders 1, 2 and 3 of the runs on real data, and MOCK is the folder of the mock (`stdask demo --paper-scale`). A
table whose files are not there stays as it is, and is named.
"""

import re
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TypeVar

import numpy as np

from stdask.display.numbers import measured
from stdask.schema.evaluation import ALL, CALIBRATED, DRAWN, CoverageRow, ScoreRow, SlopeRow, StudyRow
from stdask.schema.known_stars import EVERY, ClusterLabelRow
from stdask.schema.validation import ClusterRow, IndexRow, MissingRow, ShiftRow, VelocityRow
from stdask.science.assessment.baselines import SIMPLER
from stdask.storage import paths
from stdask.storage.documents import read_declared
from stdask.tools.study import ALL_LABELS, NETWORKS

PAGE = Path(__file__).with_name("accuracy.md")
REAL = ("1", "2", "3")
TRANSLATED = "translated"
LEVELS = (0.6827, 0.9)
BEST, SIMILAR = "**{}**", "{}"
R = TypeVar("R")
Lines = list[str]


def main(runs: Path, mock: Path) -> None:
    """Replace the tables of the page by those of the runs."""
    page = PAGE.read_text(encoding="utf-8")
    for name, make in TABLES.items():
        try:
            lines = make(runs, mock)
        except FileNotFoundError as exc:
            print(f"{name}: left as it is, there is no {exc.filename}")
            continue
        page = replace_table(page, name, lines)
    PAGE.write_text(page, encoding="utf-8")


def replace_table(page: str, name: str, lines: Lines) -> str:
    """Return the page with other lines in the table that follows a comment with its name."""
    pattern = re.compile(rf"(<!-- {re.escape(name)} -->\n\n)(?:\|.*\n)*")
    page, n_found = pattern.subn(lambda found: found[1] + "".join(f"{line}\n" for line in lines), page)
    if n_found != 1:
        sys.exit(f"{PAGE} has {n_found} comments <!-- {name} -->, and needs one")
    return page


def comparison(runs: Path, _: Path) -> Lines:
    """Return the mean absolute errors of the networks and of simpler methods, in bold the smallest."""
    methods = (TRANSLATED, NETWORKS, *SIMPLER)
    lines = _head(["run", "label", *map(_title, methods)])
    for run in REAL:
        rows = _study(runs, run)
        for label in _labels(rows):
            own = {r.method: r for r in rows if r.label == label}
            best = min(own[method].mae for method in methods if method in own)
            unit = own[TRANSLATED].unit
            lines.append(_row([run, f"{label} [{unit}]", *(_score(own.get(method), best) for method in methods)]))
    return lines


def all_labels(runs: Path, _: Path) -> Lines:
    """Return how far methods are behind in the mean over labels, in per cent of the error of the translation."""
    methods = (NETWORKS, *SIMPLER)
    lines = _head(["run", *map(_title, methods)])
    for run in REAL:
        own = {r.method: r for r in _study(runs, run) if r.label == ALL_LABELS}
        behind = [measured(100 * r.behind, 100 * r.behind_err) if (r := own.get(m)) else "" for m in methods]
        lines.append(_row([run, *behind]))
    return lines


def coverage(runs: Path, mock: Path) -> Lines:
    """Return how often B lies within the calibrated errors, and within the percentiles of the draws."""
    lines = _head(
        ["stars", "label", *(f"{kind} {100 * level:.0f} %" for kind in (CALIBRATED, DRAWN) for level in LEVELS)]
    )
    for title, folder in (("mock", mock), ("run 2", runs / "2")):
        lines += _coverage_rows(folder, "B", (CALIBRATED, DRAWN), title)
    return lines


def true_coverage(_: Path, mock: Path) -> Lines:
    """Return how often the truth lies within the calibrated errors."""
    lines = _head(["stars", "label", *(f"{100 * level:.0f} %" for level in LEVELS)])
    return lines + _coverage_rows(mock, "truth", (CALIBRATED,), "mock")


def velocities(_: Path, mock: Path) -> Lines:
    """Return how translated velocities compare with those of A."""
    lines = _head(["stars", "against", "method", "n", "offset [km/s]", "standard deviation", "to raw", "robust sigma"])
    for r in _read(paths.validation(mock) / "velocities.ecsv", VelocityRow):
        to_raw = "" if np.isnan(r.std_to_raw) else measured(r.std_to_raw, r.std_to_raw_err)
        pairs = ((r.bias, r.bias_err), (r.std, r.std_err), (r.robust, r.robust_err))
        offset, std, robust = (measured(*pair) for pair in pairs)
        lines.append(_row([r.stars, r.of, r.method, f"{r.n:,}", offset, std, to_raw, robust]))
    return lines


def missing(_: Path, mock: Path) -> Lines:
    """Return the errors of stars without the input that matters most to a label."""
    shown = {"MG_FE": "MG_FE", "M_H": "FE_H", "LOGG": "LOGG", "TEFF": "TEFF"}
    head = ["half width of the draws", "median error", "mean absolute", "calibrated 68 %", "calibrated 90 %"]
    lines = _head(["label", "deleted", "filled by", *head])
    rows = _read(paths.validation(mock) / "missing.ecsv", MissingRow)
    for label, deleted in shown.items():
        for r in rows:
            complete = r.filled_by == "complete"
            if r.family == "intrinsic" and r.label == label and r.of == "B" and (complete or r.deleted == deleted):
                widths = [f"{value:.3g}" for value in (r.half_width, r.sigma, r.mae)]
                shares = [
                    _share(r.errors_cover_68, r.errors_cover_68_err),
                    _share(r.errors_cover_90, r.errors_cover_90_err),
                ]
                lines.append(_row([label, "" if complete else deleted, r.filled_by, *widths, *shares]))
    return lines


def shifts(_: Path, mock: Path) -> Lines:
    """Return how often the domain finds a wrong input."""
    lines = _head(["input", "shifted by", "index", "bitmask", "worst pair names it"])
    for r in _read(paths.validation(mock) / "domain.ecsv", ShiftRow):
        if r.family == "intrinsic":
            named = "" if np.isnan(r.named_if_caught) else f"{100 * r.named_if_caught:.0f} %"
            caught = [f"{100 * share:.1f} %" for share in (r.index_catches, r.bitmask_catches)]
            shifted = [r.shifted, f"{r.by:+.3g} {r.unit}".strip()] if r.by else ["none: false alarms", ""]
            lines.append(_row([*shifted, *caught, named]))
    return lines


def domain_residuals(_: Path, mock: Path) -> Lines:
    """Return the mean absolute errors by domain index, compared with the truth."""
    rows = [r for r in _read(paths.validation(mock) / "domain_residuals.ecsv", IndexRow) if r.of == "truth"]
    bins = sorted({(r.index_from, r.index_to) for r in rows})
    words = [
        f"below {high:g}" if not low else f"above {low:g}" if np.isinf(high) else f"{low:g} to {high:g}"
        for low, high in bins
    ]
    lines = _head(["label", *words])
    for label in dict.fromkeys(r.label for r in rows):
        own = {(r.index_from, r.index_to): measured(r.mae, r.mae_err) for r in rows if r.label == label}
        lines.append(_row([label, *(own.get(edges, "") for edges in bins)]))
    return lines


def attenuation(_: Path, mock: Path) -> Lines:
    """Return the slopes between predictions and the truth."""
    lines = _head(["label", "method", "calibration: truth on prediction", "attenuation: prediction on truth"])
    for r in _read(paths.evaluation(mock) / "attenuation.ecsv", SlopeRow):
        if r.of == "truth" and r.method in (TRANSLATED, "raw", "debiased"):
            slopes = (measured(r.calibration, r.calibration_err), measured(r.attenuation, r.attenuation_err))
            lines.append(_row([r.label, r.method, *slopes]))
    return lines


def clusters(runs: Path, _: Path) -> Lines:
    """Return the means of clusters whose stars trained no network."""
    head = ["raw A", "translated", "B", "shift of raw", "of translated"]
    lines = _head(["cluster", "stars", "label", *head])
    for r in _read(paths.validation(runs / "2") / "clusters.ecsv", ClusterRow):
        means = ((r.a_mean, r.a_std), (r.translated_mean, r.translated_std), (r.b_mean, r.b_std))
        cells = [f"{mean:.5g} ({std:.2g})" for mean, std in means]
        lines.append(_row([r.cluster, str(r.n), r.label, *cells, f"{r.a_shift:+.1f}", f"{r.translated_shift:+.1f}"]))
    return lines


def members(runs: Path, _: Path) -> Lines:
    """Return the means and scatters of all members of clusters, as in Table 1 of Thomas et al. 2024."""
    rows = [row for row in _read(paths.evaluation(runs / "2") / "clusters.ecsv", ClusterLabelRow) if row.stars == EVERY]
    labels = list(dict.fromkeys(row.label for row in rows))
    own = {(row.cluster, row.values, row.label): row for row in rows}
    lines = _head(["cluster", "values", "members", "training stars", *(f"{name}: mean, scatter" for name in labels)])
    for cluster, values in dict.fromkeys((row.cluster, row.values) for row in rows):
        found = [own[cluster, values, name] for name in labels]
        cells = [f"{measured(r.mean, r.mean_err)}, {measured(r.std, r.std_err)}" for r in found]
        lines.append(_row([cluster, values, str(found[0].n), str(found[0].n_trained), *cells]))
    return lines


TABLES: dict[str, Callable[[Path, Path], Lines]] = {
    "comparison": comparison,
    "all labels": all_labels,
    "coverage": coverage,
    "coverage of the truth": true_coverage,
    "velocities": velocities,
    "missing": missing,
    "shifts": shifts,
    "residuals by domain index": domain_residuals,
    "attenuation": attenuation,
    "clusters": clusters,
    "members": members,
}


def _study(runs: Path, run: str) -> list[StudyRow]:
    return _read(paths.study(runs / run) / "study.ecsv", StudyRow)


def _labels(rows: Iterable[StudyRow]) -> list[str]:
    return [label for label in dict.fromkeys(row.label for row in rows) if label != ALL_LABELS]


def _title(method: str) -> str:
    return "GP" if method == "gp" else method.replace("ridge", "ridge ")


def _score(row: ScoreRow | None, best: float) -> str:
    if row is None:
        return ""
    return (BEST if row.mae == best else SIMILAR).format(measured(row.mae, row.mae_err))


def _coverage_rows(folder: Path, of: str, kinds: Iterable[str], title: str) -> Lines:
    rows = [r for r in _read(paths.evaluation(folder) / "coverage.ecsv", CoverageRow) if (r.of, r.group) == (of, ALL)]
    lines = []
    for label in dict.fromkeys(r.label for r in rows):
        own = {(r.interval, round(r.nominal, 2)): r for r in rows if r.label == label}
        found = [own[kind, round(level, 2)] for kind in kinds for level in LEVELS]
        cells = [_share(r.covered, r.covered_err) for r in found]
        lines.append(_row([f"{title}, {found[0].n:,} stars", label, *cells]))
    return lines


def _share(share: float, error: float) -> str:
    return f"{100 * share:.1f} ± {100 * error:.1f}"


def _head(names: Sequence[str]) -> Lines:
    return [_row(names), "|" + "---|" * len(names)]


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _read(path: Path, kind: type[R]) -> list[R]:
    if not path.exists():
        raise FileNotFoundError(2, "there is no such file", str(path))
    return read_declared(path, kind)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit("usage: python docs/make_accuracy.py RUNS MOCK")
    main(Path(sys.argv[1]), Path(sys.argv[2]))
