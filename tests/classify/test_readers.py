from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from skimage import data

from classify import readers
from classify.interpretation import Interpretation
from classify.picture.image import FEWEST_CELLS, PictureWeights, load_picture_weights, predict_pictures
from classify.picture.picture import HEIGHT, WIDTH, coarse_picture, picture_of
from classify.readers import READERS, interpret_page
from classify.signal.inputs import input_from_leads
from classify.signal.weights import load_weights, predict
from classify.statements import CODES
from digitize.api import analyze_page, leads_of, refined
from digitize.leads import Leads, no_leads
from digitize.pages.page import load_pages
from digitize.records.results import Quality
from tests.measured import MEASURED

BY_SIGNAL = Interpretation((), MEASURED, "signal", ())


@pytest.fixture
def looked(monkeypatch):
    """A network that says 0.9 of everything; gives the list of pictures that were looked at."""
    pictures = []
    ones = np.ones(len(CODES))
    weights = PictureWeights("image", None, ones, ones, 0.5 * ones, "picture")

    def predict(weights, inks, views=None):
        pictures.extend(inks)
        return np.full((len(inks), len(CODES)), 0.9), np.array([300 if ink.any() else 0 for ink in inks])

    monkeypatch.setattr(readers, "predict_pictures", predict)
    monkeypatch.setattr(readers, "load_picture_weights", lambda design: replace(weights, version=design))
    monkeypatch.setattr(readers, "is_trained", lambda design: True)
    monkeypatch.setattr(readers, "interpret", lambda leads: BY_SIGNAL)
    return pictures


def look() -> np.ndarray:
    return np.full((HEIGHT, WIDTH), 9, np.uint8)


def with_verdict(leads: Leads, verdict: str) -> Leads:
    return replace(leads, quality=Quality(verdict, ("blurred",), 0.9, 0.3))


@pytest.mark.parametrize("verdict", ["good", "usable", "unreliable"])
def test_auto_looks_at_the_picture_where_the_signal_is_unreliable(looked, leads, verdict):
    read = interpret_page("auto", with_verdict(leads, verdict), look)
    if verdict == "unreliable":
        assert read.reader == "signal and image" and len(looked) == 1
        assert read.weights_version == f"{load_weights().version} and image"
        assert "unreliable (blurred)" in read.fallback and read.fallback in read.warnings[0]
        signal = predict([input_from_leads(leads)])[0]
        assert [found.probability for found in read.statements] == pytest.approx(signal / 2 + 0.45)
        assert [found.threshold for found in read.statements] == pytest.approx(load_weights().thresholds / 2 + 0.25)
        assert read.measurements.heart_rate.unit == "1/min" and read.beats.reason != "the beats were not read"
    else:
        assert read is BY_SIGNAL and not looked and read.fallback is None


def test_auto_reads_a_page_that_cannot_be_digitized(looked):
    read = interpret_page("auto", no_leads((800, 600), "no trace"), look)
    assert read.reader == "image" and read.fallback == "the page could not be digitized"
    assert len(read.statements) == len(CODES) and read.measurements.heart_rate.value is None
    with pytest.raises(ValueError, match="could not be digitized: no trace; nor does its picture show one"):
        interpret_page("auto", no_leads((800, 600), "no trace"), lambda: 0 * look())


@pytest.mark.parametrize("reader", ["image", "hybrid"])
def test_who_is_asked_answers(looked, leads, reader):
    read = interpret_page(reader, with_verdict(leads, "good"), look)
    assert (read.reader, read.weights_version, read.fallback) == (reader, reader, None)
    assert interpret_page("signal", with_verdict(leads, "unreliable"), look) is BY_SIGNAL and len(looked) == 1


def test_what_a_page_does_not_show_is_not_assessed(looked, leads):
    limb = replace(leads, strips=tuple(strip for strip in leads.strips if not strip.lead.startswith("V")))
    by_code = {found.code: found for found in interpret_page("image", with_verdict(limb, "good"), look).statements}
    assert by_code["LVH"].probability is None and "needs V1" in by_code["LVH"].reason
    assert by_code["LAFB"].probability == 0.9


def test_without_a_network_auto_reads_the_signal_and_says_so(looked, leads, monkeypatch):
    monkeypatch.setattr(readers, "is_trained", lambda design: False)
    read = interpret_page("auto", with_verdict(leads, "unreliable"), look)
    assert read.reader == "signal" and not looked
    assert "unreliable" in read.fallback and "no network for pictures is installed" in read.fallback


def test_a_reader_that_there_is_not(leads, tmp_path):
    with pytest.raises(ValueError, match=f"reader is 'eye'; allowed: {', '.join(READERS)}"):
        interpret_page("eye", leads, look)
    with pytest.raises(
        FileNotFoundError, match=r"image.safetensors.*papertrace.training.image --design image` writes it"
    ):
        load_picture_weights("image", tmp_path)
    with pytest.raises(ValueError, match="design is 'eye'; allowed: image, hybrid, dual"):
        load_picture_weights("eye")


@pytest.mark.parametrize(
    ("reader", "sample", "expected"),
    [
        ("image", "02988_hr", "CLBBB"),
        ("image", "00307_hr", "AFIB"),
        ("image", "00436_hr", "NORM"),
        ("hybrid", "00307_hr", "AFIB"),
        ("hybrid", "00436_hr", "NORM"),
    ],
)
def test_shipped_networks_read_sample_pages_by_their_pictures(reader, sample, expected):
    analysis = analyze_page(load_pages(f"samples/{sample}.png")[0])
    leads = leads_of(refined(analysis), fs=500)
    told = [
        {found.code: found for found in interpret_page(reader, leads, lambda: picture_of(analysis).ink).statements}
        for reader in ("signal", reader)
    ]
    assert told[1][expected].present
    by_signal, by_picture = np.array(
        [[by[code].probability for code in CODES if None not in {one[code].probability for one in told}] for by in told]
    )
    assert np.corrcoef(by_signal, by_picture)[0, 1] > 0.8


@pytest.mark.parametrize("photograph", [data.astronaut, data.coffee, data.chelsea, data.page, data.text, data.brick])
@pytest.mark.parametrize("design", ["image", "hybrid"])
def test_a_photograph_of_something_else_shows_no_electrocardiogram(photograph, design):
    shown = np.atleast_3d(photograph())
    ink = coarse_picture(np.broadcast_to(shown, (*shown.shape[:2], 3)).copy()).ink
    assert predict_pictures(load_picture_weights(design), [ink])[1][0] < FEWEST_CELLS
