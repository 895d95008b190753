"""FHIR observations."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from digitize.export.channels import UNITS_PER_MV, channels_of
from digitize.export.codes import lead_code, stable_uuid
from digitize.files import written_together
from digitize.version import __version__

if TYPE_CHECKING:
    from digitize.records.results import LeadData

RELEASES = ("R4", "R5")
"""Releases of FHIR that can be written; they differ in how a sampling interval is put."""

LIMIT_MV = 32.767
"""Beyond it a sample is ``L`` or ``U``, so that all formats hold the same range."""

_LOINC = {"system": "http://loinc.org", "code": "11524-6", "display": "EKG study"}
_MDC = "urn:iso:std:iso:11073:10101"
_POTENTIAL = 131328  # MDC_ECG_ELEC_POTL, partition 2: a lead's potential is this plus the lead's number.
_CATEGORY = {
    "system": "http://terminology.hl7.org/CodeSystem/observation-category",
    "code": "procedure",
    "display": "Procedure",
}


def write_fhir(leads: LeadData, path: str | os.PathLike[str], release: str = "R4") -> Path:
    """Write a FHIR Observation as JSON: see `observation`.

    Parameters
    ----------
    leads : LeadData
    path : path
        The file; it is replaced when it exists.
    release : str
        One of `RELEASES`.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    ValueError
        If the release is unknown, or no lead shows anything.
    OSError
        If the file cannot be written.
    """
    file = Path(path)
    content = json.dumps(observation(leads, file.name.split(".")[0], release), ensure_ascii=False, indent=1)
    with written_together(file.parent) as temporary:
        (temporary / file.name).write_text(content + "\n", encoding="utf-8")
    return file


def observation(leads: LeadData, name: str, release: str = "R4") -> dict[str, Any]:
    """Make a FHIR Observation: LOINC 11524-6, one component a lead that the page shows, as SampledData.

    The data are whole microvolts (factor 0.001 mV), ``E`` where the page shows nothing, ``L`` and ``U`` beyond
    +-`LIMIT_MV`. Components are coded by ISO/IEEE 11073-10101 (MDC_ECG_ELEC_POTL_I and so on) and named by their text.
    There is no subject and no date, for nothing but the traces is taken from the page; the status is ``preliminary``,
    for nobody has looked at it. The verdict and the warnings are notes. Confidence is not in it.

    Parameters
    ----------
    leads : LeadData
    name : str
        The page's name, a part of what the identifier is made from; it is not in the observation.
    release : str
        One of `RELEASES`.

    Returns
    -------
    dict
        JSON values.

    Raises
    ------
    ValueError
        If the release is unknown, or no lead shows anything.

    References
    ----------
    HL7 FHIR R4 and R5: Observation, SampledData; the specification's example "sample data" is an electrocardiogram.
    """
    if release not in RELEASES:
        raise ValueError(f"unknown release {release!r} of FHIR; allowed: {', '.join(RELEASES)}")
    channels = channels_of(leads).shown()
    if not channels.names:
        raise ValueError("no lead shows anything: there is no component to write")
    reasons = f": {'; '.join(leads.quality.reasons)}" if leads.quality.reasons else ""
    notes = [
        f"Digitized from paper by Papertrace {__version__}. Not for diagnosis.",
        f"Verdict: {leads.quality.verdict}{reasons}",
        *leads.warnings,
    ]
    return {
        "resourceType": "Observation",
        "identifier": [
            {"system": "urn:ietf:rfc:3986", "value": f"urn:uuid:{stable_uuid(channels, name, 'observation')}"}
        ],
        "status": "preliminary",
        "category": [{"coding": [_CATEGORY]}],
        "code": {"coding": [_LOINC], "text": "ECG digitized from paper"},
        "device": {"display": f"Papertrace {__version__}"},
        "note": [{"text": note} for note in notes],
        "component": [
            {"code": _code(lead), "valueSampledData": _sampled(row, channels.fs, release)}
            for lead, row in zip(channels.names, channels.signal, strict=True)
        ],
    }


def _code(lead: str) -> dict[str, Any]:
    number = lead_code(lead)
    suffix = f"_{lead.upper()}" if number else ""
    coding = {"system": _MDC, "code": str(_POTENTIAL + number), "display": f"MDC_ECG_ELEC_POTL{suffix}"}
    return {"coding": [coding], "text": lead}


def _sampled(signal: NDArray[np.float32], fs: int, release: str) -> dict[str, Any]:
    period = 1000 / fs
    spacing = {"period": period} if release == "R4" else {"interval": period, "intervalUnit": "ms"}
    units = np.rint(np.nan_to_num(signal.astype(np.float64)) * UNITS_PER_MV).astype(np.int64)
    limit = round(LIMIT_MV * UNITS_PER_MV)
    written = units.astype(str).astype(object)
    written[units < -limit], written[units > limit], written[np.isnan(signal)] = "L", "U", "E"
    return {
        "origin": {"value": 0, "unit": "mV", "system": "http://unitsofmeasure.org", "code": "mV"},
        **spacing,
        "factor": 1 / UNITS_PER_MV,
        "lowerLimit": -LIMIT_MV,
        "upperLimit": LIMIT_MV,
        "dimensions": 1,
        "data": " ".join(written),
    }
