from __future__ import annotations

import numpy as np
import pytest
import wfdb

from papertrace.datasets.mitbih import DS1, DS2, data_folder, load_mitbih

needs_data = pytest.mark.skipif(not (data_folder() / "101.atr").is_file(), reason="MIT-BIH is not there")


def write(folder, name, symbols, samples, fs=360):
    signal = np.random.default_rng(0).normal(size=(2000, 2))
    wfdb.wrsamp(name, fs, ["mV", "mV"], ["MLII", "V1"], p_signal=signal, fmt=["212"] * 2, write_dir=str(folder))
    wfdb.wrann(name, "atr", np.array(samples), symbol=symbols, write_dir=str(folder))
    return signal


def test_sets_are_those_of_de_chazal():
    assert len(DS1) == len(set(DS1)) == len(DS2) == len(set(DS2)) == 22
    assert not set(DS1) & set(DS2)
    assert not {"102", "104", "107", "217"} & {*DS1, *DS2}, "paced"


def test_beats_and_flutter_are_told_from_other_notes(tmp_path):
    symbols = ["+", "N", "L", "e", "A", "V", "E", "[", "!", "]", "F", "Q", "~", "/", "["]
    samples = [10, 100, 200, 300, 400, 500, 600, 650, 700, 750, 800, 900, 950, 1000, 1800]
    signal = write(tmp_path, "101", symbols, samples)
    (record,) = load_mitbih(tmp_path)
    assert (record.name, record.leads, record.fs) == ("101", ("MLII", "V1"), 360)
    assert record.signal.shape == (2, 2000) and record.signal.dtype == np.float32
    np.testing.assert_allclose(record.signal, signal.T, atol=0.01)
    assert "".join(record.classes) == "NNNSVVFQQ"
    assert record.samples.tolist() == [100, 200, 300, 400, 500, 600, 800, 900, 1000]
    assert record.flutter.tolist() == [[650, 750], [1800, 2000]], "the last one lasts to the end"


def test_records_of_the_other_set_are_not_read(tmp_path):
    write(tmp_path, "100", ["N"], [100])
    with pytest.raises(FileNotFoundError, match="none of the records 101, 106"):
        load_mitbih(tmp_path)
    write(tmp_path, "230", ["N"], [100])
    write(tmp_path, "106", ["N"], [100])
    (tmp_path / "106.atr").unlink()
    assert [record.name for record in load_mitbih(tmp_path)] == ["230"]


@needs_data
def test_the_real_ones():
    record = load_mitbih(data_folder(), ("114",))[0]
    assert record.leads == ("V5", "MLII") and record.fs == 360 and record.signal.shape == (2, 650000)
    assert {name: int((record.classes == name).sum()) for name in "NSVFQ"} == {
        "N": 1820, "S": 12, "V": 43, "F": 4, "Q": 0,
    }  # fmt: skip
