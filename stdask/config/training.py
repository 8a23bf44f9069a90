"""The tables of the run file on training: `[train]` and its labels."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from stdask import schema
from stdask.config.toml import InnerPath, TomlModel

Positive = Annotated[float, Field(gt=0)]


class LabelConfig(TomlModel):
    """A label: a quantity that B measures, and its counterpart, the same quantity as A measures it.

    Write this table once for each label.
    """

    label: str
    """Label of B, by its name in the definition of B, e.g. `M_H`."""
    source: str | None = Field(default=None, alias="from")
    """Counterpart in A, by its name in the definition of A, e.g. `FE_H`. It is an input of the networks, which predict
    the difference B - A. Default: none; the networks then predict the label from the other inputs."""


class TrainConfig(TomlModel):
    """The labels, and the neural networks that predict them from the columns of A.

    There are two families of networks: one for the intrinsic labels and one for the extrinsic labels. The first one
    reads the counterparts of the intrinsic labels (the columns of A that `from` names) and the `features`. The second
    one reads these columns and the counterparts of the extrinsic labels. Each family has `n_members` networks. Defaults
    are those of Thomas et al. 2024 unless the text of a key says otherwise.
    """

    ensemble: InnerPath | None = None
    """Packed ensemble (`stdask pack`) that is used instead of training, e.g. `galah_to_apogee.stdask`, relative to
    `--data-dir`. Labels, networks and draws are those of the ensemble: the run file then has no other key of `[train]`,
    no `[pair]`, `[domain]` and `[evaluate]`, and the stages `pair` and `evaluate` are left out. A must have the
    definition that the ensemble was trained with. Default: none; the networks are trained."""
    intrinsic: tuple[LabelConfig, ...] = Field(default=(), min_length=1)
    """Labels that depend on the star alone: temperature, gravity, abundances. Needed unless an `ensemble` is named."""
    extrinsic: tuple[LabelConfig, ...] = ()
    """Labels that depend on the motion or place of the star, e.g. the line-of-sight velocity. Default: none."""
    features: tuple[str, ...] = ()
    """Further columns of A that all networks read: labels of the definition of A, dereddened colours such as `BP_G_0`
    and `J_KS_0`, or absolute magnitudes such as `M_G`. `stdask survey show` lists those that a survey has, and
    [Colours and absolute magnitudes](derived.md) tells how they are made."""
    preset: Literal["compact", "paper"] = "compact"
    """Size of the networks. `paper`: as published. `compact`: as accurate, at 1/16 of the computing time."""
    first_width: int | None = Field(default=None, ge=1)
    """Width of the first layer. Overrides the preset (compact: 32, paper: 64)."""
    depth: int | None = Field(default=None, ge=0)
    """Number of steps in which the width of the layers is doubled, followed by as many in which it is halved. Overrides
    the preset (compact: 2, paper: 3)."""
    dropout: float | None = Field(default=None, ge=0, lt=1)
    """Share of the units that are switched off at random during training. Overrides the preset (compact: 0.1, paper:
    0.5)."""
    dropout_widths: tuple[int, int] | None = None
    """Smallest and largest width of the layers that have dropout. Overrides the preset (compact: 64 and wider, paper:
    256 and wider)."""
    target: Literal["residual", "zscore"] = "residual"
    """What the networks predict. `residual`: the difference B - A, so that an untrained network changes nothing.
    `zscore`: the label of B, scaled to mean 0 and standard deviation 1, as in the code of the authors."""
    n_members: int = Field(default=5, ge=1)
    """Number of networks in a family. Each is trained on a split and from initial weights of its own; their spread
    tells how uncertain the translation is."""
    test_fraction: float = Field(default=0.2, gt=0, lt=1)
    """Share of the pairs that is kept apart as test stars. They are never used for training."""
    validation_fraction: float = Field(default=0.2, gt=0, lt=1)
    """Share of the other pairs that is used to decide when training stops. Each network has validation stars of its
    own."""
    batch_size: int = Field(default=128, ge=1)
    """Number of stars in each step of the training. The code of the authors has 4096, but small batches reach a lower
    loss."""
    learning_rates: tuple[Positive, ...] = Field(default=(1e-3, 1e-4, 1e-5), min_length=1)
    """Learning rates, used one after the other."""
    max_epochs: int = Field(default=1000, ge=1)
    """Largest number of epochs (passes through the training stars) at each learning rate."""
    patience: int = Field(default=20, ge=1)
    """Number of epochs without a lower validation loss after which the next learning rate begins."""
    min_pairs: int = Field(default=200, ge=10)
    """Smallest number of pairs for a family and for each of its labels, including test stars. With fewer, the extrinsic
    family is skipped and its labels are not translated; for the intrinsic family the run ends with an error that names
    the label."""
    weights: Literal["equal", "errors", "catalogue", "best"] = "equal"
    """How much each training star counts in the loss of the networks. `equal`: all the same. `errors`: stars with
    larger stated errors in B count less. `catalogue`: stars count more where, compared with the pairs, there are more
    good stars of A without a pair. `best`: all three are trained, and one of the last two is used if its networks are
    closer to B by more than the error of the comparison: on the validation stars, which for `catalogue` have its
    weights. Training takes three times as long, and `train` prints the gain. Gaussian processes, polynomials that
    replace networks, and the networks of `stdask study` always have equal weights."""
    clip_sigma: Positive | Literal["none"] = 5.0
    """Outliers, e.g. binaries, are not used for training of the extrinsic networks. A pair is an outlier if its
    difference B - A in an extrinsic label is more than this number of robust standard deviations from the median
    difference. Source: Thomas et al. 2024, sect. 3.2."""
    missing: Literal["draw", "mean"] = "draw"
    """What replaces a missing input of a star. `draw`: random values that fit the other inputs of the star. `mean`: the
    mean of the training stars, as published. Such stars are flagged in both cases."""
    gaussian_process: Literal["auto", "none"] = "auto"
    """`auto`: with up to 2,000 training stars a network, each network gets a Gaussian process with Student-t noise,
    fitted on the same stars, and a label is the mean of both. The evidence of the training stars decides how smooth
    the process of a label is: it is made of Gaussians, or of Matern functions of smoothness 3/2. Where the networks or
    the processes alone are closer to B on the validation stars, by more than the error of the comparison, they are
    used alone; test stars are not used. `none`: networks alone, which translate twice (500 training stars) to six times
    (2,000) as many stars a second."""
    fallback: Literal["none", "best"] = "none"
    """`best`: for each label, a simpler method (no change, a constant offset, a polynomial) replaces the networks, and
    the Gaussian processes beside them, if it is closer to B by more than the error of the comparison. They are compared
    on the validation stars; test stars are not used. `none`: the networks are always used."""
    debias: bool = False
    """Add a column `LABEL_PRED_DEBIASED` for each label, from networks trained on inputs whose noise has been removed.
    Measurement errors draw the translated labels of rare stars towards the values of common ones (attenuation). The new
    column does not have this bias: use it for the mean of stars that are alike, such as the members of a cluster, not
    for single stars. For distributions, use `LABEL_PRED_SAMPLE`, which is always there."""

    @model_validator(mode="after")
    def _labels_differ(self) -> Self:
        if self.ensemble and not self.intrinsic:
            return self  # The labels are those of the ensemble.
        if not self.intrinsic:
            raise ValueError("`intrinsic` is missing. Add [[train.intrinsic]] for each label, or name an `ensemble`")
        if not self.inputs("intrinsic"):
            raise ValueError("the networks have no input. Give a label its `from`, or add `features`")
        schema.unique_names([c.label for c in (*self.intrinsic, *self.extrinsic)], "the labels of [train]")
        return self

    @property
    def all_inputs(self) -> tuple[str, ...]:
        """The columns of A that the networks of any family read, each once, in order."""
        return tuple(dict.fromkeys(name for family in schema.FAMILIES for name in self.inputs(family)))

    def labels(self, family: str) -> tuple[LabelConfig, ...]:
        """Return the labels of one network family."""
        return self.intrinsic if family == "intrinsic" else self.extrinsic

    def inputs(self, family: str) -> tuple[str, ...]:
        """Return the columns of A that a family's network reads, each once, in order."""
        families = ("intrinsic",) if family == "intrinsic" else schema.FAMILIES
        own = [c.source for f in families for c in self.labels(f) if c.source]
        intrinsic = [name for name in own if name not in {c.source for c in self.extrinsic}]
        extrinsic = [name for name in own if name not in intrinsic]
        return tuple(dict.fromkeys([*intrinsic, *self.features, *extrinsic]))
