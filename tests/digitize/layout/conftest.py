from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

import digitize.layout.page_layout
from digitize.layout.page_layout import read_layout
from digitize.ocr.text import LeadReadings
from digitize.records.layouts import ALL_NAMES, Layout, lead_of, sign_of
from digitize.records.page_layout import PageLayout
from digitize.records.symbols import Symbols
from tests.digitize.layout.prints import HEIGHT, WIDTH, Print


@pytest.fixture
def read(monkeypatch) -> Callable[..., PageLayout]:
    """Read a print: every box says what the print says at that place, and nothing elsewhere."""

    def run(page: Print, given: Layout | None = None, symbols: Symbols | None = None) -> PageLayout:
        def readings(coverage, boxes) -> LeadReadings:
            logs = np.log(np.full((len(boxes), len(ALL_NAMES) + 1), 1e-4))
            negated = np.zeros(len(boxes), bool)
            logs[:, -1] = 0
            for index, box in enumerate(np.asarray(boxes)):
                middle = ((box[0] + box[2]) / 2, (box[1] + box[3]) / 2)
                for (x0, y0, x1, y1), (lead, probability) in page.readings.items():
                    if x0 <= middle[0] <= x1 and y0 <= middle[1] <= y1:
                        share = np.full(len(ALL_NAMES) + 1, (1 - probability) / len(ALL_NAMES))
                        share[ALL_NAMES.index(lead_of(lead))] = probability
                        logs[index], negated[index] = np.log(share), sign_of(lead) < 0
            return LeadReadings(logs, negated)

        monkeypatch.setattr(digitize.layout.page_layout, "read_lead_names", readings)
        nothing = np.zeros((HEIGHT, WIDTH), np.float32)
        return read_layout(
            nothing, nothing, page.traces(), page.baseline, symbols or page.symbols(), page.words(), given
        )

    return run
