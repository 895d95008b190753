"""Let other programs draw pages of known recordings.

Each program (`PROGRAMS`) runs in an environment of its own, of which the interpreter is given: nothing of it is
imported here. A file of ``other_programs``, in the repository, is what that interpreter runs; it takes signals and
options, and leaves pages. What a page shows (`truth_of`) was found out by reading the programs, and a test holds it
against the curves that they draw.
"""

from __future__ import annotations

import json
import math
import os
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.signal import butter, lfilter

from digitize.files import written_together
from digitize.records.layouts import LEAD_NAMES, Layout, find_layout, lead_of, sign_of
from papertrace.datasets.pages import FS

_SCRIPTS = Path(__file__).resolve().parents[2] / "other_programs"

_LOW_PASS, _ORDER = 40.0, 2
"""Cutoff (Hz) and order of the filter through which dicom-ecg-plot passes every signal (Butterworth 1930)."""


@dataclass(frozen=True)
class Program:
    """A program that draws pages.

    Attributes
    ----------
    name : str
    distribution, version : str
        The package and its version: another may place leads otherwise.
    script : Path
        File that its interpreter runs.
    """

    name: str
    distribution: str
    version: str
    script: Path

    @property
    def requirement(self) -> str:
        """Name and version as pip takes them."""
        return f"{self.distribution}=={self.version}"


PROGRAMS: dict[str, Program] = {
    program.name: program
    for program in (
        Program("dicom-ecg-plot", "dicom-ecg-plot", "1.4.1", _SCRIPTS / "draw_dicom_ecg_plot.py"),
        Program("ecg-plot", "ecg_plot", "0.3.0", _SCRIPTS / "draw_ecg_plot.py"),
        Program("ecg-plot 0.2", "ecg_plot", "0.2.8", _SCRIPTS / "draw_ecg_plot_0_2.py"),
        Program("pmecg", "pmecg", "0.3.0", _SCRIPTS / "draw_pmecg.py"),
    )
}
"""Programs by name."""


@dataclass(frozen=True)
class Drawing:
    """A page to be drawn.

    Attributes
    ----------
    program : str
        Of `PROGRAMS`.
    look : str
        What is special about it; with the program's name it names the page.
    layout : Layout
        What it shows.
    options : mapping
        For the program's script.
    suffix : str
        Of the page's file.
    seconds : float
        How much of the recording is drawn, from its beginning.
    simultaneous : bool
        Whether every column shows all of it; else each goes on where the one before it ended.
    edges : tuple of float
        Millivolts above the zero of the first row, and below that of the last, at which the page ends.
    """

    program: str
    look: str
    layout: Layout
    options: Mapping[str, Any] = field(default_factory=dict)
    suffix: str = ".png"
    seconds: float = 10.0
    simultaneous: bool = False
    edges: tuple[float, float] = (math.inf, math.inf)

    @property
    def name(self) -> str:
        """Stem of the page's file, and name of the record of its truth."""
        return f"{self.program}-{self.look}".replace(" ", "-").replace(".", "-")


def _dicom_ecg_plot() -> Iterator[Drawing]:
    # From the zero of the last row to the foot of the page, mm.
    below = {"3x4_1": 30.0, "3x4": 40.0, "6x2": 25.0, "12x1": 15.0}

    def drawing(look: str, layout: str, suffix: str = ".png", seconds: float = 10.0, **options: Any) -> Drawing:
        ours = find_layout({"3x4_1": "3x4+II"}.get(layout, layout))
        edges = (math.inf, below[layout] / options.get("mm_mv", 10))
        return Drawing("dicom-ecg-plot", look, ours, {"layout": layout, **options}, suffix, seconds, edges=edges)

    yield drawing("3x4-II", "3x4_1", minor_axis=True)
    yield drawing("3x4-II-5mm-lines", "3x4_1")
    yield drawing("3x4-II-statements-letter", "3x4_1", minor_axis=True, interpretation=True, paper="letter")
    yield drawing("3x4-II-pdf", "3x4_1", ".pdf", minor_axis=True)
    yield drawing("3x4-II-jpg", "3x4_1", ".jpg", minor_axis=True)
    yield drawing("3x4-II-half", "3x4_1", mm_mv=5)
    yield drawing("3x4-II-double-pdf", "3x4_1", ".pdf", minor_axis=True, mm_mv=20)
    yield drawing("3x4-II-50mm-s", "3x4_1", seconds=5.0, minor_axis=True)
    yield drawing("3x4", "3x4", minor_axis=True)
    yield drawing("3x4-5mm-lines-pdf", "3x4", ".pdf")
    yield drawing("6x2", "6x2", minor_axis=True)
    yield drawing("6x2-5mm-lines-pdf", "6x2", ".pdf")
    yield drawing("12x1", "12x1", minor_axis=True)
    yield drawing("12x1-pdf", "12x1", ".pdf", minor_axis=True)
    yield drawing("12x1-half", "12x1", minor_axis=True, mm_mv=5)


def _ecg_plot() -> Iterator[Drawing]:
    def drawing(look: str, shown: Layout | str, suffix: str = ".png", **options: Any) -> Drawing:
        seconds = options.pop("seconds", 10.0)
        together = options.get("time_mode") == "simultaneous"
        found = find_layout(shown) if isinstance(shown, str) else shown
        return Drawing("ecg-plot", look, found, options, suffix, seconds, together)

    standard = {"layout": "12lead", "time_mode": "sequential", "title": "12-lead ECG"}
    in_turn, together = {"time_mode": "sequential"}, {"time_mode": "simultaneous"}
    by_rows = Layout.custom([LEAD_NAMES[row : row + 2] for row in range(0, 12, 2)])
    yield drawing("3x4-II", "3x4+II", rhythm_lead="II", **standard)
    yield drawing("3x4-II-bw", "3x4+II", rhythm_lead="II", style="bw", **standard)
    yield drawing("3x4-II-pdf", "3x4+II", ".pdf", rhythm_lead="II", **standard)
    yield drawing("3x4-V1-jpg", "3x4+V1", ".jpg", rhythm_lead="V1", **standard)
    yield drawing("3x4-II-half", "3x4+II", rhythm_lead="II", gain=5, speed=12.5, **standard)
    yield drawing("3x4-II-180mm-wide", "3x4+II", rhythm_lead="II", width_mm=180, dpi=300, **standard)
    yield drawing("3x4-II-no-grid", "3x4+II", rhythm_lead="II", style={"grid": False}, **standard)
    yield drawing("3x4-simultaneous", "3x4", seconds=2.5, **{**standard, **together})
    yield drawing("1-column", "12x1", columns=1, **in_turn)
    yield drawing("1-column-bw-pdf", "12x1", ".pdf", columns=1, style="bw", **in_turn)
    yield drawing("2-columns", "6x2", columns=2, **together)
    yield drawing("2-columns-bw", "6x2", columns=2, style="bw", **in_turn)
    yield drawing("4-columns", "3x4", columns=4, matplotlib=True, **in_turn)
    yield drawing("4-columns-bw", "3x4", columns=4, style="bw", dpi=100, **in_turn)
    yield drawing("limb-chest", "6x2", layout="limb-chest", seconds=5.0, **together)
    yield drawing("row-major", by_rows, layout="row-major", **in_turn)
    yield drawing("rhythm", "II*2", layout="rhythm", leads=["II"], seconds_per_row=5, dpi=300)


def _ecg_plot_0_2() -> Iterator[Drawing]:
    def drawing(look: str, columns: int, dpi: int, seconds: float, **options: Any) -> Drawing:
        layout = find_layout({1: "12x1", 2: "6x2", 4: "3x4"}[columns])
        options |= {"columns": columns, "dpi": dpi}
        return Drawing("ecg-plot 0.2", look, layout, options, ".png", seconds, True, (1.5, 1.5))

    yield drawing("1-column", 1, 200, 10.0)
    yield drawing("1-column-bw", 1, 100, 10.0, style="bw")
    yield drawing("2-columns", 2, 100, 5.0)
    yield drawing("2-columns-bw", 2, 200, 5.0, style="bw")
    yield drawing("4-columns", 4, 200, 2.5)
    yield drawing("4-columns-bw", 4, 100, 2.5, style="bw")


def _pmecg() -> Iterator[Drawing]:
    def drawing(look: str, shown: Layout | str, template: str, suffix: str = ".png", **options: Any) -> Drawing:
        found = find_layout(shown) if isinstance(shown, str) else shown
        gain, informed = options.get("voltage", 10), options.get("print_information", False)
        half_row = 5 * math.ceil(options.get("row_distance", 3.0) * gain / 5) / 2
        above, below = half_row + 5 + 14 * informed, 5 * math.ceil((half_row + 5 + 8 * informed) / 5)
        return Drawing(
            "pmecg", look, found, {"template": template, **options}, suffix, edges=(above / gain, below / gain)
        )

    two_by_four = [("I", "V3"), ("II", "V4"), ("III", "V5"), ("aVR", "V6")]
    yield drawing("3x4-II", "3x4+II", "4x3+1")
    yield drawing("3x4-II-information", "3x4+II", "4x3+1", print_information=True)
    yield drawing("3x4-II-gray", "3x4+II", "4x3+1", grid_color="gray", line_width=0.8, dpi=200)
    yield drawing("3x4-II-pdf", "3x4+II", "4x3+1", ".pdf", print_information=True)
    yield drawing("3x4-II-half", "3x4+II", "4x3+1", voltage=5, print_information=True)
    yield drawing("3x4-II-50mm-s", "3x4+II", "4x3+1", speed=50, print_information=True, dpi=200)
    yield drawing("3x4-rhythm-25mm-s", "3x4+II", "4x3", speed=50, rhythm=["II"], rhythm_speed=25, dpi=200)
    yield drawing("3x4-three-rhythms", "3x4+II+V1+V5", "4x3+3")
    yield drawing("3x4-plain", "3x4", "4x3", show_calibration=False, show_separators=False, disconnect_segments=False)
    yield drawing("cabrera-3x4-II", "cabrera-3x4+II", "4x3+1", cabrera=True)
    yield drawing("cabrera-6x2-pdf", "cabrera-6x2", "2x6", ".pdf", cabrera=True)
    yield drawing("6x2-II-time-axis", "6x2+II", "2x6+1", show_time_axis=True)
    yield drawing("6x2-double", "6x2", "2x6", voltage=20, row_distance=2.0, print_information=True)
    yield drawing("12x1", "12x1", "1x12", dpi=200)
    yield drawing("limb-6x1", "limb-6x1", "1x6", print_information=True)
    yield drawing("4x2-II", Layout.custom(two_by_four, ["II"]), "2x4+1")


DRAWINGS: dict[str, Drawing] = {
    drawing.name: drawing
    for drawings in (_dicom_ecg_plot(), _ecg_plot(), _ecg_plot_0_2(), _pmecg())
    for drawing in drawings
}
"""Pages to be drawn, by name: layouts and looks that the programs offer."""


def truth_of(drawing: Drawing, signal: NDArray[np.floating]) -> NDArray[np.float64]:
    """Tell what a page shows of a recording.

    Parameters
    ----------
    drawing : Drawing
    signal : ndarray, shape (12, n)
        mV at `papertrace.datasets.pages.FS`: what the program gets.

    Returns
    -------
    ndarray, shape (12, n), float64
        NaN where the page shows nothing. pmecg leaves the last sample of a strip away, unless told to join strips, and
        of what is ordered apart as a rhythm strip.
        dicom-ecg-plot draws the signal through a low-pass filter, and all samples over exactly 250 mm: between the
        first and the last lies as much time as the page's grid says for one sample more.

    Examples
    --------
    >>> truth = truth_of(DRAWINGS["pmecg-cabrera-6x2-pdf"], np.ones((12, 5000)))
    >>> shown = np.flatnonzero(np.isfinite(truth[6]))  # V1, in the second column
    >>> int(shown[0]), int(shown[-1])
    (2500, 4998)
    """
    layout, n = drawing.layout, signal.shape[1]
    if drawing.program == "dicom-ecg-plot":
        signal = lfilter(*butter(_ORDER, _LOW_PASS, fs=FS), signal, axis=1)
    parted = drawing.program == "pmecg" and drawing.options.get("disconnect_segments", True)
    truth = np.full(signal.shape, np.nan)
    for number, row in enumerate(layout.all_rows):
        width = n if drawing.simultaneous else n // len(row)
        lost = int(parted and not ("rhythm" in drawing.options and number >= len(layout.rows)))
        for column, label in enumerate(row):
            begin = 0 if drawing.simultaneous else column * width
            lead, shown = LEAD_NAMES.index(lead_of(label)), slice(begin, begin + width - lost)
            truth[lead, shown] = signal[lead, shown]
    _cut_off(truth, drawing)
    if drawing.program == "dicom-ecg-plot":
        samples = np.arange(n)
        truth = np.array([np.interp(samples * (n - 1) / n, samples, lead) for lead in truth])
    return truth


def _cut_off(truth: NDArray[np.float64], drawing: Drawing) -> None:
    """Take away what lies beyond the upper and the lower edge of the page."""
    above, below = drawing.edges
    for row, side, edge in ((drawing.layout.all_rows[0], 1, above), (drawing.layout.all_rows[-1], -1, below)):
        for label in row:
            shown = truth[LEAD_NAMES.index(lead_of(label))]
            shown[side * sign_of(label) * shown > edge] = np.nan


def find_programs(pythons: Sequence[str]) -> dict[str, str]:
    """Find the programs that some interpreters can run.

    Parameters
    ----------
    pythons : sequence of str
        Interpreters.

    Returns
    -------
    dict
        Of `PROGRAMS`, names with the interpreter that runs each.

    Raises
    ------
    ValueError
        If one is no interpreter, or its environment has none of the programs in the version that is known.

    Examples
    --------
    >>> find_programs(["nowhere/python"])
    Traceback (most recent call last):
    ValueError: nowhere/python: is no Python interpreter that runs
    """
    ask = (
        "from importlib.metadata import distributions as d; print(*(f'{x.name}=={x.version}' for x in d()), sep='\\n')"
    )
    found = {}
    for python in pythons:
        try:
            # Without our own path: what lies there is not the environment's.
            done = subprocess.run([python, "-I", "-c", ask], capture_output=True, text=True, check=True)
        except (OSError, subprocess.CalledProcessError):
            raise ValueError(f"{python}: is no Python interpreter that runs") from None
        installed = {_canonical(line) for line in done.stdout.splitlines()}
        able = [name for name, program in PROGRAMS.items() if _canonical(program.requirement) in installed]
        if not able:
            needed = ", ".join(program.requirement for program in PROGRAMS.values())
            raise ValueError(f"{python}: has none of {needed}")
        found.update(dict.fromkeys(able, python))
    return found


def _canonical(requirement: str) -> str:
    return requirement.lower().replace("_", "-")


def draw(drawings: Sequence[Drawing], signals: Sequence[NDArray[np.floating]], python: str, folder: Path) -> None:
    """Let a program draw pages, and write what each shows beside it.

    Parameters
    ----------
    drawings : sequence of Drawing
        All of one program.
    signals : sequence of ndarray, shape (12, n)
        A recording for each, mV at `papertrace.datasets.pages.FS`; at least as long as the drawing needs.
    python : str
        Interpreter of the program's environment.
    folder : Path
        It is made when missing; gets all pages, each with a WFDB record of its truth, or none.

    Raises
    ------
    RuntimeError
        If the program fails.
    """
    script = PROGRAMS[drawings[0].program].script
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    with written_together(folder) as unfinished, tempfile.TemporaryDirectory() as work:
        orders = []
        for drawing, recorded in zip(drawings, signals, strict=True):
            signal = recorded[:, : round(drawing.seconds * FS)]
            np.save(Path(work) / f"{drawing.name}.npy", signal)
            page = unfinished / f"{drawing.name}{drawing.suffix}"
            orders.append({"signal": f"{drawing.name}.npy", "page": str(page), "options": dict(drawing.options)})
            _write_truth(drawing, truth_of(drawing, signal), unfinished)
        (Path(work) / "orders.json").write_text(json.dumps(orders), encoding="utf-8")
        done = subprocess.run([python, str(script), work], capture_output=True, text=True, env=environment)
        if done.returncode:
            raise RuntimeError(f"{drawings[0].program}, run by {python}, failed:\n{done.stderr.strip()}")


def _write_truth(drawing: Drawing, truth: NDArray[np.float64], folder: Path) -> None:
    """Write the leads that a page shows as a WFDB record."""
    import wfdb

    shown = np.flatnonzero(np.isfinite(truth).any(axis=1))
    names = [LEAD_NAMES[lead] for lead in shown]
    count = len(names)
    wfdb.wrsamp(
        drawing.name, FS, ["mV"] * count, names, truth[shown].T, fmt=["16"] * count, adc_gain=[1000.0] * count,
        baseline=[0] * count, write_dir=str(folder),
    )  # fmt: skip
