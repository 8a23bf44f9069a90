"""Which pairs are used for training: cut after cut, for each family of networks."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from stdask import schema
from stdask.config.stages import PairConfig, StarList
from stdask.config.training import TrainConfig
from stdask.display.console import say
from stdask.pairing.id_lists import read_ids
from stdask.science.assessment.outliers import clip_outliers
from stdask.storage.tables import to_numpy


def find_listed(
    pairs: pa.Table, lists: Sequence[StarList], data_dir: Path, titles: Mapping[str, str]
) -> tuple[list[np.ndarray], list[str]]:
    """Return which pairs each list of `[[pair.exclude]]` names, (n_pairs,) bool; and notes on lists that name none.

    Parameters
    ----------
    pairs, lists
        The pairs and the lists.
    data_dir
        The folder that the files of the lists are relative to.
    titles
        Titles of the surveys "a" and "b", for the notes.

    Raises
    ------
    SurveyError
        If a list is missing or holds no ids.
    """
    listed, notes = [], []
    for stars in lists:
        ids = read_ids(data_dir / stars.file, stars.column).cast(pa.string())
        named = pc.is_in(pairs.column(f"ID_{stars.survey.upper()}"), value_set=ids).to_numpy()
        if not named.any():
            notes.append(
                f"None of the {len(ids):,} ids in {stars.file.name}, {stars.column}, belongs to a star of "
                f"{titles[stars.survey]} in a pair. The list may hold ids of another survey."
            )
            say(f"  {notes[-1]}", "yellow")
        listed.append(named)
    return listed, notes


def select(
    pairs: pa.Table, pair: PairConfig, train: TrainConfig, listed: Sequence[np.ndarray] = ()
) -> dict[str, dict[str, np.ndarray]]:
    """Return, family by family and cut after cut, which pairs are used for training (Thomas et al. 2024, sect. 3.2).

    Parameters
    ----------
    pairs
        The pairs, with A's columns as A_... and B's as B_...
    pair, train
        `[pair]` and `[train]`.
    listed : each of shape (n_pairs,), bool
        Which pairs each list of `pair.exclude` names.

    Returns
    -------
    steps
        Family -> name of the cut -> pairs left after it, (n_pairs,) bool.
    """
    shared = {"in both surveys": np.ones(pairs.num_rows, dtype=bool)}
    left = shared["in both surveys"]
    if pair.unambiguous:
        left = shared["no second candidate"] = ~to_numpy(pairs, "AMBIGUOUS")
    left = left & to_numpy(pairs, "A_GOOD")
    shared["quality cuts of A"] = left
    left = left & to_numpy(pairs, "B_GOOD")
    shared["quality cuts of B"] = left
    reddened = "A_EBV" in pairs.column_names and bool(np.isfinite(to_numpy(pairs, "A_EBV")).any())
    if pair.max_ebv != "none" and reddened:
        left = left & (to_numpy(pairs, "A_EBV") <= pair.max_ebv)
        shared[f"E(B-V) <= {pair.max_ebv:g} ({schema.EBV_SCALE})"] = left
    elif pair.max_ebv != "none":
        shared["A has no E(B-V): no cut"] = left
    steps = {}
    for family in schema.FAMILIES:
        if not train.labels(family):
            continue
        own = dict(shared)
        own["all inputs measured"] = left & _measured(pairs, [f"A_{name}" for name in train.inputs(family)])
        labels = [_measured(pairs, [f"B_{item.label}"]) for item in train.labels(family)]
        kept = own["a label measured"] = own["all inputs measured"] & np.any(labels, axis=0)
        for stars, named in zip(pair.exclude, listed, strict=True):
            if stars.family == family:
                kept = kept & ~named
                own[_list_name(stars, own)] = kept
        if family == "extrinsic" and train.clip_sigma != "none":
            kept = kept.copy()
            for item in train.extrinsic:
                if item.source:
                    difference = to_numpy(pairs, f"B_{item.label}") - to_numpy(pairs, f"A_{item.source}")
                    kept &= np.isnan(difference) | clip_outliers(np.where(kept, difference, np.nan), train.clip_sigma)
            own[f"{train.clip_sigma:g}-sigma clip of B - A"] = kept
        steps[family] = own
    return steps


def _list_name(stars: StarList, taken: Mapping[str, object]) -> str:
    """Return a name for the cut of a list that no cut before it has."""
    name = f"not in {stars.file.name}"
    return name if name not in taken else f"{name}, list {len(taken)}"


def _measured(pairs: pa.Table, names: list[str]) -> np.ndarray:
    return np.all([np.isfinite(to_numpy(pairs, name)) for name in names], axis=0)
