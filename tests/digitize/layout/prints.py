"""A page's rows and the names that are printed on it, without a pixel."""

from __future__ import annotations

import numpy as np

from digitize.ocr.text import Word
from digitize.records.layouts import Layout
from digitize.records.page_layout import PageLayout
from digitize.records.symbols import Bar, Symbols
from digitize.records.traces import Traces, TraceState

LEFT, RIGHT, PITCH = 100, 2600, 250
WIDTH, HEIGHT = 2700, 3600
RADIUS = 1.5
LETTER = 26
"""Height of the names in pixels."""


class Print:
    """A page's rows and the names that are printed on it."""

    def __init__(self, layout: Layout, bars: bool = False):
        self.layout = layout
        self.rows = list(layout.all_rows)
        self.baseline = 200.0 + PITCH * np.arange(len(self.rows))
        self.readings: dict[tuple[int, int, int, int], tuple[str, float]] = {}
        self.bars = bars
        for row, leads in enumerate(self.rows):
            for column, lead in enumerate(leads):
                self.say(row, column, lead, 0.95)

    def box(self, row: int, column: int) -> tuple[int, int, int, int]:
        x = round(LEFT + (RIGHT - LEFT) * column / len(self.rows[row])) + 8
        y = round(self.baseline[row]) - 86
        return (x, y, x + 2 * LETTER, y + LETTER)

    def say(self, row: int, column: int, lead: str, probability: float) -> None:
        self.readings[self.box(row, column)] = (lead, probability)

    def hide(self, row: int, column: int) -> None:
        del self.readings[self.box(row, column)]

    def symbols(self) -> Symbols:
        columns = self.layout.columns
        edges = LEFT + (RIGHT - LEFT) * np.arange(1, columns) / columns
        bars = tuple(
            Bar(row, float(x), self.baseline[row] - 35, self.baseline[row] + 35)
            for row, leads in enumerate(self.rows)
            for x in edges
            if self.bars and len(leads) > 1
        )
        return Symbols((), bars, np.zeros((1, 1), bool))

    def traces(self) -> Traces:
        count = len(self.rows)
        center = np.full((count, WIDTH), np.nan, np.float32)
        center[:, LEFT : RIGHT + 1] = self.baseline[:, None]
        # The pen's middle at its ends lies a radius inside the ink.
        start, end = round(LEFT - RADIUS + 0.5), round(RIGHT + RADIUS + 0.5)
        state = np.where(np.isfinite(center), np.uint8(TraceState.SEEN), np.uint8(TraceState.UNKNOWN))
        return Traces(
            center,
            center,
            state,
            np.full(count, start),
            np.full(count, end),
            np.full(count, start + RADIUS - 0.5),
            np.full(count, end - RADIUS - 0.5),
            RADIUS,
            np.stack([center - RADIUS, center + RADIUS]),
        )

    def words(self) -> list[Word]:
        return [Word(box, 2) for box in self.readings]


def names(found: PageLayout) -> list[str]:
    return [place.lead for place in found.places]
