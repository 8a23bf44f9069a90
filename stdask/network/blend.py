"""Gaussian processes beside the networks: each member is the mean of a network and a process, label by label."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from stdask.network.cpu.bumps import add_bumps
from stdask.network.cpu.compiling import call
from stdask.science.translation.gaussian_process import GAUSSIAN, SMOOTHNESSES, GaussianProcess


@dataclass(frozen=True)
class Blend:
    """The Gaussian processes of all members and labels, in single precision but for the shares."""

    shares: np.ndarray  # (n_labels,), of the process in the output of a member; the network has the rest
    stars: np.ndarray  # (n_members, n_stars, n_inputs), standardised inputs of the training stars
    constants: np.ndarray  # (n_members, n_labels)
    slopes: np.ndarray  # (n_members, n_labels, n_inputs)
    inverse_lengths: np.ndarray  # (n_members, n_labels, n_inputs)
    weights: np.ndarray  # (n_members, n_labels, n_stars)
    smoothnesses: np.ndarray | None = None  # (n_labels,), of the bumps; None: all are Gaussians

    def __post_init__(self) -> None:
        """Raise ValueError where the arrays do not fit one another: the compiled code does not look."""
        n_members, n_stars, n_inputs = self.stars.shape
        by_label = (n_members, len(self.shares))
        expected = {
            "constants": by_label,
            "slopes": (*by_label, n_inputs),
            "inverse_lengths": (*by_label, n_inputs),
            "weights": (*by_label, n_stars),
        }
        if self.smoothnesses is not None:
            expected["smoothnesses"] = self.shares.shape
            if not np.isin(self.smoothnesses, SMOOTHNESSES).all():
                raise ValueError(f"blend.smoothnesses other than {SMOOTHNESSES}")
        for name, shape in expected.items():
            if (found := getattr(self, name)).shape != shape:
                raise ValueError(f"blend.{name} has shape {found.shape}, not {shape}")
        if any(getattr(self, name).dtype != np.float32 for name in ("stars", *expected)):
            raise ValueError("a blend that is not float32")

    def mix(self, outputs: np.ndarray, scaled: np.ndarray) -> None:
        """Put the processes' part into the outputs of the networks, in place.

        A row's outputs depend on the row alone, to the last bit.

        Parameters
        ----------
        outputs : shape (n_members, ..., n_labels), float32
        scaled : shape (..., n_inputs), float32
            Standardised inputs.
        """
        for member, own in enumerate(outputs):
            for label in np.flatnonzero(self.shares):
                share = np.float32(self.shares[label])
                process = self.evaluate(member, int(label), scaled)
                own[..., label] = process if share == 1 else own[..., label] + share * (process - own[..., label])

    def evaluate(self, member: int, label: int, scaled: np.ndarray) -> np.ndarray:
        """Return what the process of a member gives for a label, shape (...), float32.

        Parameters
        ----------
        member, label
            Their numbers.
        scaled : shape (..., n_inputs), float32
            Standardised inputs.
        """
        rows = np.ascontiguousarray(scaled.reshape(-1, scaled.shape[-1]))
        values = np.full(len(rows), self.constants[member, label], np.float32)
        for column, slope in zip(rows.T, self.slopes[member, label], strict=True):
            values += slope * column  # input by input: a matrix product rounds a row differently from place to place
        own = self.inverse_lengths[member, label], self.weights[member, label]
        gaussian = self.smoothnesses is None or bool(self.smoothnesses[label] == GAUSSIAN)
        call(add_bumps, rows, self.stars[member], *own, gaussian, values)
        return values.reshape(scaled.shape[:-1])


def join_processes(
    stars: Sequence[np.ndarray], processes: Sequence[Sequence[GaussianProcess]], shares: np.ndarray
) -> Blend:
    """Return the processes of all members as arrays.

    Parameters
    ----------
    stars : each of shape (n_stars, n_inputs)
        Training stars of each member, as many for each.
    processes
        Of each member, one a label; those of a label are equally smooth.
    shares : shape (n_labels,)
    """

    def stack(name: str) -> np.ndarray:
        return np.array([[getattr(own, name) for own in member] for member in processes], dtype=np.float32)

    return Blend(
        np.asarray(shares, dtype=np.float64),
        np.stack(stars).astype(np.float32),
        stack("constant"),
        stack("slopes"),
        stack("inverse_lengths"),
        stack("weights"),
        stack("smoothness")[0],
    )
