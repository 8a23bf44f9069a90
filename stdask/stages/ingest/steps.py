"""The steps of the stage `ingest`: tasks on the workers, of which an interrupted run repeats only the unfinished."""

from collections.abc import Callable, Sequence
from types import NoneType
from typing import Any

from stdask.cluster.tasks import each
from stdask.cluster.workers import Workers
from stdask.runs.ledger import Ledger
from stdask.runs.results import part_of
from stdask.runs.stage import Stage
from stdask.stages.ingest.plan import Done, Item, R
from stdask.storage.files import hash_of


class Steps:
    """Runs the steps of one ingest.

    Parameters
    ----------
    stage, workers
        The stage, and where its tasks are worked on.
    rows_per_block
        Which rows a task gets.
    """

    def __init__(self, stage: Stage, workers: Workers, rows_per_block: int) -> None:
        self._stage = stage
        self._workers = workers
        self.parts = {
            **stage.inputs,
            "settings": hash_of(stage.settings),
            "rows_per_block": str(rows_per_block),
            **part_of(stage.name),
        }

    def run(
        self,
        name: str,
        function: Callable[..., Done[R]],
        items: Sequence[Item],
        *shared: Any,
        kind: type[R] = NoneType,  # type: ignore[assignment]
        rows: Sequence[int] | None = None,
    ) -> list[R]:
        """Run a step; return the record of each item, made now or before, in the order of the items.

        Parameters
        ----------
        name
            Of the step: of its ledger, and before its progress bar.
        function, items, shared
            function(item, *shared) is the task of an item.
        kind
            Type of the records.
        rows
            Of each item.
        """
        ledger = Ledger(self._stage, kind, name)
        records = ledger.kept({str(item): self.parts for item in items})
        todo = [number for number, item in enumerate(items) if str(item) not in records]
        for item, done in each(
            self._workers,
            function,
            [items[number] for number in todo],
            *shared,
            description=name.replace("_", " "),
            sizes=rows and [rows[number] for number in todo],
            unit="rows" if rows else "",
        ):
            ledger.add(str(item), self.parts, done.record, done.files)
            records[str(item)] = done.record
        return [records[str(item)] for item in items]
