"""The sample pages, as the README has them read: they show no contradiction that is not named."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import pytest

from classify.contradictions import CERTAIN_BEAT
from classify.exclusive import FINDINGS, RHYTHMS
from papertrace.cli import app

SAMPLES = Path(__file__).parent.parent / "samples"
NAMES = ["00024_hr", "00139_hr", "00307_hr", "00436_hr", "02988_hr"]
EXCLUSIVE = {frozenset((one, other)) for a, b in (*RHYTHMS, *FINDINGS) for one in a for other in b}


@pytest.fixture(scope="module")
def shown(tmp_path_factory) -> tuple[int, str, dict[str, dict]]:
    """Exit code, what the terminal shows, and the reports of all samples by their names."""
    out = tmp_path_factory.mktemp("samples")
    with pytest.MonkeyPatch.context() as patch:
        printed: list[str] = []
        patch.setattr("papertrace.cli.progress._print", lambda text, stream: printed.append(text))
        code = app.main([str(SAMPLES), "--out", str(out)])
    return code, "\n".join(printed), {path.stem: json.loads(path.read_text()) for path in out.glob("*.json")}


def test_every_picture_among_the_samples_is_a_page(shown):
    code, printed, reports = shown
    assert (code, sorted(reports)) == (0, NAMES)
    assert "failed" not in printed and "papertrace:" not in printed


def test_no_two_statements_of_a_sample_exclude_each_other(shown):
    for name, report in shown[2].items():
        present = [found["code"] for found in report["statements"] if found["present"]]
        assert present, name
        assert not [pair for pair in itertools.combinations(present, 2) if frozenset(pair) in EXCLUSIVE], name


def test_ectopic_beats_of_a_sample_are_named_and_contradict_what_denies_them(shown):
    _, printed, reports = shown
    sure = 0
    for name, report in reports.items():
        told = printed[printed.index(f"{name}.*") :].partition(" -> ")[0]
        present = {found["code"] for found in report["statements"] if found["present"]}
        for beat in report["beats"]["beats"]:
            if beat["class"] in "SV" and beat["probability"] >= CERTAIN_BEAT:
                sure += 1
                assert f"({beat['class']}): " in told and f"{beat['time_s']:.1f} s {beat['probability']:.0%}" in told
                if beat["class"] == "V" and "PVC" not in present:
                    assert "contradiction: no ventricular premature complex (PVC), but" in told
                    assert ("contradiction: normal ECG (NORM), but" in told) == ("NORM" in present)
    assert sure, "00436 has a ventricular premature complex"
