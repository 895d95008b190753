"""Codes of leads and of their page, as DICOM and FHIR want them."""

from __future__ import annotations

import hashlib
import uuid

from digitize.export.channels import Channels
from digitize.version import __version__

LEAD_CODES = {
    **{"I": 1, "II": 2, "V1": 3, "V2": 4, "V3": 5, "V4": 6, "V5": 7, "V6": 8, "V7": 9},
    **{"V2R": 10, "V3R": 11, "V4R": 12, "V5R": 13, "V6R": 14},
    **{"III": 61, "aVR": 62, "aVL": 63, "aVF": 64, "V8": 66, "V9": 67},
}
"""Numbers of leads in SCP-ECG (EN 1064) and, with partition 2 before them, in ISO/IEEE 11073-10101 (MDC)."""

UNSPECIFIED = 0
"""The number of leads that have none: V1R."""

_NAMESPACE = uuid.UUID("b1f0f0a6-0e2c-5c63-9a53-6d1f3c6a54a8")


def lead_code(name: str) -> int:
    """Look up a lead's number; `UNSPECIFIED` where the standards have none.

    Examples
    --------
    >>> lead_code("aVF"), lead_code("V1R")
    (64, 0)
    """
    return LEAD_CODES.get(name, UNSPECIFIED)


def stable_uuid(channels: Channels, name: str, what: str) -> uuid.UUID:
    """Name a page's content: the same samples under the same name have the same identifier on every machine.

    Parameters
    ----------
    channels : Channels
    name : str
        The page's.
    what : str
        What is identified, e.g. ``"instance"``.

    Returns
    -------
    UUID
        Of version 5 (RFC 9562): no random number, no address, no time is in it.
    """
    digest = hashlib.sha256()
    for part in (__version__, name, str(channels.fs), *channels.names):
        digest.update(part.encode() + b"\0")
    # Every NaN is the same NaN.
    digest.update((channels.signal + 0 * channels.signal).astype("<f4").tobytes())
    return uuid.uuid5(_NAMESPACE, f"{what} {digest.hexdigest()}")
