"""The Monte Carlo settings of a run."""

from stdask.config.run import RunConfig
from stdask.network.ensemble import Draws
from stdask.runs.registry import n_draws_of


def draws_of(config: RunConfig) -> Draws:
    """Return the Monte Carlo settings of `[translate]`, for a processor: the workers choose the engine."""
    translate = config.translate
    return Draws(n_draws_of(config), translate.sampler, config.seed, translate.include_nominal)
