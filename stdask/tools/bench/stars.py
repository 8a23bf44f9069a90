"""Make up stars and networks in the shape of a run, which cost as much to translate as real ones."""

from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa

from stdask import schema
from stdask.config.run import Run
from stdask.config.stages import DomainConfig
from stdask.config.training import TrainConfig
from stdask.network.ensemble import Family, Stretch
from stdask.network.plan import Plan, layer_shapes
from stdask.network.presets import shape_of
from stdask.network.recipe import Architecture
from stdask.pairing.training_set import TrainingSet, stack_columns
from stdask.science.keys.seeds import generator
from stdask.science.sky.healpix import Pixel
from stdask.science.translation.calibration import fit_calibration
from stdask.science.translation.resampling import measured_behind
from stdask.science.translation.scaling import fit_scaling
from stdask.stages.train.family import own_inputs, uncalibrated
from stdask.storage.tables import to_table

PIXEL = Pixel(0, 4)  # partition of all made-up stars
N_TRAINING = 5000
MISSING = 0.02  # share of the stars that lack an input
ERROR = 0.3  # error of an input, in units of its scatter


@dataclass(frozen=True)
class MadeUpSurvey:
    """What made-up stars and networks have in common with those of a run."""

    columns: tuple[schema.Column, ...]  # of the catalogue of A
    train: TrainConfig
    domain: DomainConfig
    seed: int
    reddened: bool  # whether the reddening of the stars is known

    @classmethod
    def of(cls, run: Run) -> "MadeUpSurvey":
        """Return the survey of a run."""
        columns, config = (schema.HEALPIX, *run.definition_a.catalogue_columns), run.config
        return cls(columns, config.train, config.domain, config.seed, bool(run.definition_a.photometry))

    def table(self, n_stars: int, missing: float = MISSING) -> pa.Table:
        """Return a partition of a catalogue of A.

        Inputs follow from three properties of a star and noise, as those of real stars follow from temperature,
        gravity and metallicity.

        Parameters
        ----------
        n_stars
            Rows.
        missing
            Share of the stars that lack one input.
        """
        rng = generator(self.seed, "made-up stars")
        inputs = list(dict.fromkeys(n for family in schema.FAMILIES for n in self.train.inputs(family)))
        rule = rng.normal(size=(3, len(inputs)))
        values = rng.normal(size=(n_stars, 3)) @ rule + ERROR * rng.normal(size=(n_stars, len(inputs)))
        values[rng.random(n_stars) < missing, 0] = np.nan
        numbers = [column for column in self.columns if column.dtype != "string"]
        data = {column.name: rng.random(n_stars).astype(column.dtype) for column in numbers}
        data |= {column.name: np.full(n_stars, "") for column in self.columns if column.dtype == "string"}
        data |= dict(zip(inputs, values.T, strict=True))
        data |= {f"{name}_ERR": np.full(n_stars, ERROR) for name in measured_behind(inputs)[0]}
        data[schema.STAR_KEY.name] = rng.integers(0, 2**64, n_stars, dtype=np.uint64)
        data[schema.HEALPIX.name] = rng.integers(PIXEL.first_index, PIXEL.end_index, n_stars)
        return to_table(self.columns, data)

    def families(self) -> list[Family]:
        """Return the families of the run with random weights."""
        stars = self.table(N_TRAINING, missing=0)
        return [self._family(name, stars) for name in schema.FAMILIES if self.train.labels(name)]

    def _family(self, name: str, stars: pa.Table) -> Family:
        train, rng = self.train, generator(self.seed, "made-up networks")
        inputs, own = train.inputs(name), own_inputs(name, train)
        values = stack_columns(stars, list(inputs))
        labels = values[:, own] + ERROR * rng.normal(size=(len(values), len(own)))
        scaling = fit_scaling(values, labels, own, train.target)
        known = TrainingSet(
            inputs=values,
            errors=np.full((len(values), len(measured_behind(inputs)[0])), ERROR),
            labels=labels,
            label_errors=np.full_like(labels, ERROR),
            reddening=rng.random(len(values)) if self.reddened else np.full(len(values), np.nan),
            star_keys=stars.column(schema.STAR_KEY.name).to_numpy(),
            ids=np.arange(len(values)).astype(str),
            is_test=np.zeros(len(values), dtype=bool),
        )
        architecture = Architecture(len(inputs), len(own), **shape_of(train))
        plans = [_random_plan(architecture, train.n_members, rng)]
        family = uncalibrated(name, known, scaling, plans, train, self.domain, self.seed)
        scatter = scaling.scales * np.abs(rng.normal(size=labels.shape))
        residuals = scaling.scales * rng.normal(size=labels.shape)
        calibration = fit_calibration(residuals, values, scaling.scale_inputs(values), scatter, scatter, (-1, -1))
        family = replace(family, calibration=calibration)
        if not train.debias:
            return family
        stretch = Stretch(np.zeros(len(own)), np.zeros(len(own)), np.ones(len(own)))
        return replace(family, latent_plan=_random_plan(architecture, train.n_members, rng), stretch=stretch)


def _random_plan(architecture: Architecture, n_members: int, rng: np.random.Generator) -> Plan:
    a = architecture
    arrays = {}
    for layer, (n_in, n_out) in layer_shapes(a.n_inputs, a.n_labels, a.first_width, a.depth).items():
        arrays[f"{layer}.kernel"] = rng.normal(0, n_in**-0.5, (n_members, n_in, n_out)).astype(np.float32)
        arrays[f"{layer}.bias"] = rng.normal(0, 0.1, (n_members, n_out)).astype(np.float32)
    return Plan(a.depth, arrays)
