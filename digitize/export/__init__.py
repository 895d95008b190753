"""Leads as files that other people's programs open: each format in a module, each file whole or not at all.

Every format holds the standard twelve leads, and the others that a page shows, in millivolts or in units that say what
they are worth; gaps and lead names survive. `FORMATS` lists the formats and what each cannot say. Libraries that only
some of them need are the extra ``formats`` (``pip install '.[formats]'``), imported when something is written.

Examples
--------
>>> from pathlib import Path
>>> from tempfile import TemporaryDirectory
>>> from digitize import trace_leads
>>> leads = trace_leads("samples/00024_hr.png")
>>> with TemporaryDirectory() as folder:
...     [file.name for file in FORMATS["wfdb"].write(leads, Path(folder), "scan")]
['scan.hea', 'scan.dat']
"""

from digitize.export.channels import Channels, channels_of, find_gaps, to_digital
from digitize.export.csv import to_frame, write_csv
from digitize.export.dicom import write_dicom
from digitize.export.edf import write_edf
from digitize.export.fhir import write_fhir
from digitize.export.formats import FORMATS, Format, find_formats, tabulate_formats
from digitize.export.parquet import write_parquet
from digitize.export.wfdb import write_wfdb
from digitize.export.xarray import to_xarray
from digitize.files import record_name, synced, written_together

__all__ = [
    "FORMATS",
    "Channels",
    "Format",
    "channels_of",
    "find_formats",
    "find_gaps",
    "record_name",
    "synced",
    "tabulate_formats",
    "to_digital",
    "to_frame",
    "to_xarray",
    "write_csv",
    "write_dicom",
    "write_edf",
    "write_fhir",
    "write_parquet",
    "write_wfdb",
    "written_together",
]
