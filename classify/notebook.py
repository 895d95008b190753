"""How a reading shows itself in a notebook: as HTML and as a figure."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from classify.diagnose import Diagnosis, Finding
    from classify.rhythm import Rhythm

PRESENT_COLOUR = "#0969da"
ABSENT_COLOUR = "#9aa4b0"

_BAR = "display:inline-block;position:relative;width:160px;height:10px;background:#e6e9ed;vertical-align:middle"
_CELL = ' style="text-align:left;padding:1px 10px 1px 0;border:0"'
# As wide in both tables, so that their bars stand one below the other.
_NAME = _CELL.replace("border:0", "border:0;width:360px")


def diagnosis_html(diagnosis: Diagnosis) -> str:
    """Write a reading as HTML: warnings, measurements, statements with their probabilities as bars.

    Parameters
    ----------
    diagnosis : Diagnosis

    Returns
    -------
    str
        One ``<div>`` that needs nothing from elsewhere. What is present stands above the rest, which folds away; a mark
        on each bar is the threshold.
    """
    present, rest = ordered(diagnosis)
    body = _table(present) if present else '<div style="margin:4px 0">No statement reaches its threshold.</div>'
    if rest:
        body += f"<details><summary>{len(rest)} below their thresholds</summary>{_table(rest)}</details>"
    warnings = "".join(f"<li>{escape(text)}</li>" for text in diagnosis.warnings)
    told = f'<ul style="margin:4px 0;padding-left:20px">{warnings}</ul>' if warnings else ""
    return (
        '<div style="font-family:sans-serif;font-size:13px">'
        f"<div>{escape(measurements(diagnosis.rhythm))}</div><div>{escape(diagnosis.beats.summary())}</div>{told}{body}"
        f'<div style="opacity:.7;margin-top:4px">Weights {escape(diagnosis.weights_version)}. '
        "Not a medical device.</div>"
        "</div>"
    )


def plot_diagnosis(diagnosis: Diagnosis) -> Figure:
    """Plot the statements' probabilities as bars.

    Parameters
    ----------
    diagnosis : Diagnosis

    Returns
    -------
    matplotlib.figure.Figure
        What is present at the top, the likeliest first; a tick on each bar is its threshold. The figure belongs to no
        pyplot window.
    """
    from matplotlib.figure import Figure

    present, rest = ordered(diagnosis)
    findings = [*present, *rest]
    figure = Figure(figsize=(7, 0.9 + 0.2 * len(findings)), layout="constrained")
    axes = figure.add_subplot(xlim=(0, 1), ylim=(len(findings) - 0.4, -0.6), xlabel="probability")
    colours = [PRESENT_COLOUR if found.present else ABSENT_COLOUR for found in findings]
    places = range(len(findings))
    axes.barh(places, [found.probability for found in findings], color=colours, height=0.7)
    axes.vlines(
        [found.threshold for found in findings],
        [place - 0.42 for place in places],
        [place + 0.42 for place in places],
        color="black",
        linewidth=1,
    )
    axes.set_yticks(places, [found.name for found in findings], fontsize=8)
    figure.suptitle(measurements(diagnosis.rhythm), fontsize=9)
    return figure


def ordered(diagnosis: Diagnosis) -> tuple[list[Finding], list[Finding]]:
    """Statements that are present and those that are not, the likeliest first."""
    likely = sorted(diagnosis.statements, key=lambda found: -found.probability)
    return [found for found in likely if found.present], [found for found in likely if not found.present]


def measurements(rhythm: Rhythm) -> str:
    """Put what was measured into a line.

    Examples
    --------
    >>> from classify.rhythm import Rhythm
    >>> measurements(Rhythm(71.8, 0.034, 12, "II"))
    'Heart rate 72/min, 12 beats in lead II, RR intervals vary by 3 %'
    >>> measurements(Rhythm(None, None, 0, None, "no strip was traced"))
    'No heart rate: no strip was traced'
    """
    if rhythm.heart_rate is None:
        return f"No heart rate: {rhythm.reason}"
    parts = [f"Heart rate {rhythm.heart_rate:.0f}/min", f"{rhythm.beats} beats in lead {rhythm.lead}"]
    if rhythm.rr_variation is not None:
        parts.append(f"RR intervals vary by {100 * rhythm.rr_variation:.0f} %")
    return ", ".join(parts)


def _table(findings: list[Finding]) -> str:
    rows = "".join(
        f"<tr><td{_NAME}>{escape(found.name)}</td><td{_CELL}>{_bar(found)}</td>"
        f"<td{_CELL}>{found.probability:.0%}</td></tr>"
        for found in findings
    )
    return f'<table style="border-collapse:collapse;margin:4px 0;font-size:13px">{rows}</table>'


def _bar(found: Finding) -> str:
    colour = PRESENT_COLOUR if found.present else ABSENT_COLOUR
    return (
        f'<span style="{_BAR}" title="{escape(found.code)}: threshold {found.threshold:.0%}">'
        f'<span style="position:absolute;left:0;top:0;height:10px;width:{100 * found.probability:.1f}%;'
        f'background:{colour}"></span>'
        f'<span style="position:absolute;left:{100 * found.threshold:.1f}%;top:-2px;height:14px;width:2px;'
        'background:#24292f"></span></span>'
    )
