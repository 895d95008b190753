"""What users are told, in words: commands that work as printed, and no word of a medical device."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest

from digitize.export import find_formats, formats
from papertrace.cli.app import main

ROOT = Path(__file__).parent.parent
DOCUMENTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "SECURITY.md", *sorted((ROOT / "docs").glob("*.md"))]
DOCUMENTS += [ROOT / "samples" / "README.md"]
SOURCES = [path for folder in ("classify", "command", "digitize", "synth") for path in (ROOT / folder).rglob("*.py")]
NOTEBOOK = ROOT / "samples" / "quickstart.ipynb"
WORD = re.compile(r"diagnos(e|ed|es|ing|is)\b", re.IGNORECASE)


@pytest.mark.parametrize("path", [*DOCUMENTS, *SOURCES, NOTEBOOK], ids=lambda path: path.name)
def test_install_lines_need_no_index_that_has_the_package(path):
    text = path.read_text(encoding="utf-8")
    assert "papertrace[" not in text
    assert not re.search(r"pip install (-e )?['\"]?papertrace\b", text)


def test_a_missing_library_is_told_with_a_line_that_works(monkeypatch):
    monkeypatch.setattr(formats, "find_spec", lambda name: None)
    with pytest.raises(ImportError, match=r"edf needs edfio: pip install '\.\[formats\]' in papertrace's folder"):
        find_formats(["edf"])


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_documents_make_no_claim_of_a_physician(path):
    assert not WORD.search(path.read_text(encoding="utf-8"))


def test_nor_does_the_notebook():
    cells = json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]
    assert not WORD.search("".join("".join(cell["source"]) for cell in cells))


def test_nor_does_the_command(capsys):
    with pytest.raises(SystemExit):
        main(["--help"])
    assert not WORD.search(capsys.readouterr().out)


def test_links_and_pictures_of_the_documents_are_there():
    for path in DOCUMENTS:
        for target in re.findall(r"\]\(([^)#:]+)\)", path.read_text(encoding="utf-8")):
            assert (path.parent / target).exists(), f"{path.name}: {target}"


def test_a_shell_can_read_what_the_readme_prints():
    for block in re.findall(r"```sh\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL):
        subprocess.run(["sh", "-n"], input=block, text=True, check=True)
