"""Check the names of leads I, II and III by the law that binds them.

Recorded together, II = I + III at every instant (Einthoven, Fahr and de Waart, 1913), and so do the augmented leads
follow from them (Goldberger, 1942). The three numerals are also the names that print and wear confuse most easily: of
the six ways to give them to three strips, the law tells the right one.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import permutations

import numpy as np
from numpy.typing import NDArray

_NUMERALS = ("I", "II", "III")
_CLEARLY = 0.5
"""A naming must leave at most half as much unexplained as the printed one to be preferred to it."""
_TYPICAL = 0.9
"""Share of the samples, least residues first, that count: crossing rows spoil some beats of any strip."""


def numerals_by_law(signals: Mapping[str, NDArray[np.float32]]) -> dict[str, str]:
    """Find the naming of I, II and III that the law supports.

    Parameters
    ----------
    signals : mapping of str to ndarray, shape (n,)
        Signals (mV) of simultaneously recorded limb leads under their present names, at least I, II and III.

    Returns
    -------
    dict of str to str
        Present name to better name; empty when the present names are best or not clearly worse.

    Examples
    --------
    >>> t = np.arange(1000) / 500
    >>> one, three = np.sin(9 * t) ** 9, np.cos(5 * t) ** 5
    >>> numerals_by_law({"I": one, "II": three, "III": one + three})
    {'III': 'II', 'II': 'III'}
    """
    n = min(len(signal) for signal in signals.values())
    centred = {lead: signal[:n] - np.nanmedian(signal[:n]) for lead, signal in signals.items()}
    unexplained = {}
    for names in permutations(_NUMERALS):
        one, two, three = (centred[names[_NUMERALS.index(lead)]] for lead in _NUMERALS)
        laws = [two - one - three]
        for lead, law in (("aVR", -(one + two) / 2), ("aVL", (one - three) / 2), ("aVF", (two + three) / 2)):
            if lead in centred:
                laws.append(centred[lead] - law)
        residue = np.concatenate([law[np.isfinite(law)] ** 2 for law in laws])
        residue = np.sort(residue)[: int(_TYPICAL * len(residue))]
        unexplained[names] = float(residue.mean()) if len(residue) else np.inf
    best = min(unexplained, key=lambda names: unexplained[names])
    if not unexplained[best] < _CLEARLY * unexplained[_NUMERALS]:
        return {}
    return {present: better for better, present in zip(_NUMERALS, best, strict=True) if present != better}
