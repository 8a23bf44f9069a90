"""The presets of `[train] preset`: shapes of the network, and how many draws they need. Quick to import."""

from typing import Any

from stdask.config.training import TrainConfig

# realisations of a star: the published number, and how many Sobol points keep its percentiles, by
# their mean absolute error (docs/speed.md)
N_DRAWS = {"paper": 100, "compact": 56}
ANY = 1 << 30  # wider than any unit
PRESETS: dict[str, dict[str, Any]] = {
    # fig. 1 of the paper; the units that drop out are those of the authors' code (256 and wider), not of the text
    # (256 and narrower)
    "paper": {"first_width": 64, "depth": 3, "dropout": 0.5, "dropout_widths": (256, ANY)},
    # as accurate on unseen stars at 1/16 of the floating-point operations
    "compact": {"first_width": 32, "depth": 2, "dropout": 0.1, "dropout_widths": (64, ANY)},
}


def shape_of(train: TrainConfig) -> dict[str, Any]:
    """Return the shape of the network: the preset's, where `[train]` does not say otherwise."""
    own = train.model_dump(include={"first_width", "depth", "dropout", "dropout_widths"}, exclude_none=True)
    return PRESETS[train.preset] | own
