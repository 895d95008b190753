"""Both parts of tracing at once, as tests want it."""

from __future__ import annotations

import numpy as np

from digitize.tracing.pen_ink import find_pen_ink
from digitize.tracing.trace import trace_ink


def trace_rows(coverage, rows, print_mask=None):
    """Trace every row of a page without names."""
    return trace_ink(find_pen_ink(coverage, rows, print_mask), np.zeros((0, 4)))
