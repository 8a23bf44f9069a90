"""A trained ensemble applied to a table in memory: of astropy, pandas or pyarrow, and the same kind back."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Self

import numpy as np
import pyarrow as pa
from threadpoolctl import threadpool_limits

from stdask import schema
from stdask.config.derived import are_dereddened
from stdask.config.reduction import as_trained, columns_behind, of_other_survey, reduce_definition, reduced_to_inputs
from stdask.config.survey import SurveyDefinition, load_definition
from stdask.errors import SurveyError
from stdask.runs.ensemble import Ensemble, open_ensemble
from stdask.runs.requirements import requirements
from stdask.schema import GOOD, STAR_KEY, Column, Columns
from stdask.science.keys.star_keys import keys_of_values, star_keys
from stdask.science.measurements.expressions import columns_of
from stdask.science.measurements.network_inputs import columns_read, named_inputs
from stdask.science.measurements.survey_columns import SurveyColumns, catalogue_columns
from stdask.science.measurements.units import unknown_units
from stdask.science.translation.resampling import measured_behind
from stdask.stages.translate.table import inputs_of, new_columns, translate_table
from stdask.storage.memory_tables import AnyTable, MemoryTable, append_columns
from stdask.storage.surveys.computed import ComputedColumns
from stdask.storage.tables import to_masked, to_table

if TYPE_CHECKING:
    from astropy.table import Table

ROWS_AT_ONCE = 100_000  # rows whose draws and labels are in memory as float64: 0.2 GB for five labels
EBV = schema.EBV.name
FEW_ROWS = 20  # may all lack a value by chance, for example in a small partition


@dataclass(frozen=True, repr=False)
class Translator:
    """A trained ensemble that translates tables in memory from the scale of survey A to that of survey B.

    It runs on one core and needs neither TensorFlow nor Dask. It can be pickled, so it can be sent to the processes of
    a pool, or be given to `lsdb.Catalog.map_partitions`.

    Examples
    --------
    >>> import stdask
    >>> translator = stdask.Translator.open("stdask-demo")
    >>> stars = stdask.open_catalogue("stdask-demo/catalogues/mock_a").to_astropy()
    >>> translated = translator.translate(stars)
    >>> translated["TEFF_PRED_50"].unit
    Unit("K")
    """

    ensemble: Ensemble
    definition: SurveyDefinition  # meaning of columns that are named as the survey publishes them

    @classmethod
    def open(cls, path: Path | str, definition: SurveyDefinition | Path | str | None = None) -> Self:
        """Open a trained ensemble.

        Parameters
        ----------
        path
            A `.stdask` file, the folder of an ensemble, or the folder of the run that trained it.
        definition
            Survey definition for tables whose columns are not named as those of the survey that the ensemble was
            trained on: the name of a definition that comes with stdask, or the path of your own. Default: the
            definition that the ensemble was trained with.

        Raises
        ------
        EnsembleError
            If there is no ensemble, or it is damaged.
        SurveyError
            If there is no such definition, it is not valid, or it lacks an input or has it in another unit.
        """
        ensemble = open_ensemble(path)
        if definition is None:
            return cls(ensemble, ensemble.definition)
        own = definition if isinstance(definition, SurveyDefinition) else load_definition(str(definition))
        inputs = ensemble.inputs
        reduce_definition(own, own.source_columns, inputs)  # it has all inputs
        own, sentences = as_trained(own, ensemble.definition, inputs)
        if not isinstance(definition, SurveyDefinition):
            sentences += of_other_survey(str(definition), own, ensemble.definition)
        for sentence in sentences:
            warnings.warn(sentence, stacklevel=2)
        return cls(ensemble, own)

    def translate(self, table: AnyTable) -> AnyTable:
        """Return a copy of a table with the columns of the translation.

        The columns of the table are named as in the catalogues of stdask (`TEFF`, `TEFF_ERR`, `BP_G_0`, ...), or as
        the survey publishes them. In the second case the survey definition is applied: units, values that stand for
        "missing", typical errors, dereddening. A unit that the table states is converted. Masked values, nulls and NaN
        are missing values. Errors that the table lacks are replaced by the typical errors of the definition; where
        there is none, the quantity has no noise and the star is flagged.

        The result of a star depends on that star alone, not on the order of the rows. Its random draws depend on
        `STAR_KEY`, else on the id of the star in the survey, else on its measurements.

        Parameters
        ----------
        table
            An astropy Table or QTable, a pandas DataFrame or a pyarrow Table.

        Returns
        -------
        translated
            A table of the same kind with the same rows in the same order. `provides` describes the new columns.

        Raises
        ------
        SurveyError
            If an input is missing, has another unit or holds no numbers, or a column of the translation is there.
        """
        joined = {join.name: self.definition.source_columns for join in self.definition.join}
        given, new = MemoryTable(table, joined), self.provides
        if twice := [name for name in new.names if name in given.columns]:
            raise SurveyError(
                f"The table already has the column {twice[0]!r}. Remove or rename its translated columns."
            )
        stars = self._stars(given)
        families, draws = self.ensemble.families, self.ensemble.draws
        starts = range(0, max(1, stars.num_rows), ROWS_AT_ONCE)
        with threadpool_limits(1):  # as on a worker: threads of a BLAS wait longer than they work
            parts = [
                to_table(new, translate_table(stars.slice(start, ROWS_AT_ONCE), families, draws)) for start in starts
            ]
        return append_columns(table, pa.concat_tables(parts).combine_chunks())

    __call__ = translate

    @property
    def requires(self) -> "Table":
        """The columns that a table must have and those that are read if it has them, with their units and purposes.

        They are named as the survey publishes them. Names of stdask's catalogues are in the first column.
        """
        from stdask.storage.documents import declared_table

        return declared_table(requirements(replace(self.ensemble, definition=self.definition)))

    @property
    def provides(self) -> Columns:
        """The columns that a translation adds."""
        return Columns(new_columns(self.ensemble.families, self.ensemble.target.units))

    @property
    def card(self) -> str:
        """The model card: data, cuts, accuracy and limits of the ensemble."""
        return self.ensemble.card

    def __repr__(self) -> str:
        """Return what is translated to what, and by what."""
        families = self.ensemble.families
        what = ["  {}: {} -> {}".format(f.name, ", ".join(f.inputs), ", ".join(f.labels)) for f in families]
        scales = f"{self.ensemble.definition.title} on the scale of {self.ensemble.target.title}"
        n_members, n_draws = families[0].plan.n_members, self.ensemble.draws.n_draws
        return "\n".join([f"<Translator: {scales}, {n_members} networks, {n_draws} draws a star", *what]) + ">"

    def _stars(self, given: MemoryTable) -> pa.Table:
        """Return the columns that `translate_table` reads, as the catalogue of A has them."""
        measured = self._measured(given)
        lost = [name for name in self.ensemble.inputs if np.isnan(measured[name]).all()]
        if lost and given.n_rows > FEW_ROWS:
            warnings.warn(
                f"No star of the table has a usable value of {', '.join(lost)}. Check the units, and the values that "
                "the survey definition takes for valid.",
                stacklevel=3,
            )
        named = [name for name in inputs_of(self.ensemble.families) if name not in (STAR_KEY.name, GOOD.name)]
        columns = [GOOD, *(Column(name, "float32") for name in named)]
        missing = np.full(given.n_rows, np.nan)
        stars = to_table(columns, {column.name: measured.get(column.name, missing) for column in columns})
        drawn = [*self.ensemble.inputs, *(f"{name}_ERR" for name in measured_behind(self.ensemble.inputs)[0])]
        values = np.stack([stars.column(name).to_numpy() for name in drawn], axis=-1)
        return stars.append_column(STAR_KEY.name, pa.array(self._keys(given, values)))

    def _measured(self, given: MemoryTable) -> dict[str, np.ndarray]:
        """Return inputs, errors, reddening and GOOD as in the catalogue, from either kind of names.

        Raises
        ------
        SurveyError
            If an input is missing or does not fit.
        """
        further = [name for family in self.ensemble.families for name in family.neighbourhood.names]
        if not self._is_named(given):
            return self._from_survey(given, reddening=EBV in further)
        if lacking := [name for name in self.ensemble.inputs if name not in given.columns]:
            raise SurveyError(
                f"The table has no column {lacking[0]!r}, which the networks read. They need "
                f"{', '.join(self.ensemble.inputs)}; `requires` lists all columns."
            )
        names = [name for name in columns_read(self.ensemble.inputs, further) if name in given.columns]
        named = named_inputs(self.definition, self._source(given, names), self.ensemble.inputs, further)
        return named | {GOOD.name: self._are_good(given)}

    def _is_named(self, given: MemoryTable) -> bool:
        """Tell whether columns are named as in catalogues of stdask; where both fit, the names of the survey count."""
        inputs, columns = self.ensemble.inputs, given.columns
        named = sum(name in columns for name in inputs)
        computed = ComputedColumns(given, self.definition.sentinels)
        published = sum(all(map(computed.has, columns_behind(name, self.definition))) for name in inputs)
        return STAR_KEY.name in columns or named > published

    def _from_survey(self, given: MemoryTable, reddening: bool) -> dict[str, np.ndarray]:
        own = reduced_to_inputs(self.definition, self.ensemble.inputs, reddening)
        columns = ComputedColumns(given, self.definition.sentinels)
        present = [*given.columns, *filter(columns.has, self.definition.source_columns)]
        reduced, sentences = reduce_definition(own, present, self.ensemble.inputs, columns_of)
        sentences += unknown_units(reduced, columns.unit)
        factors, duplicates = self.ensemble.error_factors, self.definition.duplicates
        if factors and duplicates and columns.has(duplicates.best):
            reduced = reduced.model_copy(update={"duplicates": duplicates})
        elif factors and duplicates:
            sentences.append(f"The table has no column {duplicates.best}: errors are rescaled by the largest factor.")
        names = [name for name in reduced.source_columns if columns.has(name)]
        source, ebv = self._source(given, names), None
        if own.ebv_map and EBV in given.columns:
            ebv, _ = self._source(given, [EBV]).values(EBV, "mag", "mag")
        elif own.ebv_map and are_dereddened(self.ensemble.inputs, own):
            raise SurveyError(
                f"The table has no column {EBV!r}: the colours that the networks read were dereddened with the map "
                f"{own.ebv_map}. Give its E(B-V) at the stars as column {EBV}."
            )
        elif own.ebv_map:
            sentences.append(f"The reddening is that of the map {own.ebv_map}: give E(B-V) at the stars as column EBV.")
        for sentence in sentences:
            warnings.warn(sentence, stacklevel=5)
        return catalogue_columns(reduced, source, ebv, factors)[0]

    def _source(self, given: MemoryTable, names: Sequence[str]) -> SurveyColumns:
        columns = ComputedColumns(given, self.definition.sentinels)
        units = {name: columns.unit(name) for name in names}
        read = to_masked(columns.read(names))
        return SurveyColumns(read, units, self.definition.sentinels, columns.computed(names))

    def _keys(self, given: MemoryTable, values: np.ndarray) -> np.ndarray:
        """Return the key of each star: stored, or made of its id, or of its measurements if it has no id.

        Raises
        ------
        SurveyError
            If the column of the keys or ids holds neither integers nor text.
        """
        keys = keys_of_values(values)
        name = next((name for name in (STAR_KEY.name, self.definition.id) if name in given.columns), None)
        if name is None:
            return keys
        ids = given.read([name]).column(name).combine_chunks()
        if pa.types.is_floating(ids.type) and np.isnan(ids.to_numpy()).all():
            return keys  # an empty column
        if not (pa.types.is_integer(ids.type) or pa.types.is_string(ids.type)):
            raise SurveyError(
                f"Column {name!r} holds {ids.type}, but ids are integers or text. Correct the column, or remove it: "
                "the random draws of a star then depend on its measurements."
            )
        known = ids.is_valid().to_numpy(zero_copy_only=False)
        own = ids.filter(pa.array(known)).to_numpy(zero_copy_only=False)
        keys[known] = own.astype(np.uint64) if name == STAR_KEY.name else star_keys(own)
        return keys

    def _are_good(self, given: MemoryTable) -> np.ndarray:
        """Return which stars of a table with the columns of a catalogue pass the cuts: all if it does not say.

        Raises
        ------
        SurveyError
            If its column GOOD does not hold true and false.
        """
        if GOOD.name not in given.columns:
            if self.definition.cuts:
                warnings.warn(
                    "The table has no column 'GOOD': USE and QFLAG_COMMENTS do not tell which stars fail the cuts of "
                    "the survey.",
                    stacklevel=5,
                )
            return np.ones(given.n_rows, dtype=bool)
        column = given.read([GOOD.name]).column(GOOD.name).combine_chunks()
        if pa.types.is_floating(column.type) and np.isnan(column.to_numpy()).all():
            return np.zeros(given.n_rows, dtype=bool)  # an empty column
        if not pa.types.is_boolean(column.type):
            raise SurveyError(
                f"Column {GOOD.name!r} holds {column.type}. It must be true where a star passes the cuts of the "
                "survey, and false elsewhere. Correct the column, or remove it."
            )
        return column.fill_null(False).to_numpy(zero_copy_only=False)
