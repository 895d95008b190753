from __future__ import annotations

import pytest

from papertrace.benchmarks import readme
from papertrace.benchmarks.readme import PAGES, RESULTS, fill

RESULT = """# Figures

| figure | all | cut |
| --- | --- | --- |
| AUROC | 0.9 | 0.8 |
| F1 | 0.7 | 0.6 |

| other |
| --- |
| 1 |
"""


@pytest.fixture
def results(tmp_path):
    (tmp_path / "a.md").write_text(RESULT)
    return tmp_path


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_page_has_the_figures_that_the_benchmarks_wrote(page):
    text = page.read_text(encoding="utf-8")
    assert text.count("<!-- table") >= 1
    assert text.count("<!-- table") == text.count("<!-- end -->")
    assert fill(text, RESULTS) == text, "run: python -m papertrace.benchmarks readme"


def test_columns_and_rows_are_chosen(results):
    text = fill("a\n<!-- table 1 of a.md: figure | cut; rows: F -->\nold\n<!-- end -->\nb", results)
    assert text.splitlines()[2:-2] == ["| figure | cut |", "| --- | --- |", "| F1 | 0.6 |"]
    assert fill(text, results) == text
    assert "| 1 |" in fill("<!-- table 2 of a.md: other -->\n<!-- end -->", results)


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ("table 3 of a.md: other", "has 2 tables"),
        ("table 1 of a.md: dB", "no column 'dB'; it has: figure, all, cut"),
        ("table 1 of a.md: figure; rows: G", "no row begins with 'G'"),
    ],
)
def test_what_is_not_there_is_named(results, asked, message):
    with pytest.raises(ValueError, match=message):
        fill(f"<!-- {asked} -->\n<!-- end -->", results)


def test_the_command_fills_the_pages(results, monkeypatch, capsys):
    page = results / "page.md"
    page.write_text("<!-- table 2 of a.md: other -->\n<!-- end -->\n")
    monkeypatch.setattr(readme, "PAGES", (page,))
    monkeypatch.setattr(readme, "RESULTS", results)
    readme.main([])
    assert "| 1 |" in page.read_text()
    (results / "a.md").unlink()
    with pytest.raises(SystemExit):
        readme.main([])
    assert "a.md" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        readme.main(["--pages", "3"])
    assert "unrecognized arguments: --pages 3" in capsys.readouterr().err
