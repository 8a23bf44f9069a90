"""The translated surveys that closure compares: their catalogues, labels, and what is known of their errors."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from stdask import schema
from stdask.cluster.workers import Workers
from stdask.config.survey import SurveyDefinition
from stdask.pairing.in_b import with_pairs
from stdask.pairing.noise_of_b import noise_of_b
from stdask.runs.surveys.finished import SurveyRun
from stdask.science.galaxy.errors import jackknife_factor
from stdask.storage import paths
from stdask.storage.catalogue.catalogue import Catalogue, open_catalogue
from stdask.storage.tables import read_parquet, to_numpy

SIGNAL_TO_NOISE = ("snr", "sn_", "s_n")  # beginnings of names of columns, in small letters


@dataclass(frozen=True)
class TranslatedSurvey:
    """One survey on the scale of B."""

    name: str
    catalogue: Catalogue
    families: Mapping[str, str]  # label of B -> family of the networks that translated it
    counterparts: Mapping[str, str]  # label of B -> the survey's own column for it
    noise_of_b: Mapping[str, float]  # label of B -> noise of B in the errors of the translations, 0 if unknown
    pairs: Path  # stars that are in B too
    member_factor: float  # from the scatter of the networks to the error that the choice of the pairs causes

    @property
    def names(self) -> list[str]:
        """The columns of its catalogue."""
        return [column.name for column in self.catalogue.columns]

    @property
    def signal_to_noise(self) -> str:
        """Its column of the signal-to-noise ratio, empty if there is none."""
        own = (n for n in self.names if n.lower().startswith(SIGNAL_TO_NOISE) and not n.lower().endswith("_err"))
        return next((name for name in own if not schema.is_translated(name)), "")

    def members(self, label: str) -> list[str]:
        """Return its columns of what each network says of a label."""
        stem = f"{label}_PRED_MEMBER_"
        return [name for name in self.names if name.startswith(stem)]

    def keys_in_b(self) -> np.ndarray:
        """Return the keys of its stars that are good stars of B."""
        table = read_parquet(self.pairs, [schema.STAR_KEY.name, f"B_{schema.GOOD.name}"])
        return to_numpy(table, schema.STAR_KEY.name)[to_numpy(table, f"B_{schema.GOOD.name}")]


def open_translated(
    workers: Workers, runs: Sequence[SurveyRun], b: SurveyDefinition, folder: Path, radius_arcsec: float
) -> list[TranslatedSurvey]:
    """Open the translated catalogues.

    Parameters
    ----------
    workers, folder
        Where stars of runs without pairs are matched with B, and where the tables of them go.
    runs, b
        The runs, the first of which has ingested B, and the definition of B.
    radius_arcsec
        Largest separation of stars that are matched by position.

    Raises
    ------
    CatalogueError
        If a catalogue is missing.
    """
    catalogue_b = open_catalogue(paths.catalogue(runs[0].output, b.name))
    errors = [f"{label}_ERR" for label in b.labels]
    known = [column.name for column in catalogue_b.columns if column.name in errors]
    runs = with_pairs(workers, runs, catalogue_b, folder, radius_arcsec, known)
    return [_open(run, run.pairs, b.name) for run in runs if run.pairs]


def _open(run: SurveyRun, pairs: Path, b: str) -> TranslatedSurvey:
    catalogue = open_catalogue(paths.catalogue(run.output, paths.translated_name(run.definition.name, b)))
    present = {column.name for column in catalogue.columns}
    families = run.families_in(present)
    return TranslatedSurvey(
        name=run.definition.name,
        catalogue=catalogue,
        families=families,
        counterparts=run.counterparts_in(present),
        noise_of_b=noise_of_b(pairs, catalogue, families),
        pairs=pairs,
        member_factor=jackknife_factor(1 - run.train.validation_fraction),
    )
