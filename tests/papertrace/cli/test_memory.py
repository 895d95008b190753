from __future__ import annotations

import sys

import numpy as np
import pytest
from PIL import Image

from classify import Interpretation
from papertrace.cli.formats import suffixes_of
from papertrace.cli.options import parse
from papertrace.cli.plan import Job
from papertrace.cli.pool import Pool
from tests.measured import MEASURED
from tests.papertrace.cli import stubs

PAGES = 50


@pytest.mark.skipif(sys.platform != "linux", reason="memory is told by /proc")
def test_memory_is_flat_over_many_pages(tmp_path, leads):
    """From the file to the written results; what is between, the tracing, is replaced, for it takes minutes."""
    rng = np.random.default_rng(0)
    noise = [Image.fromarray(rng.integers(0, 256, (300, 400, 3), np.uint8)) for _ in range(2)]
    source = tmp_path / "ward.tiff"
    noise[0].save(source, save_all=True, append_images=noise[1:])
    options = parse([str(source), "--out", str(tmp_path / "out")])

    interpretation = Interpretation((), MEASURED, "0123456789ab", ())

    def tasks():
        for number in range(PAGES):
            name = f"page-{number}"
            outputs = tuple(name + suffix for suffix in suffixes_of(options.formats, options.html))
            yield (Job(str(source), number % 2, name, name, (name, "1"), outputs), options), leads, interpretation

    with Pool(1, 120.0) as pool:
        resident = [answer for _, answer in pool.map(stubs.resident_after, tasks())]
    assert all(isinstance(value, float) for value in resident), resident
    assert len(list((tmp_path / "out").iterdir())) == PAGES * (len(suffixes_of(options.formats, options.html)) - 1), (
        "no beats"
    )
    assert np.median(resident[-10:]) - np.median(resident[10:20]) < 8, "MiB"
