"""Pages with truth: prints twelve leads on paper and says exactly where everything went.

>>> import numpy as np
>>> page = render_page(np.zeros((12, 5000)), 500, layout="3x4+II", dpi=100)
>>> page.signal.shape, len(page.strips)
((12, 5000), 13)
"""

from __future__ import annotations

from synth.printer import PrintedPage, PrintedStrip, PrintedText, render_page
from synth.style import PageStyle, random_style

__all__ = ["PageStyle", "PrintedPage", "PrintedStrip", "PrintedText", "random_style", "render_page"]
