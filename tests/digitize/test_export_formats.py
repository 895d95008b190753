from __future__ import annotations

import builtins
import re
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from digitize import export
from digitize.export import FORMATS, channels_of, find_formats, find_gaps
from digitize.records.layouts import ALL_NAMES, LEAD_NAMES

OPTIONAL = ("edfio", "pydicom", "pyarrow", "xarray")


@pytest.fixture
def nothing_installed(monkeypatch):
    """Make the libraries of the extra as good as not installed."""

    def refuse(name, *args, **kwargs):
        if name.split(".")[0] in OPTIONAL:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name.split(".")[0])
        return find(name, *args, **kwargs)

    find = builtins.__import__
    for module in [module for module in sys.modules if module.split(".")[0] in OPTIONAL]:
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.setattr(builtins, "__import__", refuse)
    monkeypatch.setattr(export.formats, "find_spec", lambda name: None)


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_writes_what_it_says(leads, tmp_path, name):
    before = leads.signal.copy()
    files = FORMATS[name].write(leads, tmp_path / "new", "scan")
    assert sorted(files) == sorted((tmp_path / "new").iterdir())
    assert [file.name for file in files] == ["scan" + suffix for suffix in FORMATS[name].suffixes]
    assert all(file.stat().st_size > 100 for file in files)
    np.testing.assert_array_equal(leads.signal, before)
    assert sorted(FORMATS[name].write(leads, tmp_path / "new", "scan")) == sorted((tmp_path / "new").iterdir())


def test_names_and_suffixes_are_distinct():
    suffixes = [suffix for form in FORMATS.values() for suffix in form.suffixes]
    assert len(set(suffixes)) == len(suffixes)


def test_each_format_is_a_module_with_a_test():
    folder = Path(export.__file__).parent
    writing = {file.stem for file in folder.glob("*.py") if "\ndef write_" in file.read_text(encoding="utf-8")}
    assert {form.writer.__module__ for form in FORMATS.values()} == {f"digitize.export.{name}" for name in writing}
    for name in writing:
        assert Path(__file__).with_name(f"test_export_{name}.py").exists()


def test_formats_are_found_once_and_in_order():
    assert [form.name for form in find_formats(["csv", "edf", "csv"])] == ["csv", "edf"]
    with pytest.raises(ValueError, match=r"unknown format 'pdf'; allowed: wfdb, csv, "):
        find_formats(["csv", "pdf"])


def test_a_missing_library_is_named_with_its_extra(leads, tmp_path, nothing_installed):
    for name, form in FORMATS.items():
        if form.library is None:
            assert find_formats([name]) == (form,)
            form.write(leads, tmp_path, "scan")
            continue
        with pytest.raises(ImportError, match=rf"{form.library}: pip install '\.\[formats\]'"):
            form.write(leads, tmp_path, "other")
        with pytest.raises(ImportError, match=rf"^{name} needs {form.library}: pip install '\.\[formats\]'"):
            find_formats([name])
    with pytest.raises(ImportError, match="to_xarray needs xarray"):
        leads.to_xarray()
    assert {file.name.split(".")[0] for file in tmp_path.iterdir()} == {"scan"}


def test_channels(leads, back_strip):
    plain = channels_of(leads)
    assert plain.names == LEAD_NAMES and plain.fs == 500
    np.testing.assert_array_equal(plain.signal, leads.signal)
    plain.signal[:] = 0
    assert leads.signal[0].any(), "channels are copies"
    strips = tuple(back_strip(name, 4800, 400) for name in ALL_NAMES[::-1] if name not in LEAD_NAMES)
    more = channels_of(replace(leads, strips=(*leads.strips, *strips, back_strip("V3R", 0, 700))))
    assert more.names == ALL_NAMES
    assert more.signal.shape == more.confidence.shape == (21, 5000), "what runs beyond the record is cut"
    assert np.isfinite(more.signal[12]).sum() == 200
    assert np.isfinite(more.signal[ALL_NAMES.index("V3R")]).sum() == 700, "the longer of two strips"


def test_only_what_is_shown():
    nothing = np.full((2, 3), np.nan, np.float32)
    nothing[1, 2] = 1
    shown = export.Channels(("I", "II"), nothing, np.zeros((2, 3), np.float32), 500).shown()
    assert shown.names == ("II",) and shown.signal.shape == shown.confidence.shape == (1, 3)


@pytest.mark.parametrize(
    ("signal", "gaps"),
    [([], []), ([1, 2], []), ([np.nan], [[0, 1]]), ([np.nan, 1, np.nan, np.nan, 2], [[0, 1], [2, 4]])],
)
def test_gaps(signal, gaps):
    assert find_gaps(np.array(signal, np.float32)).tolist() == gaps


def test_xarray(leads):
    data = leads.to_xarray()
    assert data.signal.dims == data.confidence.dims == ("lead", "time")
    np.testing.assert_array_equal(data.signal, leads.signal)
    np.testing.assert_array_equal(data.confidence, leads.confidence)
    assert (data.signal.attrs["units"], data.time.attrs["units"]) == ("mV", "s")
    assert data.attrs["verdict"] == "usable" and data.attrs["warnings"] == list(leads.warnings)
    assert data.signal.sel(lead="V4", time=8.0).item() == leads.signal[9, 4000]
    assert data.sizes == {"lead": 12, "time": 5000}


@pytest.mark.parametrize("name", FORMATS)
def test_leads_write_themselves_in_every_format(leads, tmp_path, name):
    first = "scan" + FORMATS[name].suffixes[0]
    assert getattr(leads, f"to_{name}")(str(tmp_path / first)) == tmp_path / first
    assert {file.name for file in tmp_path.iterdir()} == {"scan" + suffix for suffix in FORMATS[name].suffixes}


def test_a_lead_is_taken_by_its_name(leads, leads_of, back_strip):
    signal = leads["V6"]
    np.testing.assert_array_equal(signal, leads.signal[11])
    signal[:] = 0
    assert leads.signal[11].any(), "it is a copy"
    more = leads_of(np.zeros((12, 1000), np.float32), strips=(back_strip("V8", 250, 500),))
    assert np.isfinite(more["V8"]).sum() == 500
    for wrong in ("v6", "V8", 0):
        with pytest.raises(KeyError, match=f"no lead {wrong!r}; allowed: I, II, III"):
            leads[wrong]


def test_leads_tell_themselves_in_a_line(leads):
    assert re.fullmatch(r"<Leads [^\n]{20,90}; usable>", repr(leads))
