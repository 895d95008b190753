from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from digitize.export import write_csv
from digitize.records.layouts import LEAD_NAMES


def names_in(folder: Path) -> list[str]:
    return sorted(file.name for file in folder.iterdir())


def test_csv_round_trip(leads, tmp_path):
    assert write_csv(leads, tmp_path / "scan.csv") == tmp_path / "scan.csv"
    assert names_in(tmp_path) == ["scan.csv"]
    lines = (tmp_path / "scan.csv").read_text().splitlines()
    assert lines[0] == "time_s,I,II,III,aVR,aVL,aVF,V1,V2,V3,V4,V5,V6"
    assert lines[101].startswith("0.2,,")
    table = pd.read_csv(tmp_path / "scan.csv", index_col="time_s")
    np.testing.assert_allclose(table.to_numpy().T, leads.signal, atol=1e-6)
    np.testing.assert_allclose(table.index, np.arange(5000) / 500, atol=1e-9)


def test_frame(leads):
    frame = leads.to_frame()
    assert list(frame.columns) == list(LEAD_NAMES)
    assert frame.index.name == "time_s"
    np.testing.assert_array_equal(frame["V6"], leads.signal[11])
    frame.loc[:, "I"] = 0
    assert leads.signal[0].any(), "the frame is a copy"
