"""The columns of the tables that the atlas writes."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from stdask.schema import Column, quantity

_SPREADS = {
    "ERR": "1-sigma error from bootstrap samples of the stars",
    "TRANSLATION": "1-sigma error from the choice of the pairs, by the scatter over single networks",
    "NOISE": "Standard deviation when all stars move within the errors of their labels and distances",
    "NOISE_SHIFT": "Mean change when they do: estimate of what noise has done to the value",
    "TOTAL": "1-sigma error: ERR, TRANSLATION, and of NOISE_SHIFT what exceeds NOISE, in quadrature; "
    "what is NaN is not in it",
}
GRADIENTS = (
    Column("SAMPLE", "string", description="Sample of stars, as in the profiles"),
    Column("LABEL", "string", description="Label whose slope is given; HEIGHT is |Z|"),
    Column("UNIT", "string", description="Unit of the slopes"),
    Column(
        "KIND",
        "string",
        description="radial: along R in slices of |Z|; vertical: along |Z| in rings of R; "
        "azimuthal: along R near the midplane in sectors of azimuth; flare: along R, all heights",
    ),
    Column("SIDE", "string", description="Side of the Galactic midplane: north, south or both"),
    Column("LOW", "float64", description="Lower edge of the slice, in kpc; for azimuthal slopes in degrees"),
    Column("HIGH", "float64", description="Upper edge of the slice, in kpc; for azimuthal slopes in degrees"),
    Column(
        "SEGMENT",
        "int64",
        description="Number of the segment, bins that follow one another, in the slice; 1 has the most stars",
    ),
    Column(
        "N_GAPS",
        "int64",
        description="Number of gaps along the slice: bins with too few stars between bins with enough",
    ),
    Column("FIT_LOW", "float64", "kpc", description="Lower edge of the first bin that is fitted"),
    Column("FIT_HIGH", "float64", "kpc", description="Upper edge of the last bin that is fitted"),
    Column(
        "N_BINS",
        "int64",
        description="Number of bins that are fitted; they share no stars",
    ),
    Column("N", "int64", description="Number of stars in the bins that are fitted"),
    Column("N_BINS_LEFT_OUT", "int64", description="Number of bins with enough stars beyond a gap: not fitted"),
    Column("N_LEFT_OUT", "int64", description="Number of stars in bins that are not fitted"),
    *(
        Column(name + ending, "float64", unit, description=meaning)
        for name, unit, value in (
            ("BREAK", "kpc", "Where the slope changes, NaN if there is one slope"),
            ("INNER", "", "Slope inside the break"),
            ("OUTER", "", "Slope outside the break"),
            (
                "OFFSET",
                "",
                "Median of A minus median of B at the same place, in the unit of the label, fitted together with the "
                "slopes; NaN where the bins are of one survey",
            ),
        )
        for ending, meaning in (("", value), *((f"_{key}", text) for key, text in _SPREADS.items()))
    ),
)
_COMPARED = (
    Column("SAMPLE", "string", description="Sample of stars, as in the profiles"),
    Column("LABEL", "string", description="Label that is compared"),
    Column("UNIT", "string", description="Unit of the difference"),
    Column("R_LOW", "float64", "kpc", description="Inner edge of the ring"),
    Column("R_HIGH", "float64", "kpc", description="Outer edge of the ring"),
)
_DIFFERENCE = (
    Column("N_CELLS", "int64", description="Number of cells of R, |Z| and the selecting labels with stars of both"),
    Column("P_VALUE", "float64", description="P value of Wilcoxon's signed-rank test over the cells, NaN for few"),
)
INDEPENDENT = "_INDEPENDENT"  # added to a sample of the seam: without the stars in both surveys
ASYMMETRY = (
    *_COMPARED,
    Column("DIFFERENCE", "float64", description="Median in the north minus median in the south, in the same cells"),
    Column("ERR", "float64", description="1-sigma error of DIFFERENCE from bootstrap samples of the stars"),
    *_DIFFERENCE,
    Column("N_FIRST", "int64", description="Number of stars in the north"),
    Column("N_SECOND", "int64", description="Number of stars in the south"),
)
SEAM = (
    Column(
        "SAMPLE",
        "string",
        description="UNTRANSLATED: before, MERGED: after translation. With _INDEPENDENT: without the stars in both "
        "surveys, on which networks may have been trained",
    ),
    *_COMPARED[1:],
    Column(
        "DIFFERENCE",
        "float64",
        description="Median of A minus median of B in the same cells, NaN if no cell has stars enough of both",
    ),
    Column(
        "ERR",
        "float64",
        description="1-sigma error of DIFFERENCE: bootstrap samples of the stars and TRANSLATION in quadrature",
    ),
    Column(
        "TRANSLATION",
        "float64",
        description="1-sigma error of DIFFERENCE from the choice of the pairs, by the scatter over single networks",
    ),
    *_DIFFERENCE,
    Column("N_FIRST", "int64", description="Number of stars of A"),
    Column("N_SECOND", "int64", description="Number of stars of B"),
    Column(
        "N_IN_PAIRS",
        "int64",
        description="Number of those stars of B that are in both surveys, -1 in the atlas of a table",
    ),
)
BEFORE_AFTER = (
    Column(
        "STARS",
        "string",
        description="ALL: all stars of B; INDEPENDENT: without those in both surveys, on which networks may have been "
        "trained",
    ),
    *_COMPARED[1:],
    *(
        Column(name + ending, "float64", description=text)
        for name, value, error in (
            ("B", "Mean over the cells of the median of B", "stars"),
            ("RAW", "Mean over the same cells of the median of A as measured, NaN if A does not measure it", "stars"),
            ("TRANSLATED", "Mean over the same cells of the median of A translated", "stars and translation"),
            ("BEFORE", "RAW minus B", "stars"),
            ("AFTER", "TRANSLATED minus B", "stars and translation"),
        )
        for ending, text in (("", value), ("_ERR", f"1-sigma error of {name} from the {error}"))
    ),
    Column("N_CELLS", "int64", description="Number of cells of R, |Z| and the selecting labels with stars of both"),
    Column("N_A", "int64", description="Number of stars of A in these cells"),
    Column("N_B", "int64", description="Number of stars of B in these cells"),
    Column(
        "N_IN_PAIRS",
        "int64",
        description="Number of those stars of B that are in both surveys, -1 in the atlas of a table",
    ),
)

CONSISTENCY = (
    Column("FIRST", "string", description="Survey whose stars are compared, as SURVEY of the merged catalogue"),
    Column("SECOND", "string", description="Survey with whose stars they are compared"),
    Column("LABEL", "string", description="Label that is compared"),
    Column("UNIT", "string", description="Unit of the differences"),
    *(
        Column(name + ending, "float64", description=text)
        for name, stars, errors in (
            ("BEFORE", "as their surveys measured them", "stars"),
            ("AFTER", "on the scale of B", "stars and translation"),
        )
        for ending, text in (
            ("", f"Mean of the first survey minus mean of the second in the same cells, {stars}, NaN without any"),
            (
                "_ERR",
                f"1-sigma error of {name} from the {errors}, NaN where too few pixels of the sky have both",
            ),
        )
    ),
    Column("TRANSLATION", "float64", description="Part of AFTER_ERR from the choice of the pairs"),
    Column("N_CELLS", "int64", description="Number of cells of the sky, R, Z and the selecting labels with both"),
    Column("N_FIRST", "int64", description="Number of stars of the first survey in these cells"),
    Column("N_SECOND", "int64", description="Number of stars of the second survey in these cells"),
)

_OWN_UNIT = ("P_VALUE", "LOW", "HIGH", "OFFSET")  # beginnings of the numbers that are not in the unit of UNIT


def in_shared_unit(columns: Sequence[Column], units: Collection[str]) -> list[Column]:
    """Return the columns of a table of differences or slopes with the unit that all its rows share, if they do.

    Parameters
    ----------
    columns
        Of the table.
    units
        What its column UNIT holds.
    """
    shared = next(iter(units)) if len(set(units)) == 1 else ""
    return [
        replace(c, unit=shared) if c.dtype == "float64" and not c.unit and not c.name.startswith(_OWN_UNIT) else c
        for c in columns
    ]


MAP_STARS = (
    Column("COUNT", "int64", description="Number of stars"),
    Column("HEIGHT", "float32", "kpc", description="Median |Z|"),
)
MAP_NEW = Column("NEW", "bool", description="True if MERGED has enough stars in the pixel and ALONE has none")


SHARES = (
    Column("HIGH_ALPHA", "float32", description="Share of stars above [atlas] alpha_line"),
    Column("N_HIGH_ALPHA", "int64", description="Number of stars that the share is of"),
    Column("HIGH_ALPHA_P16", "float32", description="Lower 68 % limit of the share"),
    Column("HIGH_ALPHA_P84", "float32", description="Upper 68 % limit of the share"),
)


def map_columns(label: str, unit: str = "") -> tuple[Column, ...]:
    """Return what a map holds of a label."""
    return (
        Column(f"{label}_MEDIAN", "float32", unit, description=f"Median {label}"),
        Column(f"N_{label}", "int64", description=f"Number of stars with {label}"),
        Column(f"{label}_ADAPTIVE", "float32", unit, description=f"Median {label} of the smallest full cell"),
        Column(f"{label}_ADAPTIVE_ERR", "float32", unit, description=f"1-sigma error of {label}_ADAPTIVE"),
        Column(f"N_{label}_ADAPTIVE", "int64", description="Number of stars in the smallest full cell"),
        Column(f"{label}_CHANGE", "float32", unit, description="Translated minus untranslated median"),
        Column(f"{label}_MAD", "float32", unit, description=f"Median absolute deviation of {label}"),
        Column(f"{label}_P16", "float32", unit, description="Lower 68 % limit, NaN for 1 or 2 stars"),
        Column(f"{label}_P84", "float32", unit, description="Upper 68 % limit, NaN for 1 or 2 stars"),
        Column(f"{label}_ERROR", "float32", unit, description=f"Median 1-sigma error of {label}"),
        Column(f"{label}_TRANSLATION", "float32", unit, description="1-sigma error by the choice of pairs"),
    )


def excess_columns(label: str, unit: str = "") -> tuple[Column, ...]:
    """Return what a map about the Galactic centre holds beside."""
    return (
        Column(f"{label}_EXCESS", "float32", unit, description="Median minus trend at the same R and |Z|"),
        Column(f"{label}_EXCESS_ERR", "float32", unit, description=f"1-sigma error of {label}_EXCESS"),
        Column(f"{label}_EXCESS_SMOOTH", "float32", unit, description=f"{label}_EXCESS, smoothed"),
    )


_OF_A_MEDIAN = (  # ending of the column, its UCD, what it is
    ("MEDIAN", "{}", "Median {}"),
    ("P16", "{}", "Lower 68 per cent confidence limit of the median {}, NaN for one or two stars"),
    ("P84", "{}", "Upper 68 per cent confidence limit of the median {}, NaN for one or two stars"),
    (
        "TRANSLATION",
        "stat.error;{}",
        "1-sigma error of the median {} from the choice of the pairs: scatter over single networks, times "
        "2 if each is trained on 80 per cent of the pairs",
    ),
    ("NOISE", "stat.error;{}", "Scatter of the median {} when all stars move within their errors"),
    (
        "NOISE_SHIFT",
        "",
        "Mean of these medians minus the median: estimate of what noise has done to the measured median",
    ),
    (
        "POPULATION",
        "stat.error;{}",
        "Estimated size of the shift of the median {} because translated stars are unlike the pairs",
    ),
    (
        "TOTAL",
        "stat.error;{}",
        "1-sigma error of the median {}: (P84 - P16) / 2, TRANSLATION, POPULATION, and of NOISE_SHIFT what "
        "exceeds NOISE, in quadrature; what is NaN is not in it",
    ),
)


def profile_columns(
    along: str, across: str, samples: Mapping[str, str], units: Mapping[str, str]
) -> tuple[Column, ...]:
    """Return the columns of a table of running medians.

    Parameters
    ----------
    along, across
        "R" and "Z" for radial profiles, "Z" and "R" for vertical ones.
    samples
        Sample -> what it is.
    units
        Label -> unit of its survey definition.
    """
    meanings = {"R": "galactocentric radius in cylindrical coordinates", "Z": "height above the Galactic midplane"}
    sliced = f"|{across}|" if across == "Z" else across
    columns = [
        Column("SAMPLE", "string", description="; ".join(f"{name}: {what}" for name, what in samples.items())),
        Column("SIDE", "string", description="Side of the Galactic midplane: north, south or both"),
        Column(f"{across}_LOW", "float64", "kpc", description=f"Lower edge of the slice in {sliced}"),
        Column(f"{across}_HIGH", "float64", "kpc", description=f"Upper edge of the slice in {sliced}"),
        Column(f"{along}_LOW", "float64", "kpc", description=f"Lower edge of the bin: {meanings[along]}"),
        Column(f"{along}_CENTRE", "float64", "kpc", description=f"Middle of the bin: {meanings[along]}"),
        Column(f"{along}_HIGH", "float64", "kpc", description=f"Upper edge of the bin: {meanings[along]}"),
    ]
    for label, unit in units.items():
        q = quantity(label, unit)
        columns.append(Column(f"N_{label}", "int64", description=f"Number of stars with {label} in the bin"))
        columns += [
            Column(f"{label}_{name}", "float32", q.unit, ucd.format(q.ucd).strip(";"), meaning.format(label))
            for name, ucd, meaning in _OF_A_MEDIAN
        ]
    return tuple(columns)
