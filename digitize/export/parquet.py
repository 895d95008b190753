"""Parquet tables."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

from digitize.export.channels import channels_of
from digitize.export.csv import to_frame
from digitize.export.extras import needs_extra
from digitize.files import written_together
from digitize.version import __version__

if TYPE_CHECKING:
    from digitize.records.results import LeadData

CONFIDENCE = "confidence_"
"""What the name of a lead's column of confidence begins with."""


def write_parquet(leads: LeadData, path: str | os.PathLike[str]) -> Path:
    """Write a Parquet table: ``time_s``, one column a lead in millivolts, and ``confidence_LEAD`` for each of them.

    Values are float32, as digitized; where the page shows nothing they are null, which pandas reads as NaN. Each
    field's metadata names its ``unit`` ("s", "mV" or "1"); the schema's metadata holds, under ``papertrace``, JSON with
    the sampling frequency, layout, verdict, reasons, warnings and version. `pandas.read_parquet` gives ``time_s`` as
    the index.

    Parameters
    ----------
    leads : LeadData
    path : path
        The file; it is replaced when it exists.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    ImportError
        If pyarrow is not installed.
    OSError
        If the file cannot be written.
    """
    with needs_extra("Parquet"):
        import pyarrow
        import pyarrow.parquet

    channels = channels_of(leads)
    frame = to_frame(leads)
    for name, confidence in zip(channels.names, channels.confidence, strict=True):
        frame[CONFIDENCE + name] = confidence
    table = pyarrow.Table.from_pandas(frame)
    told = {
        "fs": leads.fs,
        "layout": leads.layout,
        "verdict": leads.quality.verdict,
        "reasons": leads.quality.reasons,
        "warnings": leads.warnings,
        "version": __version__,
    }
    units = {"time_s": "s", **dict.fromkeys(channels.names, "mV")}
    fields = [field.with_metadata({"unit": units.get(field.name, "1")}) for field in table.schema]
    schema = pyarrow.schema(fields, metadata={**table.schema.metadata, "papertrace": json.dumps(told)})
    file = Path(path)
    with written_together(file.parent) as temporary:
        pyarrow.parquet.write_table(table.cast(schema), temporary / file.name, compression="zstd")
    return file
