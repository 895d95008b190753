"""Draw pages with pmecg: ``PYTHON draw_pmecg.py FOLDER``, in the program's own environment.

pmecg is under the GPL: it runs in an environment of its own, which nothing of Papertrace shares, and Papertrace imports
neither it nor this file.

Options: those of ``pmecg.ECGPlotter``. Besides, ``template``: as `pmecg.template_factory` has it; ``cabrera``: whether
the limb leads stand in Cabrera's order; ``rhythm``: names of the leads of rhythm strips, and ``rhythm_speed``: theirs;
``dpi``.
"""

import matplotlib

matplotlib.use("Agg")

import pmecg
from matplotlib import pyplot
from orders import FS, LEAD_NAMES, orders

INFORMATION = pmecg.ECGInformation(
    "Example Hospital", "Ada Example", 60, "Female", "2020-01-02", "Recorder 12", "0.05-150 Hz"
)
STATS = pmecg.ECGStats(bpm=72, pr_interval_ms=160, qrs_duration_ms=92, qt_interval_ms=388, qtc_interval_ms=420)

for signal, page, options in orders():
    template, cabrera, dpi = options.pop("template"), options.pop("cabrera", False), options.pop("dpi", 300)
    rhythm, speed = options.pop("rhythm", []), options.pop("rhythm_speed", None)
    data = (signal.T, LEAD_NAMES)
    strips = None
    if rhythm:
        strips = pmecg.RhythmStripsConfig((signal[[LEAD_NAMES.index(lead) for lead in rhythm]].T, rhythm), speed)
    if cabrera:
        data, rows = pmecg.cabrera_factory(template, data)
    else:
        rows = pmecg.template_factory(template, data, None)
    figure = pmecg.ECGPlotter(**options).plot(
        data, rows, FS, show=False, information=INFORMATION, stats=STATS, rhythm_strips=strips
    )
    figure.savefig(page, dpi=dpi, bbox_inches="tight")
    pyplot.close(figure)
