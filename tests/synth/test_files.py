from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import wfdb
from PIL import Image

from digitize.layouts import LEAD_NAMES
from synth import render_page
from synth.__main__ import main
from synth.capture import Capture
from synth.files import find_records, read_record, write_page


@pytest.fixture
def record(tmp_path: Path) -> Path:
    time = np.arange(2000) / 500
    signal = np.array([0.3 * np.sin(4 * time + lead) for lead in range(12)])
    wfdb.wrsamp(
        "heart",
        fs=500,
        units=["mV"] * 12,
        sig_name=[name.upper() for name in LEAD_NAMES],
        p_signal=signal.T,
        fmt=["16"] * 12,
        adc_gain=[1000.0] * 12,
        baseline=[0] * 12,
        write_dir=str(tmp_path),
    )
    return tmp_path / "heart"


def test_page_comes_back_from_its_files(record: Path, tmp_path: Path) -> None:
    signal, fs = read_record(record)
    page = render_page(signal, fs, layout="3x4", dpi=100)
    written = write_page(page, tmp_path / "out", "page")
    assert sorted(path.name for path in written) == sorted(path.name for path in (tmp_path / "out").iterdir())
    with Image.open(tmp_path / "out" / "page.png") as picture:
        np.testing.assert_array_equal(np.asarray(picture), page.image)
        assert picture.info["dpi"] == pytest.approx((100, 100), abs=0.1)
    truth = wfdb.rdrecord(str(tmp_path / "out" / "page_truth"))
    assert truth.fs == 500 and truth.sig_name == list(LEAD_NAMES) and truth.units == ["mV"] * 12
    assert set(truth.fmt) == {"16"} and set(truth.adc_gain) == {1000.0}
    np.testing.assert_allclose(truth.p_signal.T, page.signal, atol=6e-4)
    description = json.loads((tmp_path / "out" / "page.json").read_text())
    assert description["layout"] == "3x4"
    np.testing.assert_allclose(description["strips"][4]["polyline"], page.strips[4].polyline, atol=0.01)
    with Image.open(tmp_path / "out" / "page_ink.png") as ink:
        np.testing.assert_array_equal(np.asarray(ink), page.ink)
    with pytest.raises(FileExistsError, match=r"page\.png"):
        write_page(page, tmp_path / "out", "page")
    write_page(page, tmp_path / "out", "page", overwrite=True)


def test_command_prints_pages_and_reports_bad_records(
    record: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    options = ["--out", str(out), "--layout", "6x2", "--dpi", "100", "--jpeg", "80", "--no-header", "--color", "grey"]
    assert main([str(tmp_path / "missing"), str(record), *options]) == 1
    assert "missing" in capsys.readouterr().err
    assert {path.name for path in out.iterdir()} == {
        *("heart.jpg", "heart_ink.png", "heart.json", "heart_truth.hea", "heart_truth.dat")
    }
    with Image.open(out / "heart.jpg") as picture:
        assert picture.mode == "L"
    signal, fs = read_record(record)
    expected = render_page(signal, fs, seed=1, layout="6x2", dpi=100, header=False)
    description = json.loads((out / "heart.json").read_text())
    assert [strip["label"] for strip in description["strips"]] == [strip.label for strip in expected.strips]
    assert main([str(record), *options]) == 1
    assert "exists" in capsys.readouterr().err
    assert main([str(record), *options, "--overwrite"]) == 0


def test_geometry_comes_back_from_its_file(record: Path, tmp_path: Path) -> None:
    signal, fs = read_record(record)
    bent = Capture(tilt=20.0, distance=1.5, curl=10.0, framing=(-0.2, 0.1, 0.1, 0.1))
    page = render_page(signal, fs, layout="3x4", dpi=100, capture=bent)
    write_page(page, tmp_path, "page")
    description = json.loads((tmp_path / "page.json").read_text())
    np.testing.assert_allclose(description["nodes"], page.nodes, atol=0.01)
    lattice = np.array(description["warp"])
    assert lattice.shape == (*(int(np.ceil(extent / 5)) + 1 for extent in page.sheet[::-1]), 2)
    np.testing.assert_allclose(lattice[6, 9], page.warp.to_pixels(np.array([45.0, 30.0])), atol=0.01)
    lost = [point is None for point in description["strips"][0]["polyline"]]
    assert any(lost) and lost == np.isnan(page.strips[0].polyline[:, 0]).tolist()


def test_records_are_found(record: Path) -> None:
    assert find_records(record) == find_records(record.with_suffix(".hea")) == find_records(record.parent) == [record]
    with pytest.raises(FileNotFoundError, match="allowed"):
        find_records(record.parent / "other")


def test_unfit_records_are_refused(tmp_path: Path) -> None:
    for name, lead, unit in (("noise", "em", "mV"), ("unit", "II", "SD")):
        wfdb.wrsamp(
            name,
            fs=500,
            units=[unit],
            sig_name=[lead],
            p_signal=np.linspace(-1, 1, 100)[:, None],
            fmt=["16"],
            write_dir=str(tmp_path),
        )
        with pytest.raises(ValueError, match="allowed"):
            read_record(tmp_path / name)


def test_lead_that_is_missing_is_not_printed(tmp_path: Path) -> None:
    wfdb.wrsamp(
        "two",
        fs=500,
        units=["uV", "uV"],
        sig_name=["V1", "II"],
        p_signal=np.stack([np.linspace(-500, 500, 1000), np.linspace(0, 100, 1000)], axis=1),
        fmt=["16", "16"],
        write_dir=str(tmp_path),
    )
    signal, _ = read_record(tmp_path / "two.hea")
    assert np.isfinite(signal).all(axis=1).nonzero()[0].tolist() == [1, 6]
    assert signal[6, 0] == pytest.approx(-0.5, abs=1e-3)
