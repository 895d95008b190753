"""Train the arrhythmia network: ``python -m training.arrhythmia [--data DIR] [--out DIR] [--epochs N]``.

Folds 1 to 7 train, fold 8 chooses the epoch, the temperature and the thresholds, fold 9 is scored once at the end. Each
record is seen as a page would show it, in a new layout every time, with half of the windows cut anywhere in the record.
An interrupted run is taken up again by the same command. The two files that it leaves belong in ``classify/weights``.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import save
from tqdm import tqdm

from classify.network import ArrhythmiaNetwork, read_views, stack_views
from classify.statements import CODES, STATEMENTS, group_indices
from classify.view import FS, Piece, View, cut_to_layout, view_pieces
from digitize.layouts import LEAD_NAMES
from digitize.weights import hash_of
from training.fitting import load_checkpoint, move_average, save_checkpoint
from training.ptbxl import Records, data_folder, load_ptbxl
from training.scores import auroc, best_f1_thresholds

TRAIN_FOLDS, CHOICE_FOLD, REPORT_FOLD = (1, 2, 3, 4, 5, 6, 7), 8, 9

PAGE = "3x4+II"
"""The layout that chooses and reports: the commonest one."""

# Statements about voltages teach nothing on records whose millivolts are lost: there they are left out of the loss.
_VOLTAGE = tuple(CODES.index(code) for code in ("HYP", "LVH", "VCLVH", "LOWT"))

# Rectangle, whether rhythm strips stand below, and how often.
_LAYOUTS = (
    ("3x4", True, 0.6),
    ("3x4", False, 0.08),
    ("6x2", True, 0.05),
    ("6x2", False, 0.07),
    ("12x1", False, 0.1),
    ("2x6", True, 0.05),
    ("4x3", True, 0.05),
)

_RHYTHM_LEADS = [{"II": 0.72, "V1": 0.15}.get(lead, 0.013) for lead in LEAD_NAMES]


@dataclass(frozen=True)
class Config:
    """Everything that a run depends on, its data aside.

    Attributes
    ----------
    epochs, batch_size, seed : int
    learning_rate : float
        Highest rate of the one-cycle schedule.
    weight_decay, dropout : float
    ema : float
        Decay of the running average of the weights, a step; the average is what is chosen and kept.
    patience : int
        Epochs without a better fold 8 after which the run stops.
    """

    epochs: int = 32
    batch_size: int = 32
    seed: int = 7
    learning_rate: float = 2e-3
    weight_decay: float = 0.02
    dropout: float = 0.2
    ema: float = 0.998
    patience: int = 12


@dataclass(frozen=True)
class Trained:
    """A finished fit.

    Attributes
    ----------
    network : ArrhythmiaNetwork
        With the averaged weights of the best epoch.
    history : tuple of dict
        Loss and fold-8 figures, epoch by epoch.
    """

    network: ArrhythmiaNetwork
    history: tuple[dict[str, float], ...]


def with_donor_scale(signal: NDArray[np.float32], donor: NDArray[np.float32]) -> NDArray[np.float32]:
    """Give a record that lost its millivolts the amplitudes of another one.

    Parameters
    ----------
    signal, donor : ndarray, shape (12, n)
        The record (its limb leads in proportion, see `training.ptbxl.restore_limb_ratios`) and one in millivolts.

    Returns
    -------
    ndarray, shape (12, n), float32
        The limb leads with the donor's lead II, each chest lead with the donor's standard deviation.
    """
    wanted, own = donor.std(1), signal.std(1)
    wanted[:6], own[:6] = wanted[1], own[1]
    return (signal * (wanted / np.maximum(own, 1e-3))[:, None]).astype(np.float32)


def _disturb(signal: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
    """Do a little of what body, paper and scanner do: gain, speed, blur, wander, noise."""
    n = signal.shape[1]
    out = signal * np.exp(rng.normal(0, 0.06) + rng.normal(0, 0.03, (12, 1))).astype(np.float32)
    if rng.random() < 0.3:
        at = (n - 1) / 2 + (np.arange(n) - (n - 1) / 2) * rng.uniform(0.96, 1.0)
        left = np.minimum(at.astype(int), n - 2)
        share = (at - left).astype(np.float32)
        out = out[:, left] * (1 - share) + out[:, left + 1] * share
    if rng.random() < 0.4:
        side = np.float32(rng.uniform(0, 0.3))
        out[:, 1:-1] = (1 - 2 * side) * out[:, 1:-1] + side * (out[:, :-2] + out[:, 2:])
    if rng.random() < 0.5:
        cycles = rng.uniform(0.05, 0.5) * n / FS
        phase = rng.uniform(0, 2 * np.pi, (12, 1))
        amplitude = rng.exponential(0.04, (12, 1))
        out = out + (amplitude * np.sin(phase + np.linspace(0, 2 * np.pi * cycles, n))).astype(np.float32)
    if rng.random() < 0.5:
        out = out + rng.standard_normal(out.shape, dtype=np.float32) * np.float32(rng.exponential(0.015))
    return out.astype(np.float32)


def _drop(pieces: list[Piece], rng: np.random.Generator) -> list[Piece]:
    """Lose some leads, or hide a moment of a strip, as a page may."""
    chance = rng.random()
    if chance < 0.12:
        lost = set(rng.choice(LEAD_NAMES, rng.integers(1, 4), replace=False))
    elif chance < 0.15:
        lost = set(LEAD_NAMES[:6] if rng.random() < 0.5 else LEAD_NAMES[6:])
    else:
        lost = set()
    kept = [piece for piece in pieces if piece.lead not in lost]
    if rng.random() < 0.15:
        which = rng.integers(len(kept))
        hidden = kept[which].signal.copy()
        start = rng.integers(len(hidden))
        hidden[start : start + rng.integers(5, 50)] = np.nan
        if np.isfinite(hidden).sum() > FS:
            kept[which] = Piece(kept[which].lead, hidden)
    return kept


def training_views(signals: NDArray[np.float32], rng: np.random.Generator) -> list[View]:
    """Show each record as a page, all in one layout so that they can be batched.

    Parameters
    ----------
    signals : ndarray, shape (batch, 12, 1000)
        Millivolts at 100 Hz.
    rng : numpy.random.Generator

    Returns
    -------
    list of View
    """
    rectangle, has_rhythm, _ = _LAYOUTS[rng.choice(len(_LAYOUTS), p=[share for *_, share in _LAYOUTS])]
    columns = int(rectangle.split("x")[1])
    length = signals.shape[2] // columns
    trim_left, trim_right = rng.integers(0, 6, 2)
    views = []
    for signal in signals:
        layout = rectangle
        if has_rhythm:
            layout += f"+{rng.choice(LEAD_NAMES, p=_RHYTHM_LEADS)}"
        starts = rng.integers(0, signal.shape[1] - length + 1, columns).tolist() if rng.random() < 0.5 else None
        pieces = [
            Piece(piece.lead, piece.signal[trim_left : len(piece.signal) - trim_right])
            for piece in cut_to_layout(_disturb(signal, rng), layout, starts)
        ]
        views.append(view_pieces(_drop(pieces, rng), FS))
    return views


def page_views(records: Records, layout: str = PAGE) -> list[View]:
    """Show each record's true signal as one layout does.

    Parameters
    ----------
    records : Records
    layout : str

    Returns
    -------
    list of View
    """
    return [view_pieces(cut_to_layout(signal, layout), FS) for signal in records.signals]


def macro_auroc(truth: NDArray[np.float32], score: NDArray[np.float32]) -> dict[str, float]:
    """Mean AUROC of the superclasses, of the rhythm statements and of all statements.

    Parameters
    ----------
    truth, score : ndarray, shape (n, statements)

    Returns
    -------
    dict of str to float
        ``superclass``, ``rhythm`` and ``all``; NaN where no statement can be judged.
    """
    each = auroc(truth, score)
    groups = {"superclass": each[list(group_indices("superclass"))], "rhythm": each[list(group_indices("rhythm"))]}
    groups["all"] = each
    return {
        name: float(np.nanmean(values)) if np.isfinite(values).any() else float("nan")
        for name, values in groups.items()
    }


def _epoch_signals(
    records: Records, chosen: NDArray[np.int64], donors: dict[bytes, NDArray[np.int64]], rng: np.random.Generator
) -> NDArray[np.float32]:
    """Signals of some records, those without millivolts scaled like a donor with the same superclasses."""
    superclasses = list(group_indices("superclass"))
    signals = records.signals[chosen]
    for place, record in enumerate(chosen):
        if not records.millivolts[record]:
            same = donors.get(records.labels[record, superclasses].tobytes(), donors[b""])
            signals[place] = with_donor_scale(signals[place], records.signals[rng.choice(same)])
    return signals


def _donors(records: Records) -> dict[bytes, NDArray[np.int64]]:
    """Group the records in millivolts by their superclasses; all of them under the empty key."""
    known = np.flatnonzero(records.millivolts)
    keys = [records.labels[i, list(group_indices("superclass"))].tobytes() for i in known]
    donors = {key: known[[k == key for k in keys]] for key in set(keys)}
    donors[b""] = known
    return donors


def train(
    records: Records,
    choice: Records,
    config: Config,
    checkpoint: Path,
    on_epoch: Callable[[dict[str, float]], None],
    device: str = "cpu",
) -> Trained:
    """Fit the network, taking up `checkpoint` where it exists.

    Every epoch draws from its own seed, so an interrupted run ends with the same weights as an uninterrupted one on
    the same machine.

    Parameters
    ----------
    records, choice : Records
        Training records and those that choose the epoch (all in millivolts).
    config : Config
    checkpoint : Path
        Written after every epoch.
    on_epoch : callable
        Called with the figures of every epoch, after its checkpoint is written.
    device : str
        ``"cpu"`` or ``"cuda"``.

    Returns
    -------
    Trained

    Raises
    ------
    ValueError
        If `checkpoint` is of another configuration, or no training record is in millivolts.
    """
    if not records.millivolts.any():
        raise ValueError("no training record is in millivolts; at least one is needed")
    torch.manual_seed(config.seed)
    network = ArrhythmiaNetwork(config.dropout).to(device)
    averaged = ArrhythmiaNetwork(config.dropout).to(device)
    averaged.load_state_dict(network.state_dict())
    optimiser = torch.optim.AdamW(network.parameters(), config.learning_rate, weight_decay=config.weight_decay)
    steps_an_epoch = max(1, len(records) // config.batch_size)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, config.learning_rate, total_steps=config.epochs * steps_an_epoch + 1, pct_start=0.15
    )
    history: list[dict[str, float]] = []
    best: dict[str, Any] = {"score": -1.0, "epoch": -1, "state": None}
    saved = load_checkpoint(checkpoint, asdict(config), device)
    if saved is not None:
        network.load_state_dict(saved["network"])
        averaged.load_state_dict(saved["averaged"])
        optimiser.load_state_dict(saved["optimiser"])
        schedule.load_state_dict(saved["schedule"])
        history, best = saved["history"], saved["best"]

    labels = torch.from_numpy(records.labels)
    weights = torch.ones_like(labels)
    for voltage in _VOLTAGE:
        weights[~records.millivolts, voltage] = 0
    donors = _donors(records)
    choice_views = page_views(choice)
    for epoch in range(len(history), config.epochs):
        if epoch - best["epoch"] > config.patience:
            break
        rng = np.random.default_rng((config.seed, epoch))
        torch.manual_seed(config.seed * 1000 + epoch)
        network.train()
        order = rng.permutation(len(records))
        losses = []
        for step in tqdm(range(steps_an_epoch), desc=f"epoch {epoch + 1}", leave=False, disable=None):
            chosen = order[step * config.batch_size : (step + 1) * config.batch_size]
            views = training_views(_epoch_signals(records, chosen, donors, rng), rng)
            logits = network(*(tensor.to(device) for tensor in stack_views(views)))
            loss = torch.nn.functional.binary_cross_entropy_with_logits(
                logits, labels[chosen].to(device), weights[chosen].to(device)
            )
            optimiser.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            optimiser.step()
            schedule.step()
            losses.append(float(loss.detach()))
            done = epoch * steps_an_epoch + step
            move_average(averaged, network, min(config.ema, (done + 1) / (done + 10)))
        figures = macro_auroc(choice.labels, read_views(averaged, choice_views))
        history.append({"epoch": epoch + 1, "loss": float(np.mean(losses)), **figures})
        score = (figures["superclass"] + figures["all"]) / 2
        # Written so that a score that is NaN, for want of positives, keeps the last epoch.
        if not score <= best["score"]:
            state = {name: tensor.clone() for name, tensor in averaged.state_dict().items()}
            best = {"score": score, "epoch": epoch, "state": state}
        save_checkpoint(
            checkpoint,
            asdict(config),
            {
                "network": network.state_dict(),
                "averaged": averaged.state_dict(),
                "optimiser": optimiser.state_dict(),
                "schedule": schedule.state_dict(),
                "history": history,
                "best": best,
            },
        )
        on_epoch(history[-1])
    averaged.load_state_dict(best["state"])
    return Trained(averaged.cpu().eval(), tuple(history))


def fit_temperature(truth: NDArray[np.float32], logits: NDArray[np.float32]) -> float:
    """Find the temperature that makes the probabilities fit best (Guo et al. 2017).

    Parameters
    ----------
    truth, logits : ndarray, shape (n, statements)

    Returns
    -------
    float
        Logits divided by it have the least cross-entropy.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> logits = rng.normal(0, 2, (4000, 1))
    >>> truth = rng.random((4000, 1)) < 1 / (1 + np.exp(-logits))
    >>> round(fit_temperature(truth, 3 * logits))
    3
    """
    from scipy.optimize import minimize_scalar

    def cross_entropy(log_temperature: float) -> float:
        scaled = np.asarray(logits, np.float64) * np.exp(-log_temperature)
        return float(np.mean(np.logaddexp(0, scaled) - truth * scaled))

    return float(np.exp(minimize_scalar(cross_entropy, bounds=(-3, 3), method="bounded").x))


def _commit() -> str | None:
    command = ["git", "-C", str(Path(__file__).parent), "rev-parse", "HEAD"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return None


def write_weights(
    out: Path, trained: Trained, config: Config, train_records: Records, choice: Records, report: Records
) -> dict[str, Any]:
    """Calibrate on fold 8, score fold 9, and write ``arrhythmia.safetensors`` and its record ``arrhythmia.json``.

    Parameters
    ----------
    out : Path
        Folder to write into.
    trained : Trained
    config : Config
    train_records, choice, report : Records
        Folds 1 to 7, 8 and 9.

    Returns
    -------
    dict
        What the ``.json`` holds.
    """
    choice_logits = read_views(trained.network, page_views(choice))
    temperature = fit_temperature(choice.labels, choice_logits)
    thresholds = best_f1_thresholds(choice.labels, 1 / (1 + np.exp(-choice_logits / temperature)))
    weights = save(trained.network.state_dict())
    record = {
        **hash_of(weights),
        "temperature": temperature,
        "statements": [
            {
                **asdict(statement),
                "threshold": float(thresholds[i]),
                "positives": {
                    "train": int(train_records.labels[:, i].sum()),
                    "fold 8": int(choice.labels[:, i].sum()),
                    "fold 9": int(report.labels[:, i].sum()),
                },
            }
            for i, statement in enumerate(STATEMENTS)
        ],
        "figures": {
            "measure": f"macro AUROC on the true signal cut to {PAGE}",
            "fold 8": macro_auroc(choice.labels, choice_logits),
            "fold 9": macro_auroc(report.labels, read_views(trained.network, page_views(report))),
        },
        "data": {
            "source": "PTB-XL, CC BY 4.0 (Wagner et al. 2020)",
            "train": {
                "folds": list(TRAIN_FOLDS),
                "records": len(train_records),
                "of these without millivolts": int((~train_records.millivolts).sum()),
            },
            "fold 8": {"records": len(choice)},
            "fold 9": {"records": len(report)},
        },
        "config": asdict(config),
        "layouts": [
            {"rectangle": rectangle, "rhythm strip": rhythm, "share": share} for rectangle, rhythm, share in _LAYOUTS
        ],
        "history": list(trained.history),
        "commit": _commit(),
        "software": {"python": platform.python_version(), "torch": torch.__version__, "numpy": np.__version__},
    }
    out.mkdir(parents=True, exist_ok=True)
    text = json.dumps(record, indent=1).encode() + b"\n"
    for name, content in (("arrhythmia.safetensors", weights), ("arrhythmia.json", text)):
        unfinished = out / f"{name}.tmp"
        unfinished.write_bytes(content)
        os.replace(unfinished, out / name)
    return record


def main(arguments: list[str] | None = None) -> None:
    """Run the command.

    Parameters
    ----------
    arguments : list of str, optional
        By default those of the command line.
    """
    parser = argparse.ArgumentParser(prog="python -m training.arrhythmia", description="Train the arrhythmia network.")
    parser.add_argument("--data", type=Path, default=data_folder(), help="PTB-XL's folder (default: %(default)s)")
    parser.add_argument(
        "--out",
        type=Path,
        default=Path("runs/arrhythmia"),
        help="folder for weights, record and checkpoint; what classify reads is in classify/weights "
        "(default: %(default)s)",
    )
    parser.add_argument("--epochs", type=int, default=Config.epochs, help="(default: %(default)s)")
    chosen = parser.parse_args(arguments)
    config = Config(epochs=chosen.epochs)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    records = load_ptbxl(chosen.data, (*TRAIN_FOLDS, CHOICE_FOLD, REPORT_FOLD))
    train_records = records.take(np.isin(records.folds, TRAIN_FOLDS))
    choice = records.take((records.folds == CHOICE_FOLD) & records.millivolts)
    report = records.take((records.folds == REPORT_FOLD) & records.millivolts)
    for part, fold in ((choice, CHOICE_FOLD), (report, REPORT_FOLD)):
        if not len(part):
            parser.error(f"{chosen.data}: no record of fold {fold} in millivolts has its files there; some are needed")
    print(f"{len(train_records)} records to train on, {len(choice)} to choose, {len(report)} to report; on {device}")
    started = time.monotonic()

    def show(figures: dict[str, float]) -> None:
        told = ", ".join(f"{name} {value:.4f}" for name, value in figures.items() if name != "epoch")
        tqdm.write(f"epoch {figures['epoch']:.0f}: {told}; {(time.monotonic() - started) / 60:.1f} min")

    chosen.out.mkdir(parents=True, exist_ok=True)
    checkpoint = chosen.out / "arrhythmia.checkpoint"
    trained = train(train_records, choice, config, checkpoint, show, device)
    record = write_weights(chosen.out, trained, config, train_records, choice, report)
    checkpoint.unlink()
    print(json.dumps(record["figures"], indent=1))


if __name__ == "__main__":
    main()
