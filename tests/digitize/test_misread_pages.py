"""Pages that were once read wrongly: recordings of PTB-XL's fold 8, as presets print them."""

from __future__ import annotations

import pytest

from digitize import trace_leads
from digitize.leads import Leads
from papertrace.datasets.ptbxl import data_folder, read_500
from papertrace.synth import PrintedPage, render_page


def read(record: int, preset: str) -> tuple[PrintedPage, Leads]:
    """A page of a recording as a preset prints it, by the seed of its number, and what is read of it."""
    path = data_folder() / f"records500/{record // 1000 * 1000:05d}/{record:05d}_hr"
    if not path.with_suffix(".hea").is_file():
        pytest.skip(f"{path}.hea is not there; set PAPERTRACE_DATA")
    page = render_page(read_500(path), 500, preset, seed=record)
    return page, trace_leads(page.image, refine=False)


@pytest.mark.parametrize(
    ("record", "preset"),
    [
        # A row that trembles and has paled, between grid remains.
        (3286, "office_scan"),
        # The last row sinks by more than its distance from the one before.
        (1863, "clean"),
        # Names on their rows, but the last, which stands left of the pulse.
        (5727, "office_scan"),
    ],
)
def test_rows_and_columns_are_those_of_the_page(record, preset):
    page, leads = read(record, preset)
    rows = [sum(strip.row == row for strip in leads.strips) for row in range(20)]
    assert rows == [sum(strip.row == row for strip in page.strips) for row in range(20)]
    assert len(leads.layout.removeprefix("custom-")) == len(page.layout.removeprefix("custom-"))


@pytest.mark.parametrize("record", [2398, 938])
def test_a_page_without_a_grid_at_twice_the_usual_gain(record):
    page, leads = read(record, "clean")
    assert (leads.calibration.gain, leads.calibration.speed) == (page.gain, page.speed) == (20.0, 25.0)
    assert leads.calibration.pixels_per_mm == pytest.approx(page.pixels_per_mm, rel=0.01)
    assert leads.layout == page.layout


def test_crisp_lines_of_a_large_picture_are_a_millimeter_apart():
    """Rounded to its pixels, every second one looked like chance."""
    page, leads = read(1392, "clean")
    assert leads.calibration.pixels_per_mm == pytest.approx(page.pixels_per_mm, rel=0.002)
    assert (leads.calibration.speed, leads.layout) == (page.speed, page.layout)


def test_chest_leads_whose_upper_names_traces_run_through():
    """Three names can be read, so three rows without one are not twelve leads whose names something hid."""
    page, leads = read(20064, "phone_photo")
    assert leads.layout == page.layout == "chest-6x1"
