"""Tell which words of a file name leads: the file spells them out, so only its way of spelling is open."""

from __future__ import annotations

import re
import unicodedata

from digitize.records.layouts import ALL_NAMES

_NUMERALS = {"1": "I", "2": "II", "3": "III"}
_LIMB = re.compile("I{1,3}|D(?:I{1,3}|[123])")
_OTHER = re.compile("(?P<minus>[-\u2010-\u2015\u2212])?(?P<name>aV[RLF]|[VC][1-9]R?)", re.IGNORECASE)


def lead_called(word: str) -> tuple[str, bool] | None:
    """Tell which lead a word names.

    Parameters
    ----------
    word : str

    Returns
    -------
    (str, bool) or None
        One of `ALL_NAMES`, and whether a minus stands before it; None for any other word.

    Examples
    --------
    >>> lead_called("aVR"), lead_called("DII"), lead_called("-AVR"), lead_called("C4:"), lead_called("V12")
    (('aVR', False), ('II', False), ('aVR', True), ('V4', False), None)
    """
    # One sign may stand for a whole numeral.
    plain = unicodedata.normalize("NFKC", word).rstrip(":")
    if _LIMB.fullmatch(plain):
        numeral = plain.removeprefix("D")
        return _NUMERALS.get(numeral, numeral), False
    found = _OTHER.fullmatch(plain)
    if found is None:
        return None
    name = found["name"].upper()
    lead = "a" + name[1:] if name.startswith("AV") else "V" + name[1:]
    return (lead, found["minus"] is not None) if lead in ALL_NAMES else None
