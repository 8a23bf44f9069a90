"""What the page of all columns says of each table: title, place and columns, and how to choose among them."""

import inspect
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import get_args, get_type_hints

from stdask import schema
from stdask.schema import closure, cuts, evaluation, products, validation
from stdask.schema.rows import columns_of

ROWS = {  # tables whose rows are dataclasses, by their file
    "cuts.ecsv": cuts.CutRow,
    "merged/cuts.ecsv": cuts.MergedCutRow,
    "columns.ecsv": cuts.ValuesRow,
    "ensemble/history.ecsv": evaluation.EpochRow,
    **{
        f"{folder}/{name}.ecsv": get_args(annotation)[0]
        for folder, kind in (
            ("evaluation", evaluation.EvaluationTables),
            ("closure", closure.ClosureTables),
            ("validation", validation.ValidationTables),
        )
        for name, annotation in get_type_hints(kind).items()
    },
    "study/study.ecsv": evaluation.StudyRow,
}
COLUMNS_HEAD = """The columns of the tables that stdask writes. Units and meanings are also stored in the files.

In the names below, LABEL stands for the name of a label, e.g. `FE_H`, and N for the number of a network, from 1. FAMILY
stands for INTRINSIC or EXTRINSIC, the two families of networks; the second one predicts velocities."""
RECIPE = """## Which columns to use

The translated catalogue holds all stars of survey A, also those that cannot be translated well. Before you use it:

1. **Keep** the stars with `USE` true: they pass the cuts of the survey, lack no input and no error of an input, and lie
   in the domain of the training stars. `QFLAG_COMMENTS` says in words why `USE` is false.
2. **Value:** choose the column by what it is for.
   - *The value of a single star:* `LABEL_PRED_50`, the median over the random draws.
   - *A distribution* (a histogram, a density, a width, the share of stars beyond a limit): `LABEL_PRED_SAMPLE`, one
     random value of what B would measure.
   - *The mean of stars that are known to be alike*, such as the members of a cluster: `LABEL_PRED_DEBIASED`, in a run
     with `debias = true`.
   - *The translation of the measured values*, without random draws: `LABEL_PRED_NOMINAL`.

   The distribution of `LABEL_PRED_50` is too narrow, because it lacks the scatter that no input explains, and the
   errors of B. That of `LABEL_PRED_DEBIASED` is not the distribution of B either.
3. **Error:** `LABEL_PRED_SIGMA`, the 1-sigma error with respect to what survey B would measure. It is calibrated on
   stars that were not used for training. Do **not** use `LABEL_PRED_ERR` as an error: it only tells how much the
   networks differ from one another, as in the published method. Of 4,499 real stars (APOGEE DR14 on the
   scale of DR16), 70 to 72 % lie within `LABEL_PRED_SIGMA` of the value of B, and only 5 to 6 % within
   `LABEL_PRED_ERR`. Errors have longer tails than a Gaussian: 3 sigma contain 95 to 99 % of test stars, not 99.7 %. To
   call a star an outlier, use `LABEL_PRED_HALFWIDTH_99`, the distance from `LABEL_PRED_50` that contains 99 %.

```python
import pyarrow.dataset as ds

stars = ds.dataset("stdask-demo/catalogues/mock_a_on_mock_b/dataset", partitioning="hive")
print(stars.to_table(["sobject_id", "M_H_PRED_50", "M_H_PRED_SIGMA"], filter=ds.field("USE")))
```

`USE` asks for the flags of all families of networks. A star whose velocity cannot be translated may still have good
intrinsic labels (temperature, gravity, abundances). To keep it, use the flags of the one family. Mind the two
directions: a column whose name begins with `QFLAG` is true if all is well; one whose name begins with `FLAG_MISSING`
is true if a measurement is missing.

```python
inside = ds.field("QFLAG_INPUT_INTRINSIC") & ds.field("QFLAG_OUTPUT_INTRINSIC") & ds.field("QFLAG_DOMAIN_INTRINSIC")
keep = ds.field("GOOD") & ~ds.field("FLAG_MISSING_INPUTS_INTRINSIC") & inside
print(stars.to_table(["sobject_id", "M_H_PRED_50", "M_H_PRED_SIGMA"], filter=keep))
```

The merged catalogue is selected already: it holds only stars that pass these tests, except that of
`QFLAG_DOMAIN_INTRINSIC`. There the value is `LABEL`, its error `LABEL_ERR`, and the value for distributions
`LABEL_SAMPLE`."""
LABELS_TEXT = """Labels with these names have the same unit and meaning in all surveys. A survey definition can have
other labels too, in a unit of their own."""


def tables() -> Iterator[tuple[str, str, Sequence[schema.Column]]]:
    """Yield each table: its title, what and where it is, its columns."""
    own_id = schema.Column("ID", "", "", "", "Identifier of the star in its survey, under the name it has there")
    kept = schema.Column(
        "KEPT", "", "", "", "Further columns that the definition keeps, unchanged, under their own names"
    )
    value, error = _of_label(schema.measured_columns("LABEL"))
    measured = (replace(value, description="Value of the label, as the survey measured it"), error)
    bands = [*schema.GAIA, *(band for band in schema.BANDS if band not in schema.GAIA)]
    yield (
        "Survey catalogue",
        "`catalogues/SURVEY/`: the stars of a survey, as `stdask ingest` reads them. A column is there if the survey\n"
        "definition names its source; other extinctions, colours and absolute magnitudes are\n"
        "named like those of Ks.",
        (
            schema.HEALPIX,
            own_id,
            schema.SOURCE_ID,
            schema.STAR_KEY,
            *schema.POSITION,
            *measured,
            *schema.photometric_columns(bands, ["KS"], (*schema.GAIA_COLOURS, "G_KS_0", "M_KS")),
            *schema.DISTANCE,
            *schema.DISTANCE_MODULUS,
            *schema.PROPER_MOTION,
            schema.GOOD,
            kept,
        ),
    )
    yield (
        "Translated catalogue",
        "`catalogues/A_on_B/`: all columns of the catalogue of A, and these.",
        (
            *_of_label(schema.translated_columns("LABEL")),
            *_of_label(schema.member_columns("LABEL", 1)),
            *_of_label([schema.debiased_column("LABEL")]),
            *schema.flag_columns(["FAMILY"]),
            schema.USE,
        ),
    )
    yield (
        "Merged catalogue",
        "`catalogues/merged/`: the stars of all surveys on the scale of B. LABEL is a label of B.",
        (
            schema.HEALPIX,
            schema.ID,
            schema.SURVEY,
            schema.IN_PAIRS,
            schema.STAR_KEY,
            schema.SOURCE_ID,
            *schema.POSITION,
            *_of_label(schema.merged_columns("LABEL", n_members=1)),
            schema.EBV,
            *schema.DISTANCE,
            schema.DISTANCE_FROM,
            *schema.PROPER_MOTION,
            *schema.GALACTOCENTRIC,
            *schema.GALACTOCENTRIC_ERR,
            *schema.VELOCITIES,
            *schema.ORBITS,
        ),
    )
    means = schema.merged_columns("LABEL", n_members=1, of_means=True)
    yield (
        "Means of surveys",
        'The same columns of the merged catalogue with `[merge] values = "mean"`, and what the means are made of.',
        _of_label(means),
    )
    yield (
        "Pairs",
        "`pairs/A_B.parquet`: the stars that are in both surveys. Further columns are those of the two catalogues, as\n"
        "`A_...` and `B_...`.",
        (*schema.PAIRS, schema.used_column("FAMILY")),
    )
    yield (
        "Rejected rows",
        "`rejected.parquet` in the folder of a catalogue or of the pairs: each row that was left out, and why. In the\n"
        "merged catalogue it is a folder.",
        schema.REJECTED,
    )
    samples = {
        "ALONE": "B alone",
        "MERGED": "B and translated A",
        "UNTRANSLATED": "B and A as measured",
        "A_ONLY": "translated A",
        "RAW_ONLY": "A as measured",
    }
    sample = schema.Column(
        "SAMPLE", "string", description="; ".join(f"{name}: {what}" for name, what in samples.items())
    )
    yield (
        "Maps",
        "`products/map_edge_on.parquet`, `map_face_on.parquet`, `map_all_sky.parquet`: one row for each sample and\n"
        "pixel with stars. Other columns hold the position of the pixel. The map of the sky has no `EXCESS`.",
        (
            sample,
            *products.MAP_STARS,
            *_of_label((*products.map_columns("LABEL"), *products.excess_columns("LABEL"))),
            *products.SHARES,
            products.MAP_NEW,
        ),
    )
    yield (
        "Profiles",
        "`products/profile_radial.ecsv`; in `profile_vertical.ecsv` R and Z are exchanged.",
        (*_of_label(products.profile_columns("R", "Z", samples, {"LABEL": ""})), *products.SHARES),
    )
    yield "Gradients", "`products/gradients.ecsv`: slopes of the profiles.", products.GRADIENTS
    yield "North and south", "`products/asymmetry.ecsv`: the two sides of the midplane compared.", products.ASYMMETRY
    yield "Seam", "`products/seam.ecsv`: A and B compared where both have stars.", products.SEAM
    yield (
        "Before and after",
        "`products/before_after.ecsv`: A as measured, A translated and B, averaged over the same cells.",
        products.BEFORE_AFTER,
    )
    yield (
        "Consistency",
        "`products/consistency.ecsv`: every two surveys of a merge of three or more, in the same cells.",
        products.CONSISTENCY,
    )
    for path, kind in ROWS.items():
        text, _, _ = inspect.cleandoc(kind.__doc__ or "").partition("\n")
        yield path, text, columns_of(kind)


def _of_label(columns: Sequence[schema.Column]) -> list[schema.Column]:
    """Return columns with N for the number of a network, and the unit of the label in words."""
    return [
        replace(
            column,
            name=column.name.replace("MEMBER_1", "MEMBER_N"),
            unit=column.unit or ("unit of LABEL" if column.dtype == "float32" else ""),
            description=column.description.replace("network 1", "network N"),
        )
        for column in columns
    ]
