"""Catalogues as single files for other programs: FITS, VOTable, Parquet, ECSV, CSV, and tables for the CDS."""

from stdask.storage.export.cds import README
from stdask.storage.export.write import FORMATS, write_cds_export, write_export

__all__ = ["FORMATS", "README", "write_cds_export", "write_export"]
