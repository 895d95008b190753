"""Teach the branches of the arrhythmia network what electrocardiograms look like, before any statement is learned.

``python -m papertrace.training.pretraining [--data DIR] [--mitbih DIR] [--out DIR] [--epochs N]``

Whole leads and spans of averaged beats, and spans of rhythm strips, are hidden, and the branches must tell what was
there: masked reconstruction (He et al. 2022, "Masked autoencoders are scalable vision learners"; for
electrocardiograms Na et al. 2024, "Guiding masked representation learning to capture spatio-temporal relationship").
No label is asked for, so every recording can teach: PTB-XL's folds 1 to 7, those whose millivolts are lost among them,
and MIT-BIH's DS1 as pages of two leads. ``pretraining.safetensors`` is what ``python -m papertrace.training.arrhythmia
--pretrained FILE`` begins with; the same command without it, with as many epochs and another ``--out``, is what it is
to be compared with, on fold 8. An interrupted run is taken up again by the same command.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.signal import resample_poly
from torch import Tensor, nn

from classify.records.segments import StripSegment
from classify.signal.inputs import BEAT_SAMPLES, FS, RHYTHM_SAMPLES, NetworkInput, input_from_segments
from classify.signal.network import BRANCHES, FORM_FEATURES, INPUTS, ORDER_FEATURES, ORDER_STRIDE, ArrhythmiaNetwork
from digitize.records.layouts import LEAD_NAMES
from papertrace.datasets import mitbih
from papertrace.datasets.mitbih import Recording, load_mitbih
from papertrace.datasets.recordings import load_records
from papertrace.training.arrhythmia import batch_of
from papertrace.training.experiment import (
    Experiment,
    configured,
    count_parameters,
    options,
    run_of,
    write_experiment,
)
from papertrace.training.loop import Configuration, Forward, Run, Trained, fit, shuffled
from papertrace.training.pages import TRAIN_FOLDS
from papertrace.training.views import Pool, disturb, load_noise, make_pool, pool_views

_LEADS = {"MLII": "II"}
"""MIT-BIH's modified limb lead is the nearest to lead II."""

_HIDDEN_SPAN = 20
_RHYTHM_SPAN = 40
_FLAT_MV = 0.05


@dataclass(frozen=True)
class Config(Configuration):
    """Everything that a run depends on, its data aside.

    Attributes
    ----------
    views : int
        Of every record of PTB-XL.
    strips : int
        Of every record of MIT-BIH.
    dropout : float
        Share of features dropped.
    leads, spans, rhythm : float
        Shares of the leads that are hidden, of the leads of which a fifth of a second is hidden, and of the rhythm
        strip's stretches of 0.4 s.
    shown : float
        Weight of what was not hidden.
    """

    epochs: int = 12
    batch: int = 32
    seed: int = 11
    rate: float = 2e-3
    decay: float = 0.02
    views: int = 4
    strips: int = 60
    dropout: float = 0.1
    leads: float = 0.4
    spans: float = 0.7
    rhythm: float = 0.35
    shown: float = 0.1


class Restorer(nn.Module):
    """The network's branches, each with a layer that tells what was hidden.

    Parameters
    ----------
    dropout : float

    Examples
    --------
    >>> beats, rhythm = torch.zeros(2, 12, BEAT_SAMPLES), torch.zeros(2, RHYTHM_SAMPLES)
    >>> told = Restorer(0.0).eval()(beats, beats, rhythm, rhythm, torch.tensor([1, 6]))
    >>> [tuple(part.shape) for part in told]
    [(2, 12, 100), (2, 1000)]
    """

    def __init__(self, dropout: float) -> None:
        super().__init__()
        self.network = ArrhythmiaNetwork(1, dropout)
        self.beats = nn.Linear(FORM_FEATURES, len(LEAD_NAMES) * BEAT_SAMPLES)
        self.rhythm = nn.Linear(ORDER_FEATURES, ORDER_STRIDE)

    def forward(
        self, beats: Tensor, beats_seen: Tensor, rhythm: Tensor, rhythm_seen: Tensor, rhythm_lead: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Averaged beats (B, 12, BEAT_SAMPLES) and rhythm strips (B, 1000), from what is left of them."""
        form = self.beats(self.network.read_form(beats, beats_seen)).unflatten(1, (len(LEAD_NAMES), BEAT_SAMPLES))
        order = self.rhythm(self.network.read_order(rhythm, rhythm_seen, rhythm_lead)).flatten(1)
        return form, order

    def branches(self) -> dict[str, Tensor]:
        """Weights that `papertrace.training.arrhythmia` begins with."""
        return {name: part for name, part in self.network.state_dict().items() if name.startswith(BRANCHES)}


def hide(config: Config, n: int, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
    """Draw what is hidden of some views.

    Parameters
    ----------
    config : Config
    n : int
    rng : numpy.random.Generator

    Returns
    -------
    beats : tensor, shape (n, 12, BEAT_SAMPLES), float32
        1 where the averaged beats stay, 0 where they are hidden: whole leads, and the same span of several.
    rhythm : tensor, shape (n, 1000), float32
    """
    leads = len(LEAD_NAMES)
    beats = np.repeat(rng.random((n, leads, 1)) >= config.leads, BEAT_SAMPLES, axis=2)
    first = rng.integers(0, BEAT_SAMPLES - _HIDDEN_SPAN + 1, (n, 1, 1))
    inside = (np.arange(BEAT_SAMPLES) >= first) & (np.arange(BEAT_SAMPLES) < first + _HIDDEN_SPAN)
    beats &= ~(inside & (rng.random((n, leads, 1)) < config.spans))
    rhythm = np.repeat(rng.random((n, RHYTHM_SAMPLES // _RHYTHM_SPAN)) >= config.rhythm, _RHYTHM_SPAN, axis=1)
    return torch.from_numpy(beats.astype(np.float32)), torch.from_numpy(rhythm.astype(np.float32))


def loss_of(told: Tensor, true: Tensor, sure: Tensor, kept: Tensor, shown: float) -> Tensor:
    """Mean squared error in units of each view's own size, where something is known.

    Parameters
    ----------
    told, true : tensor, shape (B, ..., n)
        Millivolts.
    sure : tensor, of the same shape
        How sure `true` is, 0 to 1.
    kept : tensor, of the same shape
        1 where it was not hidden; there it weighs `shown`.
    shown : float

    Returns
    -------
    tensor, shape ()

    Examples
    --------
    >>> true, sure = torch.ones(1, 4), torch.tensor([[1.0, 1, 0, 0]])
    >>> round(float(loss_of(torch.zeros(1, 4), true, sure, torch.zeros(1, 4), 0.1)), 2)
    0.91
    """
    weight = sure * (1 - (1 - shown) * kept)
    size = true.flatten(1).square().mean(1).sqrt() + _FLAT_MV
    error = ((told - true).flatten(1) / size[:, None]).square() * weight.flatten(1)
    return error.sum() / weight.sum().clamp_min(1)


def views_of(
    recordings: Sequence[Recording], strips: int, seed: int, noise: NDArray[np.float32] | None
) -> tuple[list[NetworkInput], list[int]]:
    """Show strips of MIT-BIH as pages with two leads of ten seconds.

    Parameters
    ----------
    recordings : sequence of Recording
    strips : int
        Of each.
    seed : int
    noise : ndarray, shape (kinds, n), float32, or None
        See `papertrace.training.views.load_noise`.

    Returns
    -------
    views : list of NetworkInput
    of : list of int
        The recording of each.
    """
    rng = np.random.default_rng(seed)
    views, of = [], []
    for number, recording in enumerate(recordings):
        slow = np.asarray(resample_poly(np.nan_to_num(recording.signal), FS, recording.fs, axis=1), np.float32)
        names = [_LEADS.get(lead, lead) for lead in recording.leads]
        for start in rng.integers(0, slow.shape[1] - RHYTHM_SAMPLES + 1, strips):
            page = np.zeros((len(LEAD_NAMES), RHYTHM_SAMPLES), np.float32)
            rows = [LEAD_NAMES.index(name) for name in names if name in LEAD_NAMES]
            page[rows] = slow[[name in LEAD_NAMES for name in names], start : start + RHYTHM_SAMPLES]
            page = disturb(page, rng, noise)
            views.append(input_from_segments([StripSegment(LEAD_NAMES[row], page[row]) for row in rows], FS))
            of.append(number)
    return views, of


Hidden = tuple[dict[str, Tensor], Tensor, Tensor]
"""The network's inputs by their names, and what stays of beats and of rhythm strips, see `hide`."""


def train(pools: Sequence[Pool], config: Config, run: Run) -> Trained[Restorer]:
    """Fit the branches.

    Parameters
    ----------
    pools : sequence of Pool
        Whose records are numbered on from one to the next; an epoch takes a view of each record.
    config : Config
    run : Run

    Returns
    -------
    Trained

    Raises
    ------
    ValueError
        If there is a checkpoint of another configuration.
    """

    def draw(chosen: NDArray[np.intp], rng: np.random.Generator) -> Hidden:
        given = dict(zip(INPUTS, batch_of(pools, chosen, rng), strict=True))
        return given, *hide(config, len(chosen), rng)

    def loss(network: Forward, batch: Hidden) -> dict[str, Tensor]:
        given, kept_beats, kept_rhythm = batch
        beats, rhythm = network(
            given["beats"] * kept_beats,
            given["beats_seen"] * kept_beats,
            given["rhythm"] * kept_rhythm,
            given["rhythm_seen"] * kept_rhythm,
            given["rhythm_lead"],
        )
        return {
            "beats": loss_of(beats, given["beats"], given["beats_seen"], kept_beats, config.shown),
            "rhythm": loss_of(rhythm, given["rhythm"], given["rhythm_seen"], kept_rhythm, config.shown),
        }

    records = np.unique(np.concatenate([pool.record for pool in pools]))
    batches = shuffled(records, config.batch, draw, least=config.batch)
    return fit(lambda: Restorer(config.dropout), config, batches, loss, run=run)


def main(arguments: list[str] | None = None) -> None:
    """Run the command.

    Parameters
    ----------
    arguments : list of str, optional
        By default those of the command line.
    """
    parser = options("pretraining", str(__doc__), Config, {"views": "views of each record of PTB-XL"})
    parser.add_argument(
        "--mitbih",
        type=Path,
        default=mitbih.data_folder(),
        help="MIT-BIH's folder; left out where it is missing (default: %(default)s)",
    )
    chosen = parser.parse_args(arguments)
    config = configured(Config, chosen)
    noise = load_noise(chosen.data.parent / "noise")
    records = load_records(chosen.data, TRAIN_FOLDS)
    recordings = load_mitbih(chosen.mitbih) if chosen.mitbih.is_dir() else ()
    pools = [make_pool(records, config.views, config.seed, noise)]
    if recordings:
        views, of = views_of(recordings, config.strips, config.seed, noise)
        # A strip is a record of its own: each is shown once an epoch.
        pools.append(pool_views(views, len(records) + np.arange(len(of))))
    print(f"{len(records)} records of PTB-XL, {len(recordings)} of MIT-BIH; on {chosen.device}")
    trained = train(pools, config, run_of("pretraining", chosen))
    experiment = Experiment(
        configuration=config,
        data={
            "PTB-XL, CC BY 4.0 (Wagner et al. 2020)": {
                "records": len(records),
                "of these without millivolts": int((~records.millivolts).sum()),
            },
            "MIT-BIH, DS1, ODC-By 1.0 (Moody and Mark 2001)": {"records": [one.name for one in recordings]},
        },
        folds={"train": TRAIN_FOLDS},
        figures=trained.history[-1],
        fits={"pretraining": trained},
        parameters=count_parameters(trained.network),
        device=chosen.device,
    )
    write_experiment(chosen.out, "pretraining", trained.network.branches(), experiment)


if __name__ == "__main__":
    main()
