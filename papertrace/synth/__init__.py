"""Pages with truth: prints twelve leads on paper and says exactly where everything went.

>>> import numpy as np
>>> page = render_page(np.zeros((12, 5000)), 500, layout="3x4+II", dpi=100)
>>> page.signal.shape, len(page.strips)
((12, 5000), 13)
"""

from __future__ import annotations

from papertrace.synth.capture import Capture
from papertrace.synth.notes import Notes
from papertrace.synth.presets import PRESETS
from papertrace.synth.printer import PrintedPage, PrintedStrip, PrintedText, render_page
from papertrace.synth.simulator import simulate
from papertrace.synth.style import PageStyle, random_style
from papertrace.synth.wear import Wear
from papertrace.synth.windows import StripWindows, stream_pages, stream_windows, strip_windows

__all__ = [
    "PRESETS",
    "Capture",
    "Notes",
    "PageStyle",
    "PrintedPage",
    "PrintedStrip",
    "PrintedText",
    "StripWindows",
    "Wear",
    "random_style",
    "render_page",
    "simulate",
    "stream_pages",
    "stream_windows",
    "strip_windows",
]
