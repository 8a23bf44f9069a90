"""The tables of an HDF5 file: datasets of records, groups of columns, and frames of pandas.

HDF5 has no tables of its own. Sources of the layouts: `astropy.io.misc.hdf5`, `pandas.io.pytables`, and vaex, which
writes each column as a dataset `columns/NAME/data`.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import h5py
from astropy.table import meta

from stdask.errors import SurveyError

COLUMN_META = ".__table_column_meta__"  # dataset of astropy with the units of another one
MASK = ".mask"  # column of astropy that marks missing values of another one


class Hdf5Column(NamedTuple):
    """Where a column of a table lies."""

    dataset: str
    field: str | None  # of its records
    unit: str
    shape: tuple[int, ...]  # of the values of a row; () for one value
    place: int | None = None  # among the columns that pandas stores in one array
    is_logical: bool = False  # stored as bytes
    null: str | None = None  # text that stands for a missing value
    mask: str | None = None  # field that is true where a value is missing


class Hdf5Table(NamedTuple):
    """A table of a file."""

    name: str
    n_rows: int
    columns: Mapping[str, Hdf5Column]


def find_tables(file: h5py.File) -> dict[str, Hdf5Table]:
    """Return the tables of a file by name, without the slash before it. That of columns at the root is called `/`."""
    return {table.name: table for table in _tables_in(file)}


def _tables_in(group: h5py.Group) -> Iterator[Hdf5Table]:
    kind = _text(group.attrs.get("pandas_type", ""))
    if kind == "frame_table":
        yield _frame_table(group)
        return
    if kind == "frame":
        yield _fixed_frame(group)
        return
    items = {name: item for name, item in group.items() if item is not None}  # None is a link to nothing
    datasets = {name: item for name, item in items.items() if isinstance(item, h5py.Dataset) and item.shape}
    records = {name: item for name, item in datasets.items() if item.dtype.names}
    for dataset in records.values():
        yield _records(dataset, group)
    columns = {name: item for name, item in datasets.items() if name not in records and COLUMN_META not in name}
    groups = {name: item for name, item in items.items() if isinstance(item, h5py.Group)}
    if _name(group).endswith("columns"):  # of vaex
        inner = {name: item["data"] for name, item in groups.items() if isinstance(item.get("data"), h5py.Dataset)}
        columns |= inner
        groups = {name: item for name, item in groups.items() if name not in inner}
    if columns:
        yield _columns(group, columns)
    for item in groups.values():
        yield from _tables_in(item)


def _name(item: h5py.Group | h5py.Dataset) -> str:
    return str(item.name).strip("/") or "/"


def _records(dataset: h5py.Dataset, group: h5py.Group) -> Hdf5Table:
    """Return a table of records, as astropy and h5py write it."""
    units = _units_of_astropy(group.get(_name(dataset).rpartition("/")[2] + COLUMN_META))
    dtype, columns = dataset.dtype, {}
    for number, name in enumerate(dtype.names):
        if name.endswith(MASK) and name.removesuffix(MASK) in dtype.names:
            continue
        mask = name + MASK
        columns[name] = Hdf5Column(
            str(dataset.name),
            name,
            units.get(name, ""),
            dtype[name].shape,
            is_logical=_is_bits(dataset.id.get_type().get_member_type(number)),
            mask=mask if mask in dtype.names else None,
        )
    return Hdf5Table(_name(dataset), len(dataset), columns)


def _columns(group: h5py.Group, datasets: Mapping[str, h5py.Dataset]) -> Hdf5Table:
    """Return a table of datasets, of those that have as many rows as most of them."""
    n_rows = Counter(len(dataset) for dataset in datasets.values()).most_common(1)[0][0]
    columns = {
        name: Hdf5Column(
            str(dataset.name),
            None,
            _text(dataset.attrs.get("unit", dataset.attrs.get("units", ""))),
            tuple(dataset.shape[1:]),
            is_logical=_is_bits(dataset.id.get_type()),
        )
        for name, dataset in datasets.items()
        if len(dataset) == n_rows
    }
    name = _name(group)
    return Hdf5Table(name.removesuffix("/columns") if name.endswith("/columns") else name, n_rows, columns)


def _frame_table(group: h5py.Group) -> Hdf5Table:
    """Return a frame that pandas wrote with format="table": a dataset of records, with columns of one type in one."""
    dataset = group["table"]
    attributes = {name: _text(value) for name, value in dataset.attrs.items()}
    columns = {}
    for field in dataset.dtype.names:
        shape = dataset.dtype[field].shape
        names = _pickled_names(attributes.get(f"{field}_kind", ""))
        if field == "index":
            names = [_index_name(_text(group.attrs.get("info", "")))]
        if len(names) != (shape[0] if shape else 1):
            raise SurveyError(f"it does not say which columns {field!r} holds. Write the frame again.")
        for place, name in enumerate(names):
            columns[name] = Hdf5Column(
                str(dataset.name),
                field,
                "",
                (),
                place=place if shape else None,
                is_logical=attributes.get(f"{field}_dtype") == "bool",
                null=attributes.get(f"{field}_nan_rep"),
            )
    return Hdf5Table(_name(group), len(dataset), columns)


def _fixed_frame(group: h5py.Group) -> Hdf5Table:
    """Return a frame that pandas wrote with format="fixed": a two-dimensional dataset for each type of columns."""
    index = group["axis1"]
    name = _text(index.attrs.get("name", ""))
    columns = {}
    if index.ndim == 1:
        columns[name if name and not name.endswith(".") else "index"] = Hdf5Column(str(index.name), None, "", ())
    for number in range(int(group.attrs["nblocks"])):
        values = group[f"block{number}_values"]
        for place, own in enumerate(group[f"block{number}_items"][:]):
            columns[_text(own)] = Hdf5Column(
                str(values.name), None, "", (), place=place, is_logical=_is_bits(values.id.get_type())
            )
    order = {_text(own): number for number, own in enumerate(group["axis0"][:])}
    in_order = dict(sorted(columns.items(), key=lambda column: order.get(column[0], -1)))
    return Hdf5Table(_name(group), len(index), in_order)


def _units_of_astropy(stated: Any) -> dict[str, str]:
    if stated is None:
        return {}
    header = meta.get_header_from_yaml([_text(line) for line in stated[:]])
    return {column["name"]: str(column.get("unit") or "") for column in header["datatype"]}


def _pickled_names(pickled: str) -> list[str]:
    """Return the texts of a list that PyTables pickled. It is not unpickled: a pickle may run code."""
    texts = re.findall(r"^a?V(.*)$", pickled, re.MULTILINE) if pickled.startswith("(lp") else []
    return [text.encode("latin-1").decode("raw-unicode-escape") for text in texts]


def _index_name(info: str) -> str:
    found = re.search(r"Vindex_name\np\d+\nV(.*)\n", info)
    return found[1] if found else "index"


def _text(value: Any) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def _is_bits(kind: Any) -> bool:
    """Tell whether PyTables wrote logicals: as bit fields of a byte."""
    if kind.get_class() == h5py.h5t.ARRAY:
        kind = kind.get_super()
    return bool(kind.get_class() == h5py.h5t.BITFIELD)
