from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pyarrow.parquet

from digitize.export import write_parquet
from digitize.records.layouts import LEAD_NAMES
from digitize.version import __version__


def test_round_trip(leads, tmp_path):
    assert write_parquet(leads, tmp_path / "scan.parquet") == tmp_path / "scan.parquet"
    assert [file.name for file in tmp_path.iterdir()] == ["scan.parquet"]
    table = pd.read_parquet(tmp_path / "scan.parquet")
    assert list(table.columns) == [*LEAD_NAMES, *(f"confidence_{name}" for name in LEAD_NAMES)]
    assert table.index.name == "time_s"
    np.testing.assert_array_equal(table.index, np.arange(5000) / 500)
    np.testing.assert_array_equal(table[list(LEAD_NAMES)].to_numpy().T, leads.signal)
    np.testing.assert_array_equal(table.iloc[:, 12:].to_numpy().T, leads.confidence)
    pd.testing.assert_frame_equal(table[list(LEAD_NAMES)], leads.to_frame())


def test_gaps_are_null_for_readers_that_know_no_nan(leads, tmp_path):
    write_parquet(leads, tmp_path / "scan.parquet")
    table = pyarrow.parquet.read_table(tmp_path / "scan.parquet")
    assert [table[name].null_count for name in LEAD_NAMES] == np.isnan(leads.signal).sum(axis=1).tolist()
    assert {str(table[name].type) for name in LEAD_NAMES} == {"float"}


def test_units_and_what_is_known_of_the_page(leads, tmp_path):
    write_parquet(leads, tmp_path / "scan.parquet")
    schema = pyarrow.parquet.read_schema(tmp_path / "scan.parquet")
    units = {field.name: field.metadata[b"unit"].decode() for field in schema}
    assert units["time_s"] == "s" and units["aVR"] == "mV" and units["confidence_aVR"] == "1"
    assert json.loads(schema.metadata[b"papertrace"]) == {
        "fs": 500,
        "layout": "3x4+II",
        "verdict": "usable",
        "reasons": ["the gain is assumed"],
        "warnings": ["gain not found on the page: 10 mm/mV assumed"],
        "version": __version__,
    }


def test_leads_beyond_the_twelve(leads_of, back_strip, tmp_path):
    write_parquet(leads_of(np.ones((12, 800)), strips=(back_strip("V7", 100, 300),)), tmp_path / "scan.parquet")
    table = pd.read_parquet(tmp_path / "scan.parquet")
    assert list(table.columns[12:14]) == ["V7", "confidence_I"]
    np.testing.assert_array_equal(table["V7"].dropna(), back_strip("V7", 100, 300).signal)
    assert table["confidence_V7"].eq(np.float32(0.8)).sum() == 300
