"""Where the stars of an atlas come from: the merged catalogue of a run, in blocks of neighbouring partitions."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple, Protocol

import pyarrow as pa

from stdask.storage.catalogue.catalogue import Catalogue

BLOCK_ROWS = 400_000  # that a worker holds at once: some 200 MB with their keys


class Block(NamedTuple):
    """What one task reads."""

    number: int
    content: Any  # what the source knows it by
    n_rows: int


class StarSource(Protocol):
    """Stars with the columns of the merged catalogue."""

    @property
    def columns(self) -> frozenset[str]:
        """Names of the columns that hold numbers."""

    @property
    def blocks(self) -> Sequence[Block]:
        """All stars, in pieces."""

    def read(self, block: Block, columns: Sequence[str]) -> pa.Table:
        """Return some columns of the stars of a block."""


@dataclass(frozen=True)
class CatalogueSource:
    """A catalogue that merge wrote."""

    catalogue: Catalogue

    @property
    def columns(self) -> frozenset[str]:
        """Names of the columns that hold numbers."""
        return frozenset(c.name for c in self.catalogue.columns if c.dtype.startswith(("float", "double")))

    @cached_property
    def blocks(self) -> tuple[Block, ...]:
        """Neighbouring partitions, up to `BLOCK_ROWS` together."""
        groups: list[tuple[list[Any], int]] = []
        for pixel, n_rows in self.catalogue.rows.items():
            if not groups or groups[-1][1] + n_rows > BLOCK_ROWS:
                groups.append(([], 0))
            pixels, before = groups.pop()
            groups.append(([*pixels, pixel], before + n_rows))
        return tuple(Block(number, tuple(pixels), n_rows) for number, (pixels, n_rows) in enumerate(groups))

    def read(self, block: Block, columns: Sequence[str]) -> pa.Table:
        """Return some columns of the stars of a block."""
        return pa.concat_tables([self.catalogue.read_pixel(pixel, columns) for pixel in block.content])
