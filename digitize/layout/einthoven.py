"""Check the names of the limb leads by the law that binds them.

All six are made of three electrodes, so any three of them that were recorded together are bound by one equation: II is
I + III at every instant (Einthoven, Fahr and de Waart, 1913), and the augmented leads follow (Goldberger, 1942). Here
that is said for all of them at once: k leads are k mixtures of two, known from their names, and what lies outside
the plane of these two is an error of naming, of sign or of tracing. It is never one of the electrodes: leads that were
recorded with the arms exchanged obey the law too, and keep their names.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from itertools import permutations

import numpy as np
from numpy.typing import NDArray

LIMB_LEADS = {
    "I": (1.0, 0.0),
    "II": (0.0, 1.0),
    "III": (-1.0, 1.0),
    "aVR": (-0.5, -0.5),
    "aVL": (1.0, -0.5),
    "aVF": (-0.5, 1.0),
}
"""The limb leads as mixtures of I and II."""

_CLEARLY = 0.5
"""Names must leave at most this share of what the present ones leave unexplained to be preferred to them."""
_MEANT = 0.1
"""What names may leave unexplained at most to be preferred: 10 dB below the leads themselves."""
_TYPICAL = 0.98
"""Share of the samples, least residues first, that count: crossing rows spoil some beats of any strip."""
_LEAST = 100
"""Fewest samples that tell anything."""
_MOST_FREE = 4
"""Most names that are doubted at once: of five, too many orders fit by chance."""


@dataclass(frozen=True)
class LimbCheck:
    """Names as the law of the limb leads confirms or contradicts them.

    Attributes
    ----------
    residual : float
        Share of the leads' power that the law leaves unexplained under the better names; NaN where it says nothing.
    names : dict of str to str
        Better names of leads, by their present ones; empty when the present ones are best or not clearly worse.
    inverted : str or None
        The lead that is drawn upside down, by its present name.
    """

    residual: float
    names: dict[str, str]
    inverted: str | None


def check_limb_leads(
    signals: Mapping[str, NDArray[np.floating]], doubtful: Collection[str], sign_doubtful: Collection[str] = ("aVR",)
) -> LimbCheck:
    """Hold the names of limb leads against the law that binds them.

    Parameters
    ----------
    signals : mapping of str to ndarray, shape (n,)
        Signals (mV) of simultaneously recorded limb leads by their present names, NaN where they are hidden.
    doubtful : collection of str
        Leads whose names may be wrong; only these are exchanged.
    sign_doubtful : collection of str
        Leads that may be upside down: aVR is printed so on some pages.

    Returns
    -------
    LimbCheck

    Raises
    ------
    ValueError
        If a lead is none of `LIMB_LEADS`.

    Examples
    --------
    >>> t = np.arange(1000) / 500
    >>> one, three = np.sin(9 * t) ** 9, np.cos(5 * t) ** 5
    >>> check = check_limb_leads({"I": one, "II": three, "III": one + three}, ["II", "III"])
    >>> check.names, check.residual < 0.01
    ({'II': 'III', 'III': 'II'}, True)
    """
    for lead in signals:
        if lead not in LIMB_LEADS:
            raise ValueError(f"no limb lead: {lead!r}; allowed: {', '.join(LIMB_LEADS)}")
    leads = list(signals)
    n = min((len(signal) for signal in signals.values()), default=0)
    x = np.array([np.asarray(signals[lead][:n], np.float64) for lead in leads]).reshape(len(leads), n)
    x = x[:, np.isfinite(x).all(axis=0)]
    if len(leads) < 3 or x.shape[1] < _LEAST:
        return LimbCheck(float("nan"), {}, None)
    # Where 0 mV lies is known less well than the shape.
    x -= np.median(x, axis=1, keepdims=True)
    if not (x != 0).any():
        return LimbCheck(float("nan"), {}, None)

    present = _unexplained(x, leads, None)
    free = [lead for lead in leads if lead in doubtful][:_MOST_FREE]
    best: tuple[float, list[str], str | None] = (present, leads, None)
    for order in permutations(free):
        exchange = dict(zip(free, order, strict=True))
        named = [exchange.get(lead, lead) for lead in leads]
        for inverted in (None, *(lead for lead in leads if lead in sign_doubtful)):
            residual = _unexplained(x, named, None if inverted is None else leads.index(inverted))
            if residual < best[0] - 1e-12:
                best = residual, named, inverted
    if not best[0] < min(_CLEARLY * present, _MEANT):
        return LimbCheck(present, {}, None)
    names = {lead: better for lead, better in zip(leads, best[1], strict=True) if lead != better}
    return LimbCheck(best[0], names, best[2])


def _unexplained(x: NDArray[np.float64], names: list[str], inverted: int | None) -> float:
    """Share of power of leads x (k, n) that lies outside the plane of leads with these names."""
    mixture = np.array([LIMB_LEADS[name] for name in names])
    if inverted is not None:
        mixture[inverted] *= -1
    outside = x - mixture @ (np.linalg.pinv(mixture) @ x)
    residue, power = (outside**2).sum(axis=0), (x**2).sum(axis=0)
    usual = np.argsort(residue)[: int(_TYPICAL * x.shape[1])]
    # Only what the law can see counts: of k leads it leaves k - 2 dimensions free.
    seen = (len(names) - 2) / len(names)
    return float(residue[usual].sum() / max(seen * power[usual].sum(), 1e-12))
