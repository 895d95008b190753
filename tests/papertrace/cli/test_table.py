from __future__ import annotations

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import papertrace
from papertrace.cli.lock import FolderError
from papertrace.cli.manifest import NAME, Row
from papertrace.cli.options import parse
from papertrace.cli.table import COLUMNS, line_of, read_results, sampled, tabulate, worst_first, write_table
from tests.papertrace.cli.runs import read_row, report_of, ward, write_run


@pytest.fixture
def run(tmp_path):
    return ward(tmp_path / "out", axis=-30.0)


def test_a_row_a_page_with_what_the_reports_say(run):
    table = papertrace.read_results(run)
    assert tuple(table.columns) == COLUMNS and len(table) == 4
    assert table["name"].tolist() == ["a", "b", "deep/c", None]
    assert table["status"].tolist() == ["read", "read", "read", "failed"]
    assert table["probability"].tolist()[:3] == [0.4, 0.2, 0.9] and pd.isna(table["probability"][3])
    assert table["page"].tolist() == [1, 2, 1, 1]
    assert table.loc[2, ["heart_rate", "axis", "AFIB", "NORM"]].tolist() == [80.0, -30.0, 0.7, 0.1]
    assert table.loc[2, ["beats", "beats_N", "beats_V"]].tolist() == [3, 2, 1]
    assert table.loc[0, ["present", "reasons", "warnings", "version", "weights"]].tolist() == [
        *("AFIB", "dim", "w1; w2", "9.9", "classify:abc")
    ]
    assert table.loc[0, ["report", "html"]].tolist() == ["a.json", None]
    assert table.loc[3, "error"] == "d.png: no electrocardiogram found"


def test_the_columns_have_their_types_even_without_a_page(tmp_path, run):
    empty = tabulate([], {})
    assert (empty.dtypes == read_results(run).dtypes).all()


def test_a_report_that_is_gone_or_damaged_leaves_what_the_manifest_says(run):
    (run / "a.json").unlink()
    (run / "b.json").write_text("[1")
    (run / "deep" / "c.json").write_text('{"format": "another/1"}')
    table = read_results(run)
    assert table["verdict"].tolist()[:3] == ["usable", "unreliable", "good"]
    assert table["heart_rate"].isna().all()


def test_both_files_say_the_same(run):
    pytest.importorskip("pyarrow")
    table = read_results(run)
    assert [path.name for path in write_table(table, run)] == ["results.csv", "results.parquet"]
    pd.testing.assert_frame_equal(pd.read_parquet(run / "results.parquet"), table, check_dtype=False)
    written = pd.read_csv(run / "results.csv")
    assert written["heart_rate"].tolist()[:3] == [62.0, 150.0, 80.0] and written["axis"][2] == -30.0
    write_table(table, run)  # its own files it replaces


def test_no_cell_is_a_formula_and_odd_names_come_through(tmp_path):
    file = "=1+1\udcff\n.png"
    table = tabulate([line_of(Row(file, "1", "failed", error="-x"), None)], {})
    write_table(table, tmp_path)
    cells = pd.read_csv(tmp_path / "results.csv").loc[0, ["file", "error"]].tolist()
    assert cells == ["'=1+1\\udcff\\n.png", "'-x"]
    assert (tmp_path / "results.csv").read_text().count("\n") == 2


@pytest.mark.parametrize("name", ["results.csv", "results.parquet"])
def test_files_of_other_people_stay(run, name):
    (run / name).write_text("patient,verdict\n")
    with pytest.raises(FolderError, match=f"{name}: not a table of this program"):
        write_table(read_results(run), run)
    assert (run / name).read_text() == "patient,verdict\n"


def test_a_folder_without_results(tmp_path):
    with pytest.raises(FileNotFoundError, match=NAME):
        read_results(tmp_path)
    (tmp_path / NAME).write_text("x,y\n")
    with pytest.raises(FolderError, match="not a manifest"):
        read_results(tmp_path)


def test_a_list_is_joined_by_file_and_page(run, tmp_path):
    list_ = tmp_path / "list.csv"
    list_.write_text("patient;file;page;date\nP1;scans/a.png;;2020-01-02\nP2;ward.pdf;1;\nP3;ward.pdf;2;\nP4;x.png;;\n")
    table = read_results(run, join=list_)
    assert table["patient"].tolist() == ["P1", "P3", None, None]
    assert table["date"].tolist() == ["2020-01-02", None, None, None]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("patient\n1\n", "its columns are patient; needed: file"),
        ("file,verdict\na.png,x\n", "'verdict' is a column of the table; rename it"),
        ("file,p,p\na.png,1,2\n", "two columns have one name"),
        ("file,p\na.png,1\nscans/a.png,2\n", "line 3: 'scans/a.png' is in line 2, too"),
        ("file,p\nz.png,1\n", "no line names a page's file; line 2 has 'z.png'"),
        ("", "its columns are none; needed: file"),
    ],
)
def test_lists_that_cannot_be_joined(run, tmp_path, text, problem):
    (tmp_path / "list.csv").write_text(text)
    with pytest.raises(ValueError, match=problem):
        read_results(run, join=tmp_path / "list.csv")


def test_a_line_that_fits_two_files(tmp_path):
    reports = {"a": report_of(), "deep/a": report_of()}
    rows = [read_row("x/a.png", "a", reports["a"]), read_row("y/a.png", "deep/a", reports["deep/a"])]
    run = write_run(tmp_path / "out", rows, reports)
    (tmp_path / "list.csv").write_text("file,p\na.png,1\n")
    with pytest.raises(ValueError, match=r"'a.png' may be x/a.png or y/a.png; allowed: enough of the path"):
        read_results(run, join=tmp_path / "list.csv")
    (tmp_path / "list.csv").write_text("file,p\ny\\a.png,1\n")  # as Windows writes it
    assert read_results(run, join=tmp_path / "list.csv")["p"].tolist() == [None, "1"]


def test_the_command_refuses_a_bad_list_before_any_work(tmp_path, capsys):
    (tmp_path / "list.csv").write_text("patient\n1\n")
    for options in (["--join", str(tmp_path / "list.csv")], ["--join", str(tmp_path / "none.csv")], ["--sample", "0"]):
        with pytest.raises(SystemExit) as ended:
            parse(["a.png", *options])
        assert ended.value.code == 2
    (tmp_path / "list.csv").write_text("file\na.png\n")
    with pytest.raises(SystemExit):
        parse(["a.png", "--deidentify", "--join", str(tmp_path / "list.csv")])
    assert "--deidentify takes names away" in capsys.readouterr().err


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 30), st.integers(1, 40))
def test_a_sample_has_its_size_and_no_failed_page(pages, count):
    rows = [read_row(f"{number}.png", f"{number}", report_of()) for number in range(pages)]
    rows.append(Row("z.png", "1", "failed"))
    table = tabulate([line_of(row, None) for row in rows], {})
    marks = sampled(table, count)
    assert marks.sum() == min(count, pages) and not marks.iloc[-1]
    # A page more takes the place of one, at most.
    fewer = tabulate([line_of(row, None) for row in rows[1:]], {})
    old = set(fewer["file"][sampled(fewer, count)])
    assert len(old - set(table["file"][marks])) <= 1


def test_the_worst_stand_first(run):
    assert worst_first(read_results(run))["name"].tolist() == [None, "b", "a", "deep/c"]
