"""Pages with truth: prints twelve leads on paper and says exactly where everything went.

>>> import numpy as np
>>> page = render_page(np.zeros((12, 5000)), 500, layout="3x4+II", dpi=100)
>>> page.signal.shape, len(page.strips)
((12, 5000), 13)
"""

from __future__ import annotations

from synth.capture import Capture
from synth.notes import Notes
from synth.presets import PRESETS
from synth.printer import PrintedPage, PrintedStrip, PrintedText, render_page
from synth.simulator import simulate
from synth.style import PageStyle, random_style
from synth.wear import Wear
from synth.windows import StripWindows, stream_pages, stream_windows, strip_windows

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
