"""Pages to millivolts: digitize paper electrocardiograms from scans, photographs and PDF files.

Examples
--------
>>> from digitize import trace_leads
>>> leads = trace_leads("samples/00024_hr.png")
>>> leads.names[:3], leads.fs
(('I', 'II', 'III'), 500)
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from digitize.leads import Leads
from digitize.records.layouts import LEAD_NAMES

if TYPE_CHECKING:
    from digitize.api import trace_leads
    from digitize.pages.page import load_pages
    from digitize.records.known import Known
    from digitize.records.page import PageError

__all__ = ["LEAD_NAMES", "Known", "Leads", "PageError", "load_pages", "trace_leads"]

_MODULES = {
    "trace_leads": "digitize.api",
    "Known": "digitize.records.known",
    "PageError": "digitize.records.page",
    "load_pages": "digitize.pages.page",
}
"""Where the names are that need OpenCV, SciPy or Pillow: they are imported when first asked for (PEP 562), for
`classify` and `papertrace.synth` need `digitize.leads` alone."""


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(_MODULES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
