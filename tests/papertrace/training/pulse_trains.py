"""Made-up recordings that a network learns in seconds, and how it is fitted on them."""

from __future__ import annotations

import numpy as np

from classify.signal.inputs import FS
from classify.statements import CODES
from papertrace.datasets.ptbxl import Records
from papertrace.training.arrhythmia import Config

CONFIG = Config(
    members=1, epochs=3, batch=8, views=2, pages=0, rate=3e-3, dropout=0.0, average=0.9, mixed=0.05, aside=0.1
)


def records(n: int, seed: int, normalized: bool = False) -> Records:
    """Pulse trains whose rate and height decide the labels."""
    rng = np.random.default_rng(seed)
    fast = rng.random(n) < 0.5
    high = rng.random(n) < 0.5
    time = np.arange(1000) / FS
    signals = np.stack([
        (1 + 2 * h) * (np.sin(2 * np.pi * (2.2 if f else 0.9) * time + rng.uniform(0, 6)) > 0.95) * np.ones((12, 1))
        for f, h in zip(fast, high, strict=True)
    ])  # fmt: skip
    labels = np.zeros((n, len(CODES)), np.float32)
    labels[:, CODES.index("STACH")], labels[:, CODES.index("SR")] = fast, ~fast
    labels[:, CODES.index("HYP")], labels[:, CODES.index("NORM")] = high, ~high
    known = np.ones(n, bool)
    if normalized:
        known[1::2] = False
    return Records(
        ids=np.arange(n),
        folds=np.ones(n, np.int64),
        signals=signals.astype(np.float32),
        millivolts=known,
        codes=tuple({"AFLT": 0.0} if place < 12 else {} for place in range(n)),
        labels=labels,
        ages=np.where(np.arange(n) == 3, np.nan, 50).astype(np.float32),
        women=rng.random(n) < 0.5,
        axes=("MID", "LAD", None, "MID") * (n // 4),
        paths_500=(None,) * n,
    )
