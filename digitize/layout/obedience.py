"""Hold a whole layout against the law of the limb leads: what the traces themselves say about where columns begin.

A row that is taken for one long strip of lead I, though its strips are I, aVR, V1 and V4, breaks the law that binds I,
II and III in three of its four parts, and columns taken for others than they are break it all over. Names that a trace
runs through can be misread; the law cannot, as far as the traces are right.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from digitize.layout.einthoven import LIMB_LEADS, check_limb_leads
from digitize.records.layouts import lead_of, sign_of

_MARGIN = 0.05
"""Part of a column at either end that is left out: names, borders and the pen's lifting stand there."""
_USUAL, _STEEP = 0.15, 2.0
"""Share of the leads' power that breaks the law for which neither side is more likely, and nats for each factor of e
away from it. On most pages of fold 8 right columns leave 0.03 or less."""
_MOST = 3.5
"""Most that a part of a column of three leads speaks for a layout, nats; more leads obey less easily by chance."""
_MOST_AGAINST = 3.0
"""Most that all of them speak against one: where one is traced wrongly, others are."""
_PARTS = 4
"""Parts of a row that are looked at by themselves: six rows that obey in their first half only are two columns."""


def obedience(
    center: NDArray[np.floating], rows: Sequence[Sequence[str]], skipped: int, first: float, pitch: float
) -> float:
    """Weigh a layout by the law of the limb leads.

    Parameters
    ----------
    center : ndarray, shape (rows, w)
        The pen's center in pixels (y), NaN where it is hidden.
    rows : sequence of sequence of str
        Leads of the rows, a minus before inverted ones; rows of fewer leads than the others are rhythm strips.
    skipped : int
        Rows of the page above the first of these.
    first, pitch : float
        Where the first column begins (x), and how far apart columns are.

    Returns
    -------
    float
        Nats; 0 where no column holds three limb leads.

    Examples
    --------
    >>> t = np.arange(1200) / 100
    >>> one, three = np.sin(9 * t) ** 9, np.cos(5 * t) ** 5
    >>> page = -np.array([one, one + three, three])
    >>> obedience(page, [["I"], ["II"], ["III"]], 0, 0.0, 1200.0)
    14.0
    >>> obedience(page, [["II"], ["I"], ["III"]], 0, 0.0, 1200.0) < -1
    True
    """
    columns = max((len(leads) for leads in rows), default=0)
    parts = max(round(_PARTS / max(columns, 1)), 1)
    told = 0.0
    for column in range(columns):
        of_column: dict[str, NDArray[np.floating]] = {}
        begin, end = (max(0, round(first + pitch * (column + part))) for part in (_MARGIN, 1 - _MARGIN))
        for row, leads in enumerate(rows, skipped):
            lead = lead_of(leads[column]) if len(leads) == columns else ""
            if lead in LIMB_LEADS and lead not in of_column:
                of_column[lead] = center[row, begin:end] * sign_of(leads[column])
        for part in range(parts):
            together = {lead: np.array_split(signal, parts)[part] for lead, signal in of_column.items()}
            residual = check_limb_leads(together, (), ("aVR",)).residual
            if np.isfinite(residual):
                most = _MOST * (len(together) - 2) ** 0.5
                told += min(_STEEP * float(np.log(_USUAL / max(residual, 1e-9))), most)
    return max(told, -_MOST_AGAINST)
