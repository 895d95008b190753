from __future__ import annotations

from dataclasses import fields, replace

import numpy as np
import pytest

from digitize.records.layouts import Layout
from papertrace.synth.style import PageStyle, random_style


@pytest.mark.parametrize(
    ("knobs", "message"),
    [
        ({"chest_gain": 7.5}, "None, 2.5, 5.0"),
        ({"orientation": "upright"}, "landscape, portrait"),
        ({"roll_height": 5.0}, "20 to 300"),
        ({"column_seconds": 0.0}, "None or 0.25 to 3600"),
        ({"wrap": -5.0}, "None or 0.25 to 3600"),
        ({"yellowing": 1.5}, "0 to 1"),
        ({"texture": -1.0}, "0 to 40"),
        ({"grid_form": "hexagons"}, "lines, dots, dotted"),
        ({"grid_fade": float("nan")}, "0 to 1"),
        ({"pen_strength": 0.0}, "0.1 to 1"),
        ({"pen_thinning": 2.0}, "0 to 1"),
        ({"ink_fade": -0.1}, "0 to 1"),
        ({"dead_dots": 1000}, "0 to 200"),
        ({"feed": "sideways"}, "along, across"),
        ({"specks": 51.0}, "0 to 50"),
        ({"dot_pitch": 0.01}, "0 or 0.05 to 1"),
        ({"dot_pitch": float("nan")}, "0 or 0.05 to 1"),
        ({"label_position": "under"}, "over"),
        ({"label_indent": 30.0}, "-20 to 20"),
        ({"lead_spelling": "avr"}, "avR"),
        ({"chest_spelling": "T"}, "V, C"),
        ({"header_form": "long"}, "table"),
        ({"pulse_rows": "none"}, "all, first, last"),
        ({"pulse_seconds": 0.0}, "0.02 to 1"),
        ({"separator": "wave"}, "dotted"),
    ],
)
def test_wrong_knobs_name_what_is_allowed(knobs: dict[str, object], message: str) -> None:
    (name,) = knobs
    with pytest.raises(ValueError, match=f"{name} is .*allowed: .*{message}"):
        PageStyle(**knobs)


def test_styles_are_frozen_hashable_and_plain() -> None:
    style = random_style(np.random.default_rng(0))
    assert hash(style) == hash(replace(style))
    with pytest.raises(AttributeError):
        style.dpi = 100.0
    nested = (style.notes, style.wear, style.capture)
    for part in (style, *nested):
        for knob in fields(part):
            value = getattr(part, knob.name)
            assert value in nested or isinstance(value, (str, int, float, tuple, Layout, type(None)))


def test_random_styles_are_those_that_printers_make() -> None:
    styles = [random_style(np.random.default_rng(seed)) for seed in range(400)]
    assert 0.02 < np.mean([style.chest_gain is not None for style in styles]) < 0.2
    assert np.mean([style.speed == 25 for style in styles]) > 0.75
    assert 0 < np.mean([style.resolved_layout().name.startswith("custom") for style in styles]) < 0.1
    for style in styles:
        layout = style.resolved_layout()
        leads = [lead.removeprefix("-") for row in layout.rows for lead in row]
        assert len(set(leads)) == len(leads)
        if style.paper == "roll":
            assert layout.n_rows <= 4
        if style.chest_gain is not None:
            assert style.chest_gain == style.gain / 2
        if style.wrap is not None:
            assert layout.columns == 1
        # What a thermal head does, a stylus does not.
        assert not (style.pen_thinning and (style.dot_pitch or style.dead_dots))
