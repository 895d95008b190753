from __future__ import annotations

from dataclasses import replace

import pytest

from papertrace.datasets import recordings
from papertrace.datasets.ptbxl import find_500, load_ptbxl
from papertrace.datasets.recordings import DATASETS, dataset_of, find_recordings, load_records


def test_a_folder_tells_its_data_set(folder):
    assert dataset_of(folder).name == "PTB-XL"
    assert load_records(folder, (1, 8)).ids.tolist() == load_ptbxl(folder, (1, 8)).ids.tolist()
    assert find_recordings(folder, (1,)) == find_500(folder, (1,))


def test_a_folder_without_a_data_set_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no data set there; allowed: a folder with ptbxl_database.csv \(PTB"):
        load_records(tmp_path, (1,))


def test_another_data_set_is_one_entry(folder, tmp_path, monkeypatch):
    """Its folder is known by its table, and its own functions read it."""
    (tmp_path / "ward.csv").touch()
    ward = replace(DATASETS[0], name="ward", table="ward.csv", load=lambda _, folds: load_ptbxl(folder, folds))
    monkeypatch.setattr(recordings, "DATASETS", (*DATASETS, ward))
    assert len(load_records(tmp_path, (1,))) == 1 and dataset_of(folder).name == "PTB-XL"
