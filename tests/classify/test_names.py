from __future__ import annotations

from pathlib import Path

import pytest

import classify


@pytest.mark.parametrize(
    ("old", "new"), [("diagnose", "interpret"), ("Diagnosis", "Interpretation"), ("Finding", "StatementResult")]
)
def test_old_names_still_work_and_tell_the_new_ones(old, new):
    with pytest.warns(DeprecationWarning, match=f"^classify.{old} is now classify.{new}$") as told:
        assert getattr(classify, old) is getattr(classify, new)
    assert told[0].filename == __file__


def test_there_are_no_other_names():
    with pytest.raises(AttributeError, match="module 'classify' has no attribute 'diagnoses'"):
        classify.diagnoses  # noqa: B018


def test_no_function_hides_a_module():
    """Both would be reached by the same name, and which one depends on what was imported before."""
    for name in classify.__all__:
        assert not list(Path(classify.__file__).parent.glob(f"{name}.py")), name
