"""The stars that two translated surveys share, with what both say of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from stdask import schema
from stdask.cluster.workers import Workers
from stdask.config.stages import MergeConfig
from stdask.pairing.common_stars import gather_stars, match_surveys
from stdask.pairing.noise_of_b import columns_of_errors, errors_without_b
from stdask.pairing.usable import columns_of_cuts, flags_of, holds, translation_cuts
from stdask.schema.closure import INSIDE_B, OUTSIDE_B
from stdask.science.assessment.closure import Translated
from stdask.science.keys.random_keys import uniforms
from stdask.stages.closure.surveys import TranslatedSurvey
from stdask.storage.tables import to_numpy

MOST = 20_000  # stars of a sample: an offset is then known to a hundredth of the scatter
KEY = schema.STAR_KEY.name


@dataclass(frozen=True)
class Translations:
    """What one survey says of the stars, as measured and translated."""

    survey: TranslatedSurvey
    table: pa.Table
    qflag_domain: bool

    def label(self, label: str) -> Translated:
        """Return its translations of a label, NaN where they do not hold, with errors without the noise of B."""
        good = holds(self.table, self.survey.families[label], self.qflag_domain)
        values = np.where(good, self.column(f"{label}_PRED_50"), np.nan)
        errors = errors_without_b(self.table, label, self.survey.noise_of_b.get(label, 0.0))
        members = [self.column(name) for name in self.survey.members(label)]
        return Translated(values, errors, np.array(members).reshape(len(members), len(values)))

    def raw(self, label: str) -> np.ndarray:
        """Return its own values of a label, NaN where it has none."""
        own = self.survey.counterparts.get(label)
        return self.column(own) if own else np.full(self.table.num_rows, np.nan)

    def column(self, name: str) -> np.ndarray:
        """Return a column, NaN where the survey does not have it."""
        if name not in self.table.column_names:
            return np.full(self.table.num_rows, np.nan)
        return to_numpy(self.table, name).astype(np.float64)


@dataclass(frozen=True)
class CommonStars:
    """Stars that can be used in both surveys, all of them in B or none."""

    sample: str
    n_common: int  # of the sample, before some were drawn
    first: Translations
    second: Translations

    @property
    def labels(self) -> list[str]:
        """The labels that both were translated to."""
        return [label for label in self.first.survey.families if label in self.second.survey.families]


def common_stars(
    workers: Workers,
    surveys: tuple[TranslatedSurvey, TranslatedSurvey],
    config: MergeConfig,
    seed: int,
    scratch: Path,
) -> list[CommonStars]:
    """Return the common stars of two surveys that B does not have, and those that it has.

    Parameters
    ----------
    workers, scratch
        Where stars are matched.
    surveys
        Both surveys.
    config
        `[merge]`: how far apart stars are that are matched by position, and which can be used.
    seed
        Draws the stars of a sample that is too large, by the keys of the first survey.
    """
    catalogues = [survey.catalogue for survey in surveys]
    rows = match_surveys(workers, catalogues[0], catalogues[1], config.radius_arcsec, scratch)
    wanted = [KEY, *columns_of_cuts(config)]
    tables = [gather_stars(workers, own, wanted, rows[:, side]) for side, own in enumerate(catalogues)]
    good = ~np.logical_or.reduce([cut for table in tables for cut in translation_cuts(table, config).values()])
    keys = [to_numpy(table, KEY) for table in tables]
    in_b = np.logical_or.reduce([np.isin(own, survey.keys_in_b()) for own, survey in zip(keys, surveys, strict=True)])
    found = []
    for sample, chosen in ((OUTSIDE_B, good & ~in_b), (INSIDE_B, good & in_b)):
        stars = np.flatnonzero(chosen)
        drawn = stars[np.argsort(uniforms(keys[0][stars], seed, "stars of a closure test"))[:MOST]]
        own = rows[np.sort(drawn)]
        sides = [
            Translations(
                survey, gather_stars(workers, survey.catalogue, _columns(survey), own[:, side]), config.qflag_domain
            )
            for side, survey in enumerate(surveys)
        ]
        found.append(CommonStars(sample, len(stars), sides[0], sides[1]))
    return found


def _columns(survey: TranslatedSurvey) -> list[str]:
    """Return the columns of a survey that are compared, or that the stars are sorted by."""
    wanted: Sequence[str] = [
        *(column.name for column in (*schema.POSITION, schema.DISTANCE[0])),
        survey.signal_to_noise,
        *survey.counterparts.values(),
    ]
    for label, family in survey.families.items():
        wanted = [*wanted, f"{label}_PRED_50", *columns_of_errors(label), *survey.members(label)]
        wanted = [*wanted, f"DOMAIN_INDEX_{family.upper()}", *flags_of(family)]
    return [name for name in dict.fromkeys(wanted) if name in survey.names]
