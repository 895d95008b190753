from __future__ import annotations

import json

import pytest

from papertrace.benchmarks.options import RESULTS
from papertrace.benchmarks.refinement import REFINED, UNREFINED, Page, main, pair, report, summary

MADE_WITH = {"date": "today", "commit": "abc"}


def figures_of(pages: dict[tuple[str, str], dict[str, float | None]]) -> dict:
    return {
        "made_with": MADE_WITH,
        "pages": [
            {"condition": condition, "page": page, "aligned_by_lead": leads}
            for (condition, page), leads in pages.items()
        ],
    }


BEFORE = figures_of(
    {
        ("easy", "a.png"): {"I": 10.0, "II": 20.0, "V1": None},
        ("easy", "b.png"): {"I": 30.0, "II": 30.0, "V1": 30.0},
        ("hard", "c.png"): {"I": 6.0, "II": 4.0, "V1": 2.0},
    }
)
AFTER = figures_of(
    {
        ("hard", "c.png"): {"I": 9.0, "II": 9.0, "V1": 9.0},
        ("easy", "a.png"): {"I": 12.0, "II": 22.0, "V1": None},
        ("easy", "b.png"): {"I": 30.0, "II": 28.0, "V1": 29.0},
    }
)


def rows(text: str) -> list[list[str]]:
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line[:1] == "|"][2:]


def test_pages_are_paired_by_name():
    pages = pair(AFTER, BEFORE)
    assert [(page.name, page.change) for page in pages] == [("c.png", 5.0), ("a.png", 2.0), ("b.png", -1.0)]
    assert pages[1] == Page("easy", "a.png", (10.0, 20.0), (12.0, 22.0))


def test_figures_are_means_over_leads_then_pages_and_the_worst_tenth_of_leads():
    figures = summary(pair(AFTER, BEFORE)[1:])
    assert [figure.value for figure in figures] == pytest.approx([22.5, 23.0, 0.5, 10.0, 12.0, 2.0])
    assert all(figure.low <= figure.value <= figure.high for figure in figures)
    many = Page("easy", "d.png", tuple(range(20)), tuple(range(20, 40)))
    assert [figure.value for figure in summary([many])[3:]] == [0.5, 20.5, 20.0]


def test_pages_that_lose_are_counted():
    table = rows(report(pair(AFTER, BEFORE), AFTER, BEFORE).markdown())
    assert [row[0] for row in table] == ["hard", "easy", "all"]
    assert [row[-2:] for row in table] == [["+5.00, c", "0"], ["-1.00, b", "1"], ["-1.00, b", "1"]]


def test_reports_of_other_pages_are_refused(tmp_path, capsys):
    for name, told in ((REFINED, {**AFTER, "pages": AFTER["pages"][:2]}), (UNREFINED, BEFORE)):
        (tmp_path / name).write_text(json.dumps(told))
    with pytest.raises(SystemExit):
        main(["--results", str(tmp_path)])
    assert "easy/b.png: digitization.json and digitization-unrefined.json are not of the same leads" in " ".join(
        capsys.readouterr().err.split()
    )


def test_the_report_is_that_of_the_committed_figures():
    refined, unrefined = (json.loads((RESULTS / name).read_text(encoding="utf-8")) for name in (REFINED, UNREFINED))
    told = (RESULTS / "refinement.md").read_text(encoding="utf-8")
    assert told == report(pair(refined, unrefined), refined, unrefined).markdown(), (
        "run: python -m papertrace.benchmarks refinement"
    )
