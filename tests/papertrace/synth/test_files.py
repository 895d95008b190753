from __future__ import annotations

import json
import re
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest
import wfdb
from PIL import Image

from digitize.records.layouts import LEAD_NAMES
from papertrace.synth import Notes, PageStyle, Wear, render_page
from papertrace.synth.__main__ import main
from papertrace.synth.capture import Capture
from papertrace.synth.files import find_records, read_record, write_page
from papertrace.synth.presets import preset_style


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
    options = ["--out", str(out), "--layout", "6x2", "--dpi", "100", "--jpeg", "80", "--no-header", "--color", "gray"]
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


def test_command_prints_presets_with_nested_knobs(record: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    options = ["--preset", "stained", "--seed", "4", "--dpi", "72", "--jpeg", "none", "--wear-stains", "2"]
    options += ["--capture-white-balance", "1", "0.9", "0.8", "--notes-words", "1", "--capture-noise", "0"]
    assert main([str(record.parent), "--out", str(out), "--pages", "2", *options]) == 0
    assert {path.name for path in out.glob("*.png")} == {f"heart-{n}{end}.png" for n in (1, 2) for end in ("", "_ink")}
    signal, fs = read_record(record)
    style = preset_style("stained", 5)
    style = replace(
        style,
        dpi=72.0,
        jpeg=None,
        wear=replace(style.wear, stains=2),
        notes=replace(style.notes, words=1),
        capture=replace(style.capture, white_balance=(1.0, 0.9, 0.8), noise=0.0),
    )
    with Image.open(out / "heart-2.png") as picture:
        np.testing.assert_array_equal(np.asarray(picture.convert("RGB")), render_page(signal, fs, style, seed=5).image)


def test_jobs_print_the_same_bytes(record: Path, tmp_path: Path) -> None:
    options = [str(record), "--pages", "2", "--preset", "faxed", "--dpi", "72", "--layout", "3x4"]
    for jobs in ("1", "2"):
        assert main([*options, "--out", str(tmp_path / jobs), "--jobs", jobs]) == 0
    names = sorted(path.name for path in (tmp_path / "1").iterdir())
    assert {"heart-1.json", "heart-2.json"} < set(names)
    assert names == sorted(path.name for path in (tmp_path / "2").iterdir())
    for name in names:
        assert (tmp_path / "1" / name).read_bytes() == (tmp_path / "2" / name).read_bytes()


def test_command_simulates_where_no_recording_is_at_hand(tmp_path: Path) -> None:
    options = ["--simulate", "2", "--layout", "3x4", "--dpi", "72", "--seed", "3"]
    assert main([*options, "--out", str(tmp_path)]) == 0
    assert {path.name for path in tmp_path.glob("*.hea")} == {"simulated-4_truth.hea", "simulated-5_truth.hea"}
    signals = [wfdb.rdrecord(str(tmp_path / f"simulated-{number}_truth")).p_signal for number in (4, 5)]
    assert all(np.ptp(signal[np.isfinite(signal)]) > 0.5 for signal in signals)
    assert not np.array_equal(*signals, equal_nan=True)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ([], "nothing to print; allowed: records, folders of records, or --simulate N"),
        (["--simulate", "0"], "allowed: whole numbers from 1"),
        (["--simulate", "1", "--seed", "-1"], "allowed: whole numbers from 0"),
        (["--simulate", "1", "--preset", "dirty"], "invalid choice: 'dirty'"),
        (["--simulate", "1", "--wear-crumple", "3"], "crumple is 3.0; allowed: 0 to 1"),
        (["--simulate", "1", "--grid", "beige"], "grid is 'beige'; allowed: red"),
        (["--simulate", "1", "--capture-fax", "email"], "fax is 'email'; allowed: none, standard, fine"),
    ],
)
def test_wrong_options_are_explained(
    options: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stop:
        main([*options, "--out", str(tmp_path / "out")])
    assert stop.value.code == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_help_explains_every_knob(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--help"])
    shown = capsys.readouterr().out
    for prefix, kind in (("", PageStyle), ("notes-", Notes), ("wear-", Wear), ("capture-", Capture)):
        for knob in fields(kind):
            if knob.name in ("notes", "wear", "capture"):
                continue
            option = f"--{prefix}{knob.name.replace('_', '-')}"
            entry = re.search(rf"^  {option}[ ,](.*?)\(default:", shown, re.MULTILINE | re.DOTALL)
            # The option's name and values, and then at least two words about it.
            assert entry and len(re.findall(r"[a-z]{2,}", entry[1])) >= 2, option


def test_interruption_has_its_own_exit_code(record: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("papertrace.synth.__main__.read_record", interrupt)
    assert main([str(record), "--out", str(tmp_path / "out")]) == 130
