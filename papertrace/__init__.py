"""Papertrace in one import: pages to millivolts (`digitize`), and these to statements and measurements (`classify`).

Examples
--------
>>> import papertrace
>>> leads = papertrace.trace_leads("samples/02988_hr.png")
>>> interpretation = papertrace.interpret(leads)
>>> [result.name for result in interpretation.statements if result.present and result.code == "CLBBB"]
['complete left bundle branch block']
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from digitize.version import __version__

if TYPE_CHECKING:
    from classify import Beat, Beats, Explanation, Interpretation, Measurement, Measurements, StatementResult, interpret
    from digitize import Known, Leads, PageError, load_pages, trace_leads
    from digitize.records.results import Strip
    from papertrace.cli.table import read_results

__all__ = [
    "Beat",
    "Beats",
    "Explanation",
    "Interpretation",
    "Known",
    "Leads",
    "Measurement",
    "Measurements",
    "PageError",
    "StatementResult",
    "Strip",
    "__version__",
    "interpret",
    "load_pages",
    "read_results",
    "trace_leads",
]

_MODULES = {
    **dict.fromkeys(("Known", "Leads", "PageError", "load_pages", "trace_leads"), "digitize"),
    "Strip": "digitize.records.results",
    "read_results": "papertrace.cli.table",
    **dict.fromkeys(("Beat", "Beats", "Explanation", "Interpretation", "interpret"), "classify"),
    **dict.fromkeys(("Measurement", "Measurements", "StatementResult"), "classify"),
}
"""Where the names are: they are imported when first asked for (PEP 562), so that the command starts quickly."""


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(_MODULES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
