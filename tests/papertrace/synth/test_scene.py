"""Where things stand on the paper, in millimeters: no pixels are drawn here."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from digitize.records.layouts import LEAD_NAMES
from papertrace.synth.scene import Scene, compose
from papertrace.synth.style import HEADER_FORMS, SEPARATORS, PageStyle, random_style
from papertrace.synth.text import text_width

FS = 500.0


def scene_of(signal: NDArray[np.float64], seed: int = 0, **knobs: object) -> Scene:
    return compose(signal, FS, PageStyle(**knobs), np.random.default_rng(seed))


def test_rows_of_a_rhythm_sheet_go_on_in_time() -> None:
    signal = np.tile(np.arange(12.0)[:, None] / 10, (1, 6000))
    scene = scene_of(signal, layout="II+V5", wrap=5.0)
    spans = [(trace.lead, trace.first, trace.last) for trace in scene.traces]
    assert spans == [
        *(("II", 0, 2500), ("V5", 0, 2500), ("II", 2500, 5000), ("V5", 2500, 5000)),
        *(("II", 5000, 6000), ("V5", 5000, 6000)),
    ]
    assert [trace.row for trace in scene.traces] == list(range(6))
    assert len({trace.path[0, 0] for trace in scene.traces}) == 1
    baselines = [trace.baseline for trace in scene.traces]
    assert np.allclose(np.diff(baselines), baselines[1] - baselines[0])


def test_layouts_of_several_columns_never_wrap(waves: NDArray[np.float64]) -> None:
    plain, wrapped = (scene_of(waves, layout="6x2", wrap=wrap) for wrap in (None, 2.5))
    assert len(plain.traces) == len(wrapped.traces) == 12
    assert plain.width == wrapped.width


def test_what_does_not_fit_in_a_row_of_cut_paper_goes_on_below(waves: NDArray[np.float64]) -> None:
    scene = scene_of(waves, layout="II", wrap=10.0, paper="A4", orientation="portrait")
    assert (scene.width, scene.height) == (210.0, 297.0)
    seconds = [(trace.last - trace.first) / FS for trace in scene.traces]
    assert sum(seconds) == 10.0 and len(seconds) == 2
    assert max(trace.path[-1, 0] for trace in scene.traces) < 210 - 8


def test_a_minute_on_a_sheet_is_as_much_of_it_as_fits() -> None:
    scene = scene_of(np.zeros((12, 30000)), layout="limb-3x1", wrap=10.0, paper="A4", header=False)
    assert len(scene.traces) % 3 == 0
    assert max(trace.baseline for trace in scene.traces) < 210
    assert scene.traces[-1].last == len(scene.traces) // 3 * 5000


@pytest.mark.parametrize("seconds", [2.5, 10.0, 60.0])
@pytest.mark.parametrize("layout", ["3x4+II", "12x1", "II"])
def test_records_of_every_length_are_printed_whole_on_content(seconds: float, layout: str) -> None:
    scene = scene_of(np.zeros((12, round(seconds * FS))), layout=layout)
    assert max(trace.last for trace in scene.traces) == round(seconds * FS)
    assert scene.width > 25 * seconds


def test_columns_of_a_given_length(waves: NDArray[np.float64]) -> None:
    long = np.tile(waves, (1, 6))
    scene = scene_of(long, layout="3x4+II", column_seconds=2.5)
    assert {(trace.first, trace.last) for trace in scene.traces} == {
        *((0, 1250), (1250, 2500), (2500, 3750), (3750, 5000), (0, 5000))
    }
    # A short recording fills the first columns, and no name is printed where nothing follows.
    short = scene_of(waves[:, :1500], layout="3x4", column_seconds=2.5)
    spans = [(trace.lead, trace.first, trace.last) for trace in short.traces]
    assert spans[:2] == [("I", 0, 1250), ("aVR", 1250, 1500)]
    assert {trace.column for trace in short.traces} == {0, 1}
    same = scene_of(waves[:, :1250], layout="3x4", column_seconds=2.5, columns="simultaneous")
    assert {(trace.first, trace.last) for trace in same.traces} == {(0, 1250)} and len(same.traces) == 12


def test_chest_leads_at_a_gain_of_their_own() -> None:
    signal = np.ones((12, 5000))
    for inverted, layout in ((False, "3x4+II+V1"), (True, "cabrera-3x4")):
        scene = scene_of(signal, layout=layout, chest_gain=5.0)
        for trace in scene.traces:
            height = trace.baseline - trace.path[0, 1]
            gain = 5.0 if trace.lead.startswith("V") else 10.0
            assert trace.gain == gain
            assert height == pytest.approx(-gain if trace.inverted else gain)
        assert any(trace.inverted for trace in scene.traces) == inverted
        assert all("10" in text.string and "5" in text.string for text in scene.texts if "mm/" in text.string)
    footer = scene_of(signal, chest_gain=5.0, header=False).texts[-1].string
    assert "mm/" in footer and "10" in footer and "5" in footer


def test_a_pulse_has_a_step_for_each_gain_of_its_row() -> None:
    rows = {"3x4": {10.0, 5.0}, "chest-6x1": {5.0}, "limb-6x1": {10.0}}
    for layout, heights in rows.items():
        for mark in scene_of(np.zeros((12, 5000)), layout=layout, chest_gain=5.0).marks:
            tops = mark.path[0, 1] - mark.path[:, 1]
            assert set(tops[tops > 0].round(6)) == heights
            assert np.ptp(mark.path[:, 0]) == pytest.approx(0.2 * 25 + 2)


@pytest.mark.parametrize(("rows", "expected"), [("all", [0, 1, 2, 3]), ("first", [0]), ("last", [3])])
def test_pulses_stand_in_the_rows_asked_for(waves: NDArray[np.float64], rows: str, expected: list[int]) -> None:
    scene = scene_of(waves, layout="3x4+II", pulse_rows=rows, pulse_seconds=0.1)
    baselines = sorted({trace.baseline for trace in scene.traces})
    assert [baselines.index(mark.path[0, 1]) for mark in scene.marks] == expected
    assert all(np.ptp(mark.path[:, 0]) == pytest.approx(4.5) for mark in scene.marks)


@pytest.mark.parametrize("separator", SEPARATORS)
def test_separators_stand_between_columns(waves: NDArray[np.float64], separator: str) -> None:
    scene = scene_of(waves, layout="6x2", separator=separator, pulse="none")
    starts = sorted({trace.path[0, 0] for trace in scene.traces})
    for mark in scene.marks:
        assert (mark.path[:, 0] == mark.path[0, 0]).all()
        assert starts[0] + 100 < mark.path[0, 0] <= starts[1]
    spans = {"none": 0, "join": 0, "gap": 0, "bar": 6, "tick": 12, "line": 1, "page": 1}
    if separator in spans:
        assert len(scene.marks) == spans[separator]
    else:
        assert len(scene.marks) > 12


@pytest.mark.parametrize(
    ("knobs", "expected"),
    [
        ({"lead_spelling": "AVR"}, ("AVR", "AVL", "AVF", "V1")),
        ({"lead_spelling": "avR"}, ("avR", "avL", "avF", "V1")),
        ({"lead_spelling": "aVr", "chest_spelling": "C"}, ("aVr", "aVl", "aVf", "C1")),
    ],
)
def test_spellings(waves: NDArray[np.float64], knobs: dict[str, str], expected: tuple[str, ...]) -> None:
    labels = [trace.label.string for trace in scene_of(waves, layout="12x1", **knobs).traces]
    assert tuple(labels[3:7]) == expected
    assert labels[:3] == ["I", "II", "III"]
    turned = [trace.label.string for trace in scene_of(waves, layout="cabrera-12x1", **knobs).traces]
    assert turned[2] == "-" + expected[0]


def test_names_over_indented_and_underlined(waves: NDArray[np.float64]) -> None:
    scene = scene_of(waves, label_position="over", label_indent=3.0, label_underline=True, pulse="none")
    assert len(scene.marks) == len(scene.traces)
    for trace, line in zip(scene.traces, scene.marks, strict=True):
        assert trace.label.x == pytest.approx(trace.path[0, 0] + 3)
        assert trace.label.y - trace.label.size / 2 == pytest.approx(trace.baseline)
        assert line.path[:, 1].min() > trace.label.y
        assert np.ptp(line.path[:, 0]) == pytest.approx(text_width(trace.label.string, "sans", trace.label.size))


@pytest.mark.parametrize("form", HEADER_FORMS)
def test_headers_stay_on_the_paper_and_apart(waves: NDArray[np.float64], form: str) -> None:
    for seed in range(30):
        scene = scene_of(waves, seed, header_form=form, footer=False, paper="A4", font="roman")
        assert scene.texts
        boxes = [
            (text.x, text.y - text.size, text.x + text_width(text.string, "roman", text.size), text.y)
            for text in scene.texts
        ]
        for index, (x0, y0, x1, y1) in enumerate(boxes):
            assert 8 <= x0 and x1 <= scene.width - 8 + 1e-6 and y0 >= 8
            for other in boxes[index + 1 :]:
                assert x1 <= other[0] or other[2] <= x0 or y1 <= other[1] or other[3] <= y0


def test_measurements_of_a_table_end_flush(waves: NDArray[np.float64]) -> None:
    texts = scene_of(waves, header_form="table", font="roman").texts
    index = next(number for number, text in enumerate(texts) if text.string == "Vent. rate")
    values = [text for text in texts[index : index + 12] if text.string.replace("/", "").isdigit()]
    ends = [text.x + text_width(text.string, "roman", text.size) for text in values]
    assert len(ends) >= 3 and np.ptp(ends) < 1e-6


@pytest.mark.parametrize(
    ("knobs", "size"),
    [
        ({"paper": "A4"}, (297.0, 210.0)),
        ({"paper": "A4", "orientation": "portrait"}, (210.0, 297.0)),
        ({"paper": "Letter", "orientation": "portrait"}, (215.9, 279.4)),
    ],
)
def test_sheets(waves: NDArray[np.float64], knobs: dict[str, str], size: tuple[float, float]) -> None:
    scene = scene_of(waves, layout="6x2", **knobs)
    assert (scene.width, scene.height) == size
    assert max(trace.path[-1, 0] for trace in scene.traces) <= size[0] - 8


def test_a_roll_is_as_long_as_the_recording() -> None:
    short, long = (
        scene_of(np.zeros((12, samples)), layout="limb-3x1", paper="roll", roll_height=80.0, header_form="compact")
        for samples in (1250, 30000)
    )
    assert short.height == long.height == 80.0
    assert long.width - short.width == pytest.approx(57.5 * 25)


def test_rows_that_do_not_fit_are_refused(waves: NDArray[np.float64]) -> None:
    with pytest.raises(ValueError, match=r"12 rows do not fit in \d+ mm of roll paper; allowed: .*content"):
        scene_of(waves, layout="12x1", paper="roll", roll_height=40.0)


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10**6), seconds=st.sampled_from([2.5, 10.0, 31.0]))
def test_every_scene_says_where_its_samples_are(seed: int, seconds: float) -> None:
    rng = np.random.default_rng(seed)
    style = random_style(rng)
    signal = rng.normal(0, 0.5, (12, round(seconds * 100)))
    scene = compose(signal, 100.0, style, rng)
    assert scene.traces
    for trace in scene.traces:
        samples = signal[LEAD_NAMES.index(trace.lead), trace.first : trace.last]
        height = (trace.baseline - trace.path[:, 1]) / trace.gain
        np.testing.assert_allclose(-height if trace.inverted else height, samples, atol=1e-9)
        steps = np.diff(trace.path[:, 0])
        np.testing.assert_allclose(steps, style.speed / 100, atol=1e-9)
        assert trace.path[0, 0] >= 0 and trace.path[-1, 0] <= scene.width
        assert 0 <= trace.baseline <= scene.height
    for text in scene.texts:
        assert text.x >= 0 and text.y <= scene.height
