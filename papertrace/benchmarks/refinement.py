"""Tell what the network adds to the deterministic stage, condition by condition.

``python -m papertrace.benchmarks refinement [--results DIR]``.

Sets ``digitization.json`` against ``digitization-unrefined.json``, page by page and lead by lead, and writes
``refinement.md``; nothing is digitized again. `papertrace.benchmarks.presets` does the same for the printer's pages.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from papertrace.benchmarks.options import RESULTS, parser_for
from papertrace.benchmarks.report import Report, Section, Table
from papertrace.metrics.scores import Interval, bootstrap

REACH = 0.5
"""Decibels by which no page may be worse with the network."""

REFINED, UNREFINED = "digitization.json", "digitization-unrefined.json"


@dataclass(frozen=True)
class Page:
    """One page, read with and without the network.

    Attributes
    ----------
    condition, name : str
    before, after : tuple of float
        Aligned ratio of every lead that the truth has, dB: of the deterministic stage alone, and refined.
    """

    condition: str
    name: str
    before: tuple[float, ...]
    after: tuple[float, ...]

    @property
    def change(self) -> float:
        """Gain of the page's mean by the network, dB."""
        return float(np.mean(self.after) - np.mean(self.before))


def pair(refined: dict[str, Any], unrefined: dict[str, Any]) -> list[Page]:
    """Put the same pages of two reports together.

    Parameters
    ----------
    refined, unrefined : dict
        See `papertrace.benchmarks.digitization.report`.

    Returns
    -------
    list of Page
        In their order.

    Raises
    ------
    ValueError
        If they are not of the same pages and leads.
    """
    leads = [
        {
            (page["condition"], page["page"]): {
                lead: ratio for lead, ratio in page["aligned_by_lead"].items() if ratio is not None
            }
            for page in figures["pages"]
        }
        for figures in (refined, unrefined)
    ]
    after, before = leads
    for place in sorted(after.keys() | before.keys()):
        if after.get(place, {}).keys() != before.get(place, {}).keys():
            raise ValueError(f"{'/'.join(place)}: {REFINED} and {UNREFINED} are not of the same leads; make both again")
    return [
        Page(condition, name, tuple(before[condition, name].values()), tuple(ratios.values()))
        for (condition, name), ratios in after.items()
    ]


def worst_tenth(leads: Sequence[float]) -> float:
    """Mean of the lowest tenth, of one at least.

    Examples
    --------
    >>> worst_tenth([9.0, 2.0, 4.0] + [20.0] * 17)
    3.0
    """
    return float(np.sort(leads)[: max(1, len(leads) // 10)].mean())


def summary(pages: Sequence[Page]) -> list[Interval]:
    """Average over pages, with and without the network and what it adds; intervals over pages, paired.

    Parameters
    ----------
    pages : sequence of Page

    Returns
    -------
    list of Interval
        Mean over leads, then pages: before, after, the change; worst tenth of the leads: before, after, the change.
    """

    def measure(chosen: NDArray[np.int64]) -> NDArray[np.float64]:
        drawn = [pages[k] for k in chosen]
        mean = [np.mean([np.mean(getattr(page, name)) for page in drawn]) for name in ("before", "after")]
        tenth = [worst_tenth([lead for page in drawn for lead in getattr(page, name)]) for name in ("before", "after")]
        return np.array([*mean, mean[1] - mean[0], *tenth, tenth[1] - tenth[0]])

    return bootstrap(measure, len(pages))


def report(pages: Sequence[Page], refined: dict[str, Any], unrefined: dict[str, Any]) -> Report:
    """Describe what the network adds.

    Parameters
    ----------
    pages : sequence of Page
    refined, unrefined : dict
        The two reports that they are from.

    Returns
    -------
    Report
    """
    conditions = dict.fromkeys(page.condition for page in pages)
    rows = [_row(condition, [page for page in pages if page.condition == condition]) for condition in conditions]
    if len(conditions) > 1:
        rows.append(_row("all", pages))
    header = [
        *("condition", "pages", "deterministic", "refined", "refinement adds"),
        *("worst tenth, deterministic", "worst tenth, refined", "refinement adds to it"),
        *("worst change of a page", f"worse by {REACH} dB"),
    ]
    made_from = "; ".join(
        f"`{file}` of {made['made_with']['date']}, commit {made['made_with']['commit'] or 'unknown'}"
        for file, made in ((REFINED, refined), (UNREFINED, unrefined))
    )
    return Report(
        "refinement", "Refinement", [Section("", [_MEASURES, Table(header, rows), f"Made from {made_from}."])]
    )


_MEASURES = (
    "Aligned signal-to-noise ratios in dB of the deterministic stage alone and with the network that corrects its "
    "traces, mean over leads, then pages; then the mean of the worst tenth of the leads (of a page's twelve; a "
    "condition of four pages has 48, and four are its worst tenth). What refinement adds is paired, page by page. "
    "95 % bootstrap intervals over pages in brackets: of four pages they are narrower than they should be. The "
    f"last columns hold the network to never making a page more than {REACH} dB worse."
)


def _row(name: str, pages: Sequence[Page]) -> list[object]:
    worst = min(pages, key=lambda page: page.change)
    figures = [f"{figure.value:.2f} ({figure.low:.2f} to {figure.high:.2f})" for figure in summary(pages)]
    lost = sum(page.change < -REACH for page in pages)
    return [name, len(pages), *figures, f"{worst.change:+.2f}, {Path(worst.name).stem}", lost]


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command.

    Parameters
    ----------
    arguments : sequence of str, optional
        By default those of the command line.
    """
    parser = parser_for("refinement", __doc__, out=False)
    parser.add_argument(
        "--results",
        type=Path,
        default=RESULTS,
        help=f"folder of {REFINED} and {UNREFINED}, and for the report (default: %(default)s)",
    )
    chosen = parser.parse_args(arguments)
    try:
        refined, unrefined = (
            json.loads((chosen.results / name).read_text(encoding="utf-8")) for name in (REFINED, UNREFINED)
        )
        pages = pair(refined, unrefined)
    except (OSError, ValueError) as error:
        parser.error(str(error))
    report(pages, refined, unrefined).write(chosen.results)
