"""Real pages, whose layout was written down by looking at them: names and strips must be those that are printed."""

from __future__ import annotations

from dataclasses import replace

import pytest

from digitize.records.layouts import find_layout
from papertrace.benchmarks.real_pages import examine_all, find_faults, main, read_table
from papertrace.datasets.ptbxl import data_folder

FOLDER = data_folder().parent / "real-pages" / "without-truth"
LEAST = 23
"""Pages of 26 on which every lead name and strip is right."""

needs_pages = pytest.mark.skipif(not FOLDER.is_dir(), reason=f"no real pages in {FOLDER}")


def test_the_table_is_whole():
    pages = read_table()
    assert len({page.page for page in pages}) == 26
    for page in pages:
        layout = find_layout(page.layout)
        assert page.rows == layout.all_rows
        assert len(page.levels) == len(page.rows)
        assert len(page.borders) == len(page.rows[0]) + 1
        assert list(page.borders) == sorted(page.borders)
        assert list(page.levels) == sorted(page.levels)


def test_faults_name_what_is_wrong(leads):
    page = replace(
        read_table()[0],
        borders=tuple((30 + 250 * column) / 1100 for column in range(5)),
        levels=tuple(120.0 * (row + 1) / 600 for row in range(4)),
    )
    assert find_faults(page, leads) == []
    one, two, *others = leads.strips
    swapped = replace(leads, strips=(replace(one, lead=two.lead), replace(two, lead=one.lead), *others))
    assert find_faults(page, swapped) == [
        "strips aVR I V1 V4 / II aVL V2 V5 / III aVF V3 V6 / II instead of "
        "I aVR V1 V4 / II aVL V2 V5 / III aVF V3 V6 / II"
    ]
    moved = replace(page, borders=(0.1, *page.borders[1:]), levels=(*page.levels[:3], 0.95))
    assert [fault.split(" at ")[0] for fault in find_faults(moved, leads)] == ["border", "row 4"]
    other = replace(page, columns="simultaneous", turned=180, speed=50.0, gain=10.0)
    assert find_faults(other, leads) == [
        "columns are not simultaneous",
        "turned by 0 degrees instead of 180",
        "speed 25 instead of 50",
    ]


@needs_pages
def test_names_and_strips_of_real_pages_are_right():
    outcomes = examine_all(read_table(), FOLDER, jobs=2)
    wrong = [f"{outcome.page.page}: {'; '.join(outcome.faults)}" for outcome in outcomes if outcome.faults]
    assert len(outcomes) - len(wrong) >= LEAST, "\n".join(wrong)


@needs_pages
def test_the_command_writes_a_table(tmp_path, capsys):
    main(["ecg00053.png", "--out", str(tmp_path)])
    text = (tmp_path / "real_pages.md").read_text()
    assert "right on 1 of 1 pages" in text
    assert "| ecg00053.png | 3x4+V1+II+V5 | right |" in text
    assert capsys.readouterr().out.strip() == text.strip()


def test_an_unknown_page_is_an_error(capsys):
    with pytest.raises(SystemExit):
        main(["ecg99999.png"])
    assert "unknown page 'ecg99999.png'; allowed: ecg00001.png" in capsys.readouterr().err
