"""How leads show themselves in a notebook."""

from __future__ import annotations

from html import escape

from digitize.records.results import LeadData
from digitize.render.paper import draw_within, leads_svg

LARGEST = 200_000
"""Characters that a notebook is given for one page."""

VERDICT_COLORS = {"good": "#1a7f37", "usable": "#9a6700", "unreliable": "#cf222e"}
"""White text is read on each of them."""

_MOST_TOLD = 20


def leads_html(leads: LeadData) -> str:
    """Write leads as HTML: verdict, how they were found, warnings, and the traces on ECG paper.

    Parameters
    ----------
    leads : LeadData

    Returns
    -------
    str
        One ``<div>`` that needs nothing from elsewhere, shorter than `LARGEST`: the longer the traces, the more their
        small wiggles are straightened.

    Examples
    --------
    >>> from digitize import trace_leads
    >>> "25 mm/s" in leads_html(trace_leads("samples/00024_hr.png"))
    True
    """
    quality, paper = leads.quality, leads.calibration
    seconds = leads.signal.shape[1] / leads.fs
    facts = [
        leads.layout,
        f"{len(leads.strips)} strips",
        f"{seconds:.3g} s at {leads.fs} Hz",
        f"printed at {paper.speed:g} mm/s ({paper.speed_source}), {paper.gain:g} mm/mV ({paper.gain_source})",
        f"{quality.right:.0%} of the samples expected within 0.1 mV",
    ]
    head = (
        f'<div style="margin:0 0 4px"><b style="background:{VERDICT_COLORS[quality.verdict]};color:#fff;'
        f'border-radius:3px;padding:1px 6px">{quality.verdict}</b> {escape(" · ".join(facts))}</div>'
    )
    told = list(dict.fromkeys((*quality.reasons, *leads.warnings)))
    if len(told) > _MOST_TOLD:
        told = [*told[:_MOST_TOLD], f"and {len(told) - _MOST_TOLD} more"]
    items = "".join(f"<li>{escape(text[:1000])}</li>" for text in told)
    head += f'<ul style="margin:0 0 4px;padding-left:20px">{items}</ul>' if items else ""
    start, end = '<div style="font-family:sans-serif;font-size:13px">', "</div>"
    room = LARGEST - 1 - len(start + head + end)
    drawn = draw_within(room, lambda tolerance: leads_svg(leads, tolerance=tolerance))
    if drawn is None:
        drawn = "<div>The traces are too broken to be drawn here; plot() draws them.</div>"
    return start + head + drawn + end
