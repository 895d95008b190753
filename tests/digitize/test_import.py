from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = ("torch", "scipy", "matplotlib", "pandas", "cv2", "skimage", "PIL", "wfdb", "neurokit2", "tqdm")


@pytest.mark.parametrize("module", ["digitize", "classify", "papertrace", "papertrace.cli.app"])
def test_heavy_libraries_come_with_their_first_use(module):
    """What makes an import slow is named, not timed: a busy machine does not fail this."""
    code = f"import sys, {module}; print(*(name for name in {HEAVY} if name in sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


def test_an_import_costs_little_more_than_numpy():
    """Seconds of the processor, the best of five each, so that other work on the machine counts little."""
    code = "import time, sys; start = time.process_time(); import {}; print(time.process_time() - start)"

    def seconds(module: str) -> float:
        runs = [
            subprocess.run([sys.executable, "-c", code.format(module)], capture_output=True, text=True, check=True)
            for _ in range(5)
        ]
        return min(float(run.stdout) for run in runs)

    numpy = seconds("numpy")
    assert seconds("digitize") < numpy + 0.25 and seconds("papertrace") < numpy + 0.25
