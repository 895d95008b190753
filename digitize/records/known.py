"""Options of a caller who knows what the page need not tell."""

from __future__ import annotations

from dataclasses import dataclass

from digitize.records.arguments import number
from digitize.records.layouts import Layout, find_layout
from digitize.records.standards import GAINS_MM_MV, SPEEDS_MM_S


@dataclass(frozen=True)
class Known:
    """Options of `digitize.trace_leads` that say what is on a page; None where the page is to tell.

    Attributes
    ----------
    layout : Layout or None
    speed, gain : float or None
        Paper speed in mm/s and gain in mm/mV.
    """

    layout: Layout | None = None
    speed: float | None = None
    gain: float | None = None

    @classmethod
    def of(cls, layout: str | None, speed: float | None, gain: float | None) -> Known:
        """Check what a caller gives.

        Parameters
        ----------
        layout : str or None
            Name of a layout (`find_layout`).
        speed, gain : float or None
            5 to 200 mm/s and 1 to 100 mm/mV.

        Returns
        -------
        Known

        Raises
        ------
        TypeError
            If one is of another type.
        ValueError
            If the layout is unknown, or a number out of range.

        Examples
        --------
        >>> Known.of("3x4+ii", None, 5).n_rows
        4
        """
        return cls(
            None if layout is None else find_layout(layout),
            None if speed is None else number("speed", speed, SPEEDS_MM_S, "mm/s"),
            None if gain is None else number("gain", gain, GAINS_MM_MV, "mm/mV"),
        )

    @property
    def n_rows(self) -> int | None:
        """Rows that the page has; None where the layout is not known."""
        return None if self.layout is None else self.layout.n_rows
