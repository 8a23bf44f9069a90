"""The columns that a translation adds to a catalogue of A: predictions, errors and flags."""

import re
from collections.abc import Iterable, Iterator

from stdask.schema.catalogues import FAMILIES, Column, Quantity, quantity

PERCENTILES = (5, 16, 50, 84, 95)  # Thomas et al. 2024, sect. 3.5 and Table A.1
MEANINGS = {5: "5th percentile", 16: "16th percentile", 50: "median", 84: "84th percentile", 95: "95th percentile"}
USE = Column(
    "USE",
    "bool",
    "",
    "meta.code.qual",
    "True (good) if GOOD and all QFLAG columns are true and all FLAG_MISSING columns are false",
)


def translated_columns(label: str, unit: str = "") -> tuple[Column, ...]:
    """Return the predicted columns of one label: those of Thomas et al. 2024, Table A.1, and further ones."""
    q = quantity(label, unit)
    percentiles = tuple(
        Column(
            f"{label}_PRED_{p}",
            "float32",
            q.unit,
            f"stat.percentile;{q.ucd}".strip(";") if p != 50 else q.ucd,
            f"Translated {label}: {MEANINGS[p]} of the random draws",
        )
        for p in PERCENTILES
    )
    error = Column(
        f"{label}_PRED_ERR",
        "float32",
        q.unit,
        "stat.error.sys",
        f"How much the networks differ, as published. NOT the error of {label}_PRED_50, which is {label}_PRED_SIGMA. "
        "Median over the draws of the standard deviation of the middle networks; with five networks it is 2.4 times "
        "smaller than their 1-sigma scatter",
    )
    return (*percentiles, error, *_sigma_columns(label, q), *_single_values(label, q))


def _sigma_columns(label: str, q: Quantity) -> Iterator[Column]:
    """Yield the calibrated error, its parts and the half-width of 99 %."""
    ucd = f"stat.error;{q.ucd}" if q.ucd else "stat.error"
    for part, meaning in (
        ("total", f"1-sigma error of {label}_PRED_50 with respect to B, calibrated on stars not used for training"),
        ("input_noise", f"Part of {label}_PRED_SIGMA that comes from the measurement errors of A"),
        ("members", f"Part of {label}_PRED_SIGMA that comes from the differences between the networks"),
        ("intrinsic", f"Part of {label}_PRED_SIGMA that no input explains, including the measurement errors of B"),
    ):
        yield Column(sigma_name(label, part), "float32", q.unit, ucd, meaning)
    wide = (
        f"99 % of held-out stars have a value of B within this distance of {label}_PRED_50. It is usually more than "
        f"2.58 {label}_PRED_SIGMA, because errors have longer tails than a Gaussian. NaN if there were fewer than 100 "
        "such stars"
    )
    yield Column(f"{label}_PRED_HALFWIDTH_99", "float32", q.unit, ucd, wide)


def _single_values(label: str, q: Quantity) -> Iterator[Column]:
    """Yield the values that are no percentiles of the draws."""
    for name, meaning in (
        ("NOMINAL", f"Translated {label} of the measured values, without random draws; NaN if an input is missing"),
        (
            "SAMPLE",
            f"One random value of what B would measure: {label}_PRED_50 plus {label}_PRED_SIGMA times a standard "
            "normal deviate of the star, correlated among labels as held-out residuals are. For distributions of many "
            "stars, not for single stars",
        ),
    ):
        yield Column(f"{label}_PRED_{name}", "float32", q.unit, q.ucd, meaning)


def member_columns(label: str, n_members: int, unit: str = "") -> tuple[Column, ...]:
    """Return the columns of what each network alone says of a label."""
    q = quantity(label, unit)
    meaning = f"{label}_PRED_50 plus the mean difference of network {{}} from the average of all networks"
    return tuple(
        Column(f"{label}_PRED_MEMBER_{k}", "float32", q.unit, q.ucd, meaning.format(k)) for k in range(1, n_members + 1)
    )


def debiased_column(label: str, unit: str = "") -> Column:
    """Return the column of a label without attenuation, which `[train] debias` adds."""
    q = quantity(label, unit)
    meaning = (
        f"Translated {label} without attenuation by the errors of A. For means of groups of stars of equal truth, such "
        f"as a cluster; not for single stars, nor for distributions, which {label}_PRED_SAMPLE is for"
    )
    return Column(f"{label}_PRED_DEBIASED", "float32", q.unit, q.ucd, meaning)


def sigma_name(label: str, part: str) -> str:
    """Return the column of the calibrated error of a label, or of one of its parts."""
    return f"{label}_PRED_SIGMA" + ("" if part == "total" else f"_{part.upper()}")


def flag_columns(families: Iterable[str]) -> tuple[Column, ...]:
    """Return the flag and comment columns of Table A.1 for the network families that were trained."""
    families = tuple(families)
    missing = [
        Column(
            f"FLAG_MISSING_INPUTS_{f.upper()}",
            "bool",
            "",
            "meta.code",
            f"True (bad) if an input of the {f} networks, or its error, is missing",
        )
        for f in families
    ]
    domain = [
        Column(
            f"QFLAG_{side}_{f.upper()}",
            "bool",
            "",
            "meta.code.qual",
            f"True (good) if every pair of {side.lower()}s of the {f} networks lies in the training domain",
        )
        for f in families
        for side in ("INPUT", "OUTPUT")
    ]
    return (
        *missing,
        *domain,
        *(column for f in families for column in domain_columns(f)),
        Column(
            "QFLAG_COMMENTS",
            "string",
            "",
            "meta.note",
            "Why USE is false: whether the star fails the cuts of the survey (GOOD is false), which inputs or errors "
            "are missing, and which pairs lie outside the domain of the training stars",
        ),
    )


def domain_columns(family: str) -> tuple[Column, ...]:
    """Return the columns that say how like the training stars a star is in all inputs at once."""
    title = family.upper()
    return (
        Column(
            f"QFLAG_DOMAIN_{title}",
            "bool",
            "",
            "meta.code.qual",
            f"True (good) if DOMAIN_INDEX_{title} is at most 1: the star resembles the training stars",
        ),
        Column(
            f"DOMAIN_INDEX_{title}",
            "float32",
            "",
            "meta.code.qual",
            f"Distance from the training stars in all inputs of the {family} networks and, if known, E(B-V) at once, "
            "scaled so that 95 % of held-out training stars have at most 1",
        ),
        Column(
            f"DOMAIN_DENSITY_{title}", "int32", "", "meta.number", f"Training stars within DOMAIN_INDEX_{title} = 1"
        ),
    )


def is_translated(name: str) -> bool:
    """Tell whether a name, in capital or small letters, is that of a column that a translation adds."""
    label, predicted, _ = name.upper().partition("_PRED_")
    own = (*translated_columns(label), *member_columns(label, 1), debiased_column(label))
    flags = (USE, *flag_columns(FAMILIES))
    return re.sub(r"(?<=_PRED_MEMBER_)\d+$", "1", name.upper()) in {c.name for c in (own if predicted else flags)}
