"""Draw pages with ecg_plot 0.3: ``PYTHON draw_ecg_plot.py FOLDER``, in the program's own environment.

Options: those of ``ecg_plot.plot``; ``style`` may be a mapping of the fields of ``ecg_plot.Style``. Besides, ``leads``:
names of those to draw; ``dpi`` and ``width_mm`` as ``save`` has them; ``matplotlib``: whether matplotlib draws.
"""

import ecg_plot
from orders import FS, LEAD_NAMES, orders

for signal, page, options in orders():
    leads = options.pop("leads", LEAD_NAMES)
    dpi, width_mm, by_matplotlib = options.pop("dpi", 200), options.pop("width_mm", None), options.pop("matplotlib", 0)
    if isinstance(options.get("style"), dict):
        options["style"] = ecg_plot.Style(**options["style"])
    rows = signal[[LEAD_NAMES.index(lead) for lead in leads]]
    chart = ecg_plot.plot(rows, sample_rate=FS, lead_names=leads, **options)
    if by_matplotlib:
        figure, _ = chart.to_matplotlib(width_mm=width_mm)
        figure.savefig(page, dpi=dpi)
    else:
        chart.save(page, dpi=dpi, width_mm=width_mm)
