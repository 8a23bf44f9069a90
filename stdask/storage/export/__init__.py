"""Catalogues as single files for other programs: FITS, VOTable, Parquet, ECSV, CSV, and tables for the CDS."""

from stdask.storage.export.write import FORMATS, write_export

__all__ = ["FORMATS", "write_export"]
