"""Which translated stars can be used, and for which labels: the rules of a merge."""

import numpy as np
import pyarrow as pa

from stdask import schema
from stdask.config.stages import MergeConfig
from stdask.storage.tables import to_numpy

QUALITY = "fails the quality cuts"
MISSING = "an input of the intrinsic network is missing"
OUTSIDE_INPUTS = "inputs outside the domain of the training stars"
OUTSIDE_OUTPUTS = "translated labels outside the domain of the training stars"
UNLIKE = "unlike the training stars in all inputs at once (QFLAG_DOMAIN)"
DOMAIN = f"QFLAG_DOMAIN_{schema.FAMILIES[0].upper()}"
OF_FAMILY = ("FLAG_MISSING_INPUTS", "QFLAG_INPUT", "QFLAG_OUTPUT", "QFLAG_DOMAIN")  # beginnings of flags
FLAGS = tuple(f"{flag}_{schema.FAMILIES[0].upper()}" for flag in OF_FAMILY[:3])


def columns_of_cuts(config: MergeConfig) -> tuple[str, ...]:
    """Return the columns of a translated catalogue that `translation_cuts` reads."""
    domain = (DOMAIN,) if config.qflag_domain else ()
    return (schema.GOOD.name, *FLAGS, *domain, *((schema.EBV.name,) if config.max_ebv else ()))


def translation_cuts(table: pa.Table, config: MergeConfig) -> dict[str, np.ndarray]:
    """Return which translated stars cannot be used, and why.

    Parameters
    ----------
    table
        With `columns_of_cuts`.
    config
        `[merge]`.
    """
    missing, inputs, outputs = (to_numpy(table, name) for name in FLAGS)
    cuts = {
        QUALITY: ~to_numpy(table, schema.GOOD.name),
        MISSING: missing,
        OUTSIDE_INPUTS: ~inputs,
        OUTSIDE_OUTPUTS: ~outputs,
    }
    if config.qflag_domain:
        cuts[UNLIKE] = ~to_numpy(table, DOMAIN)
    if config.max_ebv:
        name = f"E(B-V) unknown or above {config.max_ebv:g} ({schema.EBV_SCALE})"
        cuts[name] = ~(to_numpy(table, schema.EBV.name) <= config.max_ebv)
    return cuts


def flags_of(family: str) -> list[str]:
    """Return the flags of the translations of a family of networks, which `holds` reads."""
    return [f"{flag}_{family.upper()}" for flag in OF_FAMILY]


def holds(table: pa.Table, family: str, qflag_domain: bool) -> np.ndarray:
    """Return for which stars the translation of a family of networks holds: no input missing, inside its domain.

    Parameters
    ----------
    table
        With `flags_of` the family.
    family
        Family of networks.
    qflag_domain
        Whether a star must be like the training stars in all inputs at once.
    """
    missing, inputs, outputs, domain = flags_of(family)
    good = to_numpy(table, inputs) & to_numpy(table, outputs) & ~to_numpy(table, missing)
    return good & to_numpy(table, domain) if qflag_domain else good
