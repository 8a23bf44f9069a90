"""The model card says what the receipts, the tables and the ensemble say, and nothing that they do not."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from markdown_it import MarkdownIt

from stdask.config.run import Run
from stdask.network.ensemble import Fallback, Family
from stdask.runs.card.card import Evaluation, gather, plain, render_card, write_card
from stdask.runs.card.head import without_head
from stdask.runs.counts import Counts, DomainBins, FamilyStars, RowCounts, TrainCounts
from stdask.runs.ensemble import save_ensemble
from stdask.runs.receipts import FileRecord, Receipt, describe_outputs, read_receipt, write_receipt
from stdask.runs.registry import stage_settings
from stdask.schema.evaluation import CoverageRow, EpochRow, EvaluationTables, OutsideRow, ScoreRow, SlopeRow
from stdask.science.translation.calibration import fit_calibration
from stdask.storage import paths
from stdask.storage.documents import write_declared, write_tables
from tests.counted import made_up_counts
from tests.hand_made import make_run
from tests.network.made_up import made_up_family, training_stars
from tests.network.test_blend import made_up_blend

FAMILY = made_up_family()
TRAIN = {
    "intrinsic": [{"label": "TEFF", "from": "TEFF"}, {"label": "MG_FE"}, {"label": "VHELIO", "from": "RV"}],
    "features": ["BP_G_0", "G_RP_0"],
}
CUTS = {"in both surveys": 500, "E(B-V) <= 0.3": 431, "a label measured": 400}
BINS = {"intrinsic inputs": DomainBins(10, 0.938), "intrinsic labels": DomainBins(10, 0.957)}
TOO_FEW = "Only 36 usable pairs for the extrinsic networks: VHELIO is left untranslated."

Write = Callable[..., str]


@pytest.fixture
def card(tmp_path: Path) -> Write:
    """Return a function that returns the text of the card of a made-up ensemble."""

    def write(evaluation: Evaluation | None = None, family: Family | None = None, **train: Any) -> str:
        run = make_run(tmp_path, train=TRAIN | train)
        write_run(run, family or FAMILY)
        trained = read_receipt(run.output, "train", TrainCounts)
        assert trained is not None
        return render_card(gather(run, trained, evaluation))

    return write


def write_run(run: Run, family: Family) -> None:
    """Write an ensemble, its learning curves, and the receipts up to it."""
    written = save_ensemble(run, [family], {})
    epochs = [
        EpochRow(family.name, member, epoch, 1e-3, 0.5, 0.5) for member in range(5) for epoch in range(10 + member)
    ]
    write_declared(paths.history(run.output), epochs)
    counts = {
        "ingest_a": made_up_counts("ingest_a", rows=RowCounts(12_000, 11_000, {"no position": 1000})),
        "ingest_b": made_up_counts("ingest_b", rows=RowCounts(9000, 9000)),
        "pair": made_up_counts("pair", usable={family.name: CUTS}),
        "train": made_up_counts("train", families={family.name: FamilyStars(400, 80)}, domains=BINS, notes=(TOO_FEW,)),
    }
    for stage, own in counts.items():
        outputs = describe_outputs(run.output, [*written, paths.history(run.output)] if stage == "train" else [])
        write_made_up_receipt(run, stage, {f"{stage}.fits": stage[-1] * 64}, outputs, own)


def write_made_up_receipt(
    run: Run, stage: str, inputs: Mapping[str, str], outputs: Mapping[str, FileRecord], counts: Counts
) -> None:
    write_receipt(run.output, Receipt(stage, "key", inputs, stage_settings(run, stage), outputs, counts))


def score(method: str, mae: float, label: str = "TEFF", unit: str = "K") -> ScoreRow:
    return ScoreRow("intrinsic", label, unit, method, 80, 12.0, 4.0, 90.0, 5.0, 80.0, 6.0, mae, 5.0, mae - 50.0, 4.0)


def slopes(attenuation: float = 1.0, calibration: float = 1.0, **changes: str) -> SlopeRow:
    row = SlopeRow("intrinsic", "TEFF", "B", "translated", calibration, 0.01, attenuation, 0.01, 80, 0)
    return replace(row, **changes)


def covered(
    share: float, nominal: float = 0.68, interval: str = "calibrated error", of: str = "B", group: str = "all"
) -> CoverageRow:
    return CoverageRow("intrinsic", "TEFF", of, group, interval, nominal, share, 0.03, 80)


def evaluation(**tables: list[Any]) -> Evaluation:
    return Evaluation(EvaluationTables(**tables))


def section(text: str, title: str) -> str:
    return text.partition(f"## {title}\n")[2].partition("\n## ")[0]


def test_before_evaluate_the_card_tells_all_but_how_well_it_does(card: Write) -> None:
    text = card()
    assert section(text, "Accuracy").strip() == "Not evaluated yet: run `stdask evaluate`."
    assert "Not evaluated" not in card(Evaluation())
    for title in ("What it does", "Networks", "Training data", "Domain of validity", "Limits", "How to cite"):
        assert section(text, title).strip(), title


def test_the_card_has_what_evaluate_found_of_this_ensemble_and_of_no_other(tmp_path: Path) -> None:
    run = make_run(tmp_path, train=TRAIN)
    write_run(run, FAMILY)
    trained = read_receipt(run.output, "train")
    assert trained is not None
    write_tables(
        paths.evaluation(run.output), EvaluationTables(accuracy=[score("raw", 90.0), score("translated", 50.0)])
    )
    for inputs, is_found in (({"train": trained.digest}, True), ({"train": "of another ensemble"}, False)):
        write_made_up_receipt(run, "evaluate", inputs, {}, made_up_counts("evaluate"))
        write_card(run)
        text = paths.card(run.output).read_text(encoding="utf-8")
        assert ("| **translated** | 80 |" in text) == is_found
        assert ("Not evaluated yet" in text) != is_found


def test_labels_stand_beside_their_counterparts_and_inputs(card: Write) -> None:
    text = section(card(), "What it does")
    assert "from `TEFF`, `BP_G_0`, `G_RP_0`, `RV` of A" in text
    assert "`TEFF` [K] of B, counterpart `TEFF` in A" in text
    assert "`MG_FE` [dex] of B, without a counterpart in A" in text
    assert "`VHELIO` [km/s] of B, counterpart `RV` in A" in text


def test_networks_are_described_as_they_were_trained(card: Write) -> None:
    text = section(card(preset="paper", batch_size=64, target="zscore"), "Networks")
    assert "| Residual network | 4 inputs, 8, 16 features, back, 3 labels |" in text
    # weights and biases: stem 40, up 72 + 72 + 144, centre 272, down 264 + 72, head 51
    assert "| Parameters of a member | 987 (" in text
    assert "| Dropout | 0.5, in units of 256 and more features |" in text
    assert "| Target | standardised B minus standardised A |" in text
    assert "| Batch | 64 |" in text
    assert "| Learning rates | 0.001, 0.0001, 1e\N{MINUS SIGN}05 |" in text
    assert "| Epochs of each member | 10, 11, 12, 13, 14 |" in text
    assert "| Dropout | 0.1, in units of 8 to 16 features |" in card(dropout_widths=(8, 16))


def test_surveys_are_named_with_their_references_and_files(card: Write) -> None:
    text = section(card(), "Training data")
    assert "**A: LAMOST DR3**, 11,000 stars. made by hand." in text
    assert f"`ingest_a.fits`, sha256 `{'a' * 64}`" in text
    assert "**B: APOGEE DR17**, 9,000 stars. made by hand." in text
    assert f"`ingest_b.fits`, sha256 `{'b' * 64}`" in text


def test_every_cut_says_what_it_left_and_the_split_adds_up_to_the_last(card: Write) -> None:
    rows = [line.split(" | ") for line in section(card(), "Training data").splitlines() if line.startswith("| ")]
    counts = {name.removeprefix("| "): int(n.removesuffix(" |").replace(",", "")) for name, n in rows[1:]}
    # a fifth of the pairs tests, a fifth of the others validates
    shares = {"of them for test": 80, "for training, each member": 256, "for validation, each member": 64}
    assert counts == CUTS | shares


@pytest.mark.parametrize(
    ("train", "words"),
    [
        ({}, "Drawn in each realisation from their distribution given the star's other inputs"),
        ({"missing": "mean"}, "Replaced by the mean of the training stars, as in training"),
        ({}, "None: the networks are used for every label"),
        ({"fallback": "best"}, "None was needed: no simpler method was closer to B"),
        ({}, "| Networks for noise-free inputs | no |"),
    ],
)
def test_settings_that_change_what_a_value_means_are_told_in_words(card: Write, train: dict, words: str) -> None:
    assert words in section(card(**train), "Networks")


def test_labels_that_something_simpler_stands_in_for_are_named(card: Write) -> None:
    fallback = Fallback(np.array([False, True, True]), np.zeros((5, 15, 3)))
    text = card(family=replace(FAMILY, fallback=fallback, latent_plan=FAMILY.plan), fallback="best")
    assert "A simpler method replaces the networks for `MG_FE`, `VHELIO`" in section(text, "Networks")
    assert "`{LABEL}_PRED_DEBIASED`" in section(text, "Networks")


def test_labels_in_which_gaussian_processes_have_a_share_are_named(card: Write) -> None:
    text = section(card(family=replace(FAMILY, blend=made_up_blend())), "Networks")  # its first label has no share
    assert "Each network has a Gaussian process with Student-t noise beside it for `MG_FE`, `VHELIO`" in text
    assert "None: the networks are used alone." in section(card(), "Networks")


def test_the_domain_is_that_of_the_training_stars(card: Write) -> None:
    text = section(card(evaluation(domain=[OutsideRow("intrinsic", 0.0523)])), "Domain of validity")
    hottest, coolest = training_stars()[0][:, 0].max(), training_stars()[0][:, 0].min()
    assert f"| `TEFF` | {coolest:.4g} | {hottest:.4g} |" in text
    assert "10 x 10 bins that holds at least\n  1 of the 320 training and validation stars." in text
    assert "`QFLAG_OUTPUT_INTRINSIC`: the same for labels, with 10 x 10 bins." in text
    assert "each held out in turn, 93.8 % lie inside the domain of intrinsic inputs." in text
    assert "5.2 % of catalogue A lie outside the domain of inputs" in text
    assert "the star's 3 nearest training stars" in text
    assert "95 % of held-out stars" in text
    assert "of catalogue A lie outside" not in card()


def test_the_networks_stand_beside_raw_a_and_the_simpler_method_with_the_smallest_error(card: Write) -> None:
    methods = {"translated": 50.0, "raw": 90.0, "offset": 70.0, "gp": 51.0, "ridge1": 60.0}
    teff = [score(method, mae) for method, mae in methods.items()]
    mg_fe = [score("translated", 0.05, "MG_FE", "dex"), score("ridge1", 0.06, "MG_FE", "dex")]  # not in A
    methods = {"raw": 1.0, "gp": 3.0, "translated": 2.0}
    velocity = [score(method, mae, "VHELIO", "km/s") for method, mae in methods.items()]
    text = section(card(evaluation(accuracy=[*teff, *mg_fe, *velocity])), "Accuracy")
    rows = [line.split(" | ") for line in text.splitlines() if line.startswith("| `")]
    assert [(row[0].removeprefix("| "), row[1]) for row in rows] == [
        ("`TEFF` [K]", "not translated"),
        ("`TEFF` [K]", "Gaussian process"),
        ("`TEFF` [K]", "**translated**"),
        ("`MG_FE` [dex]", "ridge regression, linear"),
        ("`MG_FE` [dex]", "**translated**"),
        ("`VHELIO` [km/s]", "not translated"),
        ("`VHELIO` [km/s]", "**translated**"),
    ]
    assert rows[2][2:] == ["80", "+12 ± 4", "80 ± 6", "50 ± 5 |"]


def test_coverage_and_slopes_are_those_of_all_test_stars_against_b(card: Write) -> None:
    coverage = [
        *(covered(share, nominal) for share, nominal in ((0.51, 0.5), (0.7, 0.68), (0.9, 0.9))),
        *(covered(share, nominal, "draws") for share, nominal in ((0.48, 0.68), (0.68, 0.9))),
        covered(0.11, of="truth"),
        covered(0.12, group="giants, [Fe/H] < -1"),
        covered(0.98, 0.9973, "3 sigma"),
        covered(0.99, 0.99, "99 % half-width"),
    ]
    attenuation = [slopes(0.97, 0.99), slopes(0.11, method="raw"), slopes(0.12, of="truth")]
    text = section(card(evaluation(coverage=coverage, attenuation=attenuation)), "Accuracy")
    rows = [line for line in text.splitlines() if line.startswith("| `")]
    assert rows == [
        "| `TEFF` | calibrated error | 70.0 ± 3.0 | 90.0 ± 3.0 |",
        "| `TEFF` | draws | 48.0 ± 3.0 | 68.0 ± 3.0 |",
        "| `TEFF` | 3 sigma | 99.7 | 98.0 ± 3.0 |",
        "| `TEFF` | 99 % half-width | 99 | 99.0 ± 3.0 |",
        "| `TEFF` | 0.990 ± 0.010 | 0.970 ± 0.010 |",
    ]


@pytest.mark.parametrize(
    ("found", "words"),
    [
        # a limit is told from two errors on: those of the slopes are 0.01, those of the shares 0.03
        (evaluation(attenuation=[slopes(attenuation=0.97)]), "`TEFF` is attenuated, with slope 0.970 ± 0.010"),
        (evaluation(attenuation=[slopes(calibration=1.03)]), "where translations differ by 1, stars differ by 1.030 ±"),
        (
            evaluation(coverage=[covered(0.61)]),
            "the calibrated error is too narrow: it contains 61.0 ± 3.0 % of the test",
        ),
        (evaluation(coverage=[covered(0.75)]), "the calibrated error is too wide"),
        (evaluation(coverage=[covered(0.48, 0.68, "draws")]), "the range of the draws is too narrow"),
        (
            Evaluation(EvaluationTables(), ("TEFF: a Gaussian process is closer",)),
            "- TEFF: a Gaussian process is closer.",
        ),
    ],
)
def test_what_evaluate_found_wanting_is_a_limit(card: Write, found: Evaluation, words: str) -> None:
    assert words in section(card(found), "Limits")


def test_what_may_be_chance_is_no_limit(card: Write) -> None:
    slight = evaluation(
        attenuation=[slopes(0.985, 1.015), slopes(0.5, method="raw"), slopes(0.5, of="truth")],
        coverage=[covered(0.63), covered(0.4, of="truth"), covered(0.4, group="giants"), covered(0.3, 0.55)],
    )
    assert section(card(slight), "Limits") == section(card(), "Limits")


def test_groups_without_enough_test_stars_are_named(card: Write) -> None:
    inputs = training_stars()[0]
    noise = np.ones((len(inputs), 3))
    calibration = fit_calibration(noise, inputs, FAMILY.scaling.scale_inputs(inputs), noise, noise, [3, -1])
    found = evaluation(coverage=[covered(0.68), covered(0.68, group="giants")])
    text = card(found, replace(FAMILY, calibration=calibration))
    assert "is not known, for lack of 30 test stars each: dwarfs." in section(text, "Limits")


def test_untrained_velocities_and_reddened_stars_are_limits(card: Write) -> None:
    text = card()
    assert "There are no extrinsic networks: velocities are not translated." in section(text, "Limits")
    assert "All training stars have E(B-V) <= 0.3" in section(text, "Limits")
    assert TOO_FEW in section(text, "Networks")
    assert "velocities are not" not in card(family=replace(FAMILY, name="extrinsic"))


def test_checksums_are_those_of_the_files_beside_the_card(card: Write, tmp_path: Path) -> None:
    text = section(card(), "Files and versions")
    for name in ("ensemble.json", "intrinsic.safetensors", "history.ecsv"):
        digest = hashlib.sha256((tmp_path / "run" / "ensemble" / name).read_bytes()).hexdigest()
        assert f"| `ensemble/{name}` | `{digest}` |" in text
    for software in ("stdask", "python", "numpy", "tensorflow"):
        assert f"\n{software} " in text


@pytest.mark.parametrize("evaluated", [True, False])
def test_the_card_is_markdown_whose_tables_are_whole(card: Write, evaluated: bool) -> None:
    found = evaluation(
        accuracy=[score("translated", 50.0), score("raw", 90.0)],
        attenuation=[slopes()],
        coverage=[covered(0.68), covered(0.9, 0.9)],
    )
    text = card(found if evaluated else None)
    html = MarkdownIt("commonmark", {"html": False}).enable("table").render(without_head(text))
    assert html.count("<table>") == (7 if evaluated else 4)
    assert "|" not in html  # every row became one
    assert html.count("<h1>") == 1
    assert "\n\n\n" not in text


@pytest.mark.parametrize(
    "text",
    ["<script>x</script>", "a | b", "_soft_ *and* `code`", r"back\slash", "two\n\nlines", "n_spectra, [Fe/H] < -1"],
)
def test_texts_of_survey_definitions_are_shown_as_they_are(text: str) -> None:
    table = f"| a |\n|---|\n| {plain(text)} |"
    tokens = MarkdownIt("commonmark", {"html": True}).enable("table").parse(table)
    cells = [token.children or [] for token in tokens if token.type == "inline"]
    assert {part.type for part in cells[1]} == {"text"}
    assert "".join(part.content for part in cells[1]) == " ".join(text.split())


def test_labels_that_b_lacks_for_some_pairs_are_counted() -> None:
    counts = made_up_counts("pair", usable={"intrinsic": CUTS}, with_label={"intrinsic": {"TEFF": 400, "MG_FE": 160}})
    assert counts.incomplete("intrinsic") == {"MG_FE": 160}
    assert made_up_counts("pair", usable={"intrinsic": CUTS}).incomplete("intrinsic") == {}
