from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from papertrace.synth.contact_sheet import contact_sheet, main, write_jpeg


def test_every_page_has_a_tile_and_a_caption() -> None:
    signals = [(np.zeros((12, 500)), 250.0)]
    sheet = contact_sheet(signals, ["clean", "faxed", "clean"], seed=2, tile=(300, 200))
    assert sheet.shape == (490, 640, 3)
    for left, top in ((10, 10), (320, 10), (10, 250)):
        assert sheet[top : top + 200, left : left + 300].min() < 200
        assert sheet[top + 200 : top + 230, left + 100 : left + 200].min() < 100
    assert (sheet[250:, 320:] == 255).all()
    alone = contact_sheet(signals, ["clean"], seed=2, tile=(300, 200))
    np.testing.assert_array_equal(sheet[:240, :310], alone[:240, :310])


@pytest.mark.parametrize(("signals", "presets"), [([], ["clean"]), ([(np.zeros((12, 500)), 250.0)], [])])
def test_an_empty_sheet_is_refused(signals: list[tuple[np.ndarray, float]], presets: list[str]) -> None:
    with pytest.raises(ValueError, match="allowed: at least one of each"):
        contact_sheet(signals, presets)


def test_files_are_as_small_as_asked(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (100, 100, 3), np.uint8)
    path = tmp_path / "new" / "noise.jpg"
    assert write_jpeg(noise, path, 9000) == path.stat().st_size <= 9000
    with Image.open(path) as picture:
        assert picture.size == (100, 100)
    with pytest.raises(ValueError, match="allowed: a smaller picture"):
        write_jpeg(noise, tmp_path / "none.jpg", 100)
    assert [entry.name for entry in tmp_path.iterdir()] == ["new"]


def test_command_names_what_it_lacks(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(tmp_path / "sheet.jpg"), str(tmp_path / "missing")]) == 1
    assert "no WFDB record" in capsys.readouterr().err
