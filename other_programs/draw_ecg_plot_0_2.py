"""Draw pages with ecg_plot 0.2: ``PYTHON draw_ecg_plot_0_2.py FOLDER``, in the program's own environment.

Options: those of its ``plot``; and ``dpi``. Pages are saved as its ``save_as_png`` does.
"""

import matplotlib

matplotlib.use("Agg")

import ecg_plot
from matplotlib import pyplot
from orders import FS, orders

for signal, page, options in orders():
    dpi = options.pop("dpi", 100)
    ecg_plot.plot(signal, FS, **options)
    pyplot.savefig(page, dpi=dpi, bbox_inches="tight")
    pyplot.close()
