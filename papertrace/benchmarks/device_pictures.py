"""Tell on which pictures of real devices' pages each lead stands in its row and column.

The pictures of ``real-pages/devices`` were made by other people: pages of carts, watches and strips on which an early
version failed. Nobody has their signals; their layout was written down by looking at each of them (`BY_EYE`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from digitize.api import trace_leads
from digitize.files import written_together
from digitize.leads import Leads
from digitize.pages.page import load_page
from digitize.records.layouts import find_layout
from digitize.records.page import PageError
from papertrace.benchmarks.processes import run_all
from papertrace.benchmarks.real_pages import names_of, rows_of, text_of
from papertrace.benchmarks.real_prints import TRUSTED, exact
from papertrace.benchmarks.report import Section, Table
from papertrace.datasets.pages import PageFile, find_pages

ANY = "?"
"""Stands for a single strip whose lead the page does not tell."""

BY_EYE = {
    "0055_input.png": "3x4+II",
    "0067_ecg.png": "I aVR V1/II aVL V2/III aVF V3/II",
    "0081_testmannCardiosoft.pdf p1": "limb-6x1",
    "0081_testmannCardiosoft.pdf p2": "chest-6x1",
    "0081_testmannCardiosoft.pdf p3": "V3R/V4R/V7",
    "0302_electrocardiogramaTest.png": "3x4+II",
    "0319_imagenPrueba.png": ANY,
    "0395_sample_ecg.jpg": ANY,
    "0723_test1.jpg": "6x2",
    "0866_ECG_img.png": "I*3",
    "1136_ekg.jpg": "3x4+V1",
    "1247_test_example_1.png": "3x4+II",
    "1285_ecg_collected.jpg": "3x4+II",
    "1288_ecg5.jpeg": "chest-3x1",
    "1293_ecgimg3.jpg": "3x4+II",
    "1300_ecgimg8.png": "3x4+II",
    "abnormal_HB_122.jpg": "3x4+II",
    "abnormal_HB_223.jpg": "3x4+II",
    "covid1_Binder1_Page_011.jpg": "3x4+II",
    "mi_MI__47_.jpg": "6x2+II",
    "normal_Normal_194.jpg": "3x4+II",
}
"""What is seen on each page: a layout, or the leads row by row."""


@dataclass(frozen=True, eq=False)
class Seen:
    """What became of a page whose layout alone is known.

    Attributes
    ----------
    page : PageFile
    by_eye : tuple of tuple of str
        Leads row by row.
    found : tuple of tuple of str
        As read; empty for a page that was not read.
    leads : Leads or None
        None for a page that was not read.
    error : str
        Why not; else empty.
    """

    page: PageFile
    by_eye: tuple[tuple[str, ...], ...]
    found: tuple[tuple[str, ...], ...]
    leads: Leads | None
    error: str

    @property
    def right(self) -> bool:
        """Whether each lead stands in its row and column."""
        one_strip = self.by_eye == ((ANY,),)
        return [len(row) for row in self.found] == [1] if one_strip else self.found == self.by_eye

    @property
    def verdict(self) -> str:
        """What the product says of the page; *not read* where it says nothing."""
        return self.leads.quality.verdict if self.leads else "not read"


def rows_by_eye(text: str) -> tuple[tuple[str, ...], ...]:
    """Read an entry of `BY_EYE`.

    Examples
    --------
    >>> rows_by_eye("I V1/II")
    (('I', 'V1'), ('II',))
    >>> rows_by_eye("limb-3x1")
    (('I',), ('II',), ('III',))
    """
    if "/" in text or text == ANY:
        return tuple(tuple(row.split()) for row in text.split("/"))
    return find_layout(text).all_rows


def look_at(page: PageFile) -> Seen:
    """Digitize a page and compare its leads with what is seen.

    Raises
    ------
    ValueError
        If nobody has written down what the page shows.
    """
    if page.name not in BY_EYE:
        raise ValueError(f"{page.name}: what it shows is not known; known: {', '.join(BY_EYE)}")
    by_eye = rows_by_eye(BY_EYE[page.name])
    try:
        leads = trace_leads(load_page(page.file, page.index))
    except PageError as problem:
        return Seen(page, by_eye, (), None, str(problem))
    return Seen(page, by_eye, names_of(rows_of(leads)), leads, "")


def look_at_all(data: Path, jobs: int) -> list[Seen]:
    """Look at every picture that there is, some at a time.

    Parameters
    ----------
    data : Path
        Folder of the data.
    jobs : int
        Pages at a time.

    Returns
    -------
    list of Seen
    """
    return list(run_all(look_at, find_pages(data, ["devices"]), jobs))


def describe(pages: Sequence[Seen]) -> tuple[Section, dict[str, Any]]:
    """Tell on which pages the layout was right, for people and for machines.

    Parameters
    ----------
    pages : sequence of Seen

    Returns
    -------
    Section, dict
    """
    n = len(pages)
    right = exact(sum(page.right for page in pages), n)
    trusted = exact(sum(page.verdict in TRUSTED and not page.right for page in pages), n)
    about = (
        f"Pictures of ``real-pages/devices``, whose layout alone is known, by eye. Every lead in its row and column on "
        f"{right.value:.0f} of {n} ({right.low:.1f} to {right.high:.1f}); wrong, and called good or usable: "
        f"{trusted.value:.0f} ({trusted.low:.1f} to {trusted.high:.1f})."
    )
    rows = [
        (
            page.page.name,
            "yes" if page.right else "no",
            page.verdict,
            page.leads.layout if page.leads else "",
            "" if page.right else f"{text_of(page.found)} instead of {text_of(page.by_eye)}",
            page.error,
        )
        for page in sorted(pages, key=lambda page: page.right)
    ]
    table = Table(["page", "layout right", "verdict", "layout found", "leads", "error"], rows)
    data = {
        "layout right": right,
        "wrong and trusted": trusted,
        "pages": [
            {"page": page.page.name, "right": page.right, "verdict": page.verdict, "rows": page.found} for page in pages
        ],
    }
    return Section("Pictures whose layout alone is known", [about, table]), data


def write_pictures(pages: Sequence[Seen], folder: Path) -> None:
    """Draw the traces over the pages whose leads are not where they should be.

    Parameters
    ----------
    pages : sequence of Seen
    folder : Path
        It is made when missing; files of the same name are replaced.
    """
    from PIL import Image

    for page in pages:
        if page.leads is not None and not page.right:
            picture = page.leads.overlay(load_page(page.page.file, page.page.index).image)
            with written_together(folder) as unfinished:
                Image.fromarray(picture).save(unfinished / f"layout_{'_'.join(page.page.name.split())}.png")
