"""Show an interpretation in a notebook: as HTML and as a figure."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, NamedTuple

from classify.records.interpretation import InterpretationData, StatementResult
from classify.records.measurements import as_values
from classify.wording import in_a_line, in_words

if TYPE_CHECKING:
    from matplotlib.figure import Figure


PRESENT_COLOR = "#0969da"
ABSENT_COLOR = "#9aa4b0"

_BAR = "display:inline-block;position:relative;width:160px;height:10px;background:#e6e9ed;vertical-align:middle"
_CELL = ' style="text-align:left;padding:1px 10px 1px 0;border:0"'
# As wide in both tables, so that their bars stand one below the other.
_NAME = _CELL.replace("border:0", "border:0;width:360px")


def interpretation_html(interpretation: InterpretationData) -> str:
    """Write an interpretation as HTML: warnings, measurements, statements with their probabilities as bars.

    Parameters
    ----------
    interpretation : InterpretationData

    Returns
    -------
    str
        One ``<div>`` that needs nothing from elsewhere. What is present stands above the rest, which folds away; a mark
        on each bar is the threshold.
    """
    present, rest = ordered(interpretation)
    none = (
        "No statement reaches its threshold."
        if interpretation.statements
        else f"No statements: {interpretation.fallback}."
    )
    body = _table(present) if present else f'<div style="margin:4px 0">{escape(none)}</div>'
    if rest:
        excluded = " or excluded by another" if any(likely.result.excluded_by for likely in rest) else ""
        body += f"<details><summary>{len(rest)} below their thresholds{excluded}</summary>{_table(rest)}</details>"
    body += _not_assessable(interpretation)
    warnings = "".join(f"<li>{escape(text)}</li>" for text in interpretation.warnings)
    weights = f"Weights {escape(interpretation.weights_version)}. " if interpretation.weights_version else ""
    listed = f'<ul style="margin:4px 0;padding-left:20px">{warnings}</ul>' if warnings else ""
    return (
        '<div style="font-family:sans-serif;font-size:13px">'
        f"{_measured(interpretation)}<div>{escape(interpretation.beats.summary())}</div>{listed}{body}"
        f'<div style="opacity:.7;margin-top:4px">{weights}Not a medical device.</div>'
        "</div>"
    )


def plot_interpretation(interpretation: InterpretationData) -> Figure:
    """Plot the statements' probabilities as bars.

    Parameters
    ----------
    interpretation : InterpretationData

    Returns
    -------
    matplotlib.figure.Figure
        What is present at the top, the likeliest first; a tick on each bar is its threshold. The figure belongs to no
        pyplot window.
    """
    from digitize.render.figure import ShownFigure

    bars = [likely for group in ordered(interpretation) for likely in group]
    figure = ShownFigure(figsize=(7, 0.9 + 0.2 * len(bars)), layout="constrained")
    axes = figure.add_subplot(xlim=(0, 1), ylim=(len(bars) - 0.4, -0.6), xlabel="probability")
    colors = [PRESENT_COLOR if likely.result.present else ABSENT_COLOR for likely in bars]
    places = range(len(bars))
    axes.barh(places, [likely.probability for likely in bars], color=colors, height=0.7)
    axes.vlines(
        [likely.result.threshold for likely in bars],
        [place - 0.42 for place in places],
        [place + 0.42 for place in places],
        color="black",
        linewidth=1,
    )
    axes.set_yticks(places, [likely.result.name for likely in bars], fontsize=8)
    figure.suptitle(in_a_line(as_values(interpretation.measurements)), fontsize=9)
    return figure


class Likely(NamedTuple):
    """A statement that the page allows, and its probability."""

    result: StatementResult
    probability: float


def ordered(interpretation: InterpretationData) -> tuple[list[Likely], list[Likely]]:
    """Part statements into present ones and others, the likeliest first; without those that cannot be assessed."""
    assessed = [
        Likely(result, result.probability) for result in interpretation.statements if result.probability is not None
    ]
    assessed.sort(key=lambda likely: -likely.probability)
    present = [likely for likely in assessed if likely.result.present]
    return present, [likely for likely in assessed if not likely.result.present]


def _not_assessable(interpretation: InterpretationData) -> str:
    unknown = [found for found in interpretation.statements if found.reason]
    if not unknown:
        return ""
    rows = "".join(
        f"<tr><td{_NAME}>{escape(found.name)}</td><td{_CELL}>{escape(str(found.reason))}</td></tr>" for found in unknown
    )
    return (
        f"<details><summary>{len(unknown)} not assessable on this page</summary>"
        f'<table style="border-collapse:collapse;margin:4px 0;font-size:13px">{rows}</table></details>'
    )


def _measured(interpretation: InterpretationData) -> str:
    rows = "".join(
        f"<div><b>{escape(line.name)}</b> {escape(line.value)}"
        + (f' <span style="opacity:.7">({escape(line.remark)})</span>' if line.remark else "")
        + "</div>"
        for line in in_words(as_values(interpretation.measurements))
    )
    return f'<div style="margin:4px 0">{rows}</div>'


def _table(statements: list[Likely]) -> str:
    rows = "".join(
        f"<tr><td{_NAME}>{escape(likely.result.name)}</td><td{_CELL}>{_bar(likely)}</td>"
        f"<td{_CELL}>{likely.probability:.0%}</td></tr>"
        for likely in statements
    )
    return f'<table style="border-collapse:collapse;margin:4px 0;font-size:13px">{rows}</table>'


def _bar(likely: Likely) -> str:
    found = likely.result
    color = PRESENT_COLOR if found.present else ABSENT_COLOR
    excluded = f", excluded by {escape(found.excluded_by)}" if found.excluded_by else ""
    return (
        f'<span style="{_BAR}" title="{escape(found.code)}: threshold {found.threshold:.0%}{excluded}">'
        f'<span style="position:absolute;left:0;top:0;height:10px;width:{100 * likely.probability:.1f}%;'
        f'background:{color}"></span>'
        f'<span style="position:absolute;left:{100 * found.threshold:.1f}%;top:-2px;height:14px;width:2px;'
        'background:#24292f"></span></span>'
    )
