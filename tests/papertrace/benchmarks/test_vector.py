"""Pages that are read off their paths are scored as other pages are."""

from __future__ import annotations

import json

import numpy as np
import pytest
import wfdb

from digitize.records.layouts import LEAD_NAMES
from papertrace.benchmarks import vector
from papertrace.synth import simulate
from tests.digitize.vector import drawn


@pytest.fixture
def data(tmp_path):
    """Two pages of another program: one is drawn from the fifth sample on, as its kind has it, one has no names."""
    folder = tmp_path / "vector-pages"
    folder.mkdir()
    signal = simulate(10, 500)
    for name, options in (("named", {}), ("unnamed", {"names": False})):
        sheet = drawn.sheet_of(np.roll(signal, -4, axis=1), **options)
        (folder / f"{name}.pdf").write_bytes(drawn.by_reportlab(sheet))
        wfdb.wrsamp(
            f"{name}_hr", 500, ["mV"] * 12, list(LEAD_NAMES), signal.T, fmt=["16"] * 12, adc_gain=[10_000.0] * 12,
            baseline=[0] * 12, write_dir=str(folder),
        )  # fmt: skip
    return tmp_path


def test_pages_are_scored(data, tmp_path, capsys):
    vector.main(["--data", str(data), "--out", str(tmp_path / "out")])
    named, unnamed = json.loads((tmp_path / "out" / "vector.json").read_text(encoding="utf-8"))["pages"]
    assert (named["page"], named["layout right"], named["right"], named["verdict"]) == (
        "named.pdf",
        "yes",
        "yes",
        "good",
    )
    assert float(named["aligned, dB"]) > 40 and float(named["reached, dB"]) > 40 and named["clock, ms"] == "0"
    assert (unnamed["layout"], unnamed["right"]) == ("not read", "no")
    assert "named.pdf" in capsys.readouterr().out


def test_where_there_is_no_page_it_says_so(tmp_path, capsys):
    with pytest.raises(SystemExit):
        vector.main(["--data", str(tmp_path)])
    assert "has none of device-pdf, vector-pages" in capsys.readouterr().err
