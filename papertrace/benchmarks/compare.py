"""Compare two states of the code: ``python -m papertrace.benchmarks compare BASE [HEAD] [options]``.

Checks both commits out, lets each read the same pages on this machine (`papertrace.benchmarks.stages`), and tells stage
by stage where they differ: a step that moves code must differ nowhere, bit for bit, and one that mends something shows
which pages it touched and what became of them. HEAD is the working tree by default. No digest is committed, because
processors round differently. Pages: the samples, PTB-XL records of fold 9 printed by every preset, and, where they are
there, the pages of the data folder.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import math
import os
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import gettempdir
from typing import Any

import numpy as np
from numpy.typing import NDArray

from digitize.records.page import PageError
from papertrace.benchmarks.options import parser_for, whole_number
from papertrace.benchmarks.report import Section, Table
from papertrace.benchmarks.stages import FS, STAGES, Order
from papertrace.datasets.pages import KINDS, PageFile, find_pages, read_truth
from papertrace.datasets.ptbxl import data_folder
from papertrace.datasets.recordings import find_recordings
from papertrace.metrics.digitization import score_page
from papertrace.synth.presets import PRESETS

ROOT = Path(__file__).resolve().parents[2]

PRINTED = "printed"
"""Pages that the compared code prints itself."""

_TRUSTED = ("good", "usable")


@dataclass(frozen=True, eq=False)
class Seen:
    """Result of a tree on a page.

    Attributes
    ----------
    digests, facts : dict
        See `papertrace.benchmarks.stages.look_at`.
    aligned : float
        Mean aligned ratio, dB; NaN where nobody knows the truth.
    right : bool or None
        See `papertrace.metrics.digitization.PageScore`; None where nobody knows the truth.
    """

    digests: dict[str, str]
    facts: dict[str, Any]
    aligned: float
    right: bool | None

    @property
    def trusted(self) -> bool:
        """Whether the page is called good or usable."""
        return self.facts.get("verdict") in _TRUSTED

    def brief(self) -> str:
        """Say in a few words what became of the page."""
        if "error" in self.facts:
            return str(self.facts["error"]).removeprefix("page: ")
        score = "" if math.isnan(self.aligned) else f", {self.aligned:.1f} dB{'' if self.right else ', not right'}"
        return f"{self.facts['layout']}, {self.facts['verdict']}{score}"


def find_orders(data: Path, groups: Sequence[str], printed: int, every: int) -> list[Order]:
    """List the pages to read.

    Parameters
    ----------
    data : Path
        Folder of the data; kinds that it lacks are left out.
    groups : sequence of str
        Kinds of pages.
    printed : int
        Pages to print, in turn from every preset.
    every : int
        Only every so many pages of a kind is taken.

    Returns
    -------
    list of Order

    Examples
    --------
    >>> [order.name for order in find_orders(Path("nowhere"), ["samples"], 0, 4)]
    ['00024_hr.png', '02988_hr.png']
    """
    orders = []
    for kind in KINDS:
        if kind in groups:
            orders += [
                Order(page.name, page.kind, str(page.file), page.index, truth=str(page.truth or ""))
                for page in find_pages(data, (kind,))[::every]
            ]
    if PRINTED in groups and (data / "ptb-xl").is_dir():
        records = find_recordings(data / "ptb-xl", (9,))
        for seed, preset in zip(range(0, printed, every), itertools.cycle(PRESETS), strict=False):
            record = str(records[seed % len(records)])
            orders.append(Order(f"{preset}-{seed}", PRINTED, record, preset=preset, seed=seed))
    return orders


def _truth_of(order: Order) -> NDArray[np.float64] | None:
    """Millivolts that a page shows; None where nobody knows."""
    if not order.truth:
        return None
    return read_truth(PageFile(order.group, order.name, Path(order.file), order.index, Path(order.truth)))


def look(commit: str | None, orders: Sequence[Order], cache: Path, jobs: int) -> list[Path]:
    """Let a tree read the pages.

    Parameters
    ----------
    commit : str or None
        A commit, checked out under the cache; the working tree where None, whose results are not kept.
    orders : sequence of Order
    cache : Path
    jobs : int
        Pages at a time.

    Returns
    -------
    list of Path
        One file a page.
    """
    wanted = json.dumps([asdict(order) for order in orders])
    tree, out = ROOT, cache / "working-tree"
    if commit is None:
        shutil.rmtree(out, ignore_errors=True)
    else:
        sha = _git("rev-parse", "--verify", f"{commit}^{{commit}}")
        tree = cache / f"tree-{sha[:12]}"
        if not tree.is_dir():
            _git("worktree", "add", "--detach", str(tree), sha)
        out = cache / f"{sha[:12]}-{hashlib.sha256(wanted.encode()).hexdigest()[:12]}"
    module = "papertrace.benchmarks.stages" if (tree / "papertrace").is_dir() else "benchmarks.stages"
    environment = {**os.environ, "PYTHONPATH": str(tree), "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}

    def work(part: int) -> list[Path]:
        folder = out / f"{part}-of-{jobs}"
        folder.mkdir(parents=True, exist_ok=True)
        share = folder / "orders.json"
        share.write_text(json.dumps([asdict(order) for order in orders[part::jobs]]), encoding="utf-8")
        subprocess.run([sys.executable, "-m", module, share, folder], cwd=tree, env=environment, check=True)
        return [folder / f"{number:05d}.npz" for number in range(len(orders[part::jobs]))]

    with ThreadPoolExecutor(jobs) as pool:
        shares = list(pool.map(work, range(jobs)))
    return [file for together in itertools.zip_longest(*shares) for file in together if file is not None]


def _git(*command: str) -> str:
    return subprocess.run(["git", "-C", str(ROOT), *command], capture_output=True, text=True, check=True).stdout.strip()


def read_seen(file: Path, order: Order) -> Seen:
    """Read what a tree made of a page, and score it.

    Parameters
    ----------
    file : Path
        See `papertrace.benchmarks.stages`.
    order : Order

    Returns
    -------
    Seen
    """
    with np.load(file) as kept:
        signal, printed = kept["signal"].astype(np.float64), kept["truth"].astype(np.float64)
        digests, facts = json.loads(str(kept["digests"])), json.loads(str(kept["facts"]))
    truth = printed if printed.shape[1] else _truth_of(order)
    if truth is None or not np.isfinite(truth).any():
        return Seen(digests, facts, math.nan, None)
    if not signal.shape[1]:
        return Seen(digests, facts, 0.0, False)
    score = score_page(truth, signal, FS)
    return Seen(digests, facts, score.aligned_mean, score.right)


def first_difference(base: Seen, head: Seen) -> str | None:
    """Name the first stage at which two trees differ; None where they are equal to the end.

    Parameters
    ----------
    base, head : Seen

    Returns
    -------
    str or None
        One of `papertrace.benchmarks.stages.STAGES`, or ``"error"``.

    Examples
    --------
    >>> one, other = (Seen({"picture": "a", "ink": ink}, {}, math.nan, None) for ink in "bc")
    >>> first_difference(one, one), first_difference(one, other)
    (None, 'ink')
    """
    for stage in STAGES:
        if base.digests.get(stage) != head.digests.get(stage):
            return stage
    return None if base.facts == head.facts else "error"


def report(orders: Sequence[Order], base: Sequence[Seen], head: Sequence[Seen]) -> Section:
    """Describe what differs.

    Parameters
    ----------
    orders : sequence of Order
    base, head : sequence of Seen

    Returns
    -------
    Section
        A table of the kinds of pages, and one of the pages whose layout, verdict, rightness or error is another.
    """
    pages = list(zip(orders, base, head, strict=True))
    kinds = dict.fromkeys(order.group for order in orders)
    rows = [_kind_row(kind, [(b, h) for order, b, h in pages if order.group == kind]) for kind in kinds]
    changed = [
        (order.group, order.name, first_difference(b, h), b.brief(), h.brief())
        for order, b, h in pages
        if (b.brief(), b.right) != (h.brief(), h.right)
    ]
    return Section(
        "",
        [
            Table(["kind", "pages", "equal to the last bit", "first difference", "base", "head"], rows),
            f"Pages whose layout, verdict, ratio or error is another: {len(changed)}.",
            Table(["kind", "page", "first difference", "base", "head"], changed),
        ],
    )


def _kind_row(kind: str, pairs: Sequence[tuple[Seen, Seen]]) -> list[object]:
    first = Counter(first_difference(base, head) for base, head in pairs)
    stages = ", ".join(f"{stage} {first[stage]}" for stage in (*STAGES, "error") if first[stage]) or "-"
    return [kind, len(pairs), first[None], stages, *(_summary(side) for side in zip(*pairs, strict=True))]


def _summary(seen: Sequence[Seen]) -> str:
    scored = [page for page in seen if page.right is not None]
    read = sum("error" not in page.facts for page in seen)
    if not scored:
        return f"{read} read"
    mean = float(np.mean([page.aligned for page in scored]))
    wrong = sum(page.trusted and not page.right for page in scored)
    return f"{read} read, {mean:.2f} dB, right {sum(bool(page.right) for page in scored)}, wrong and trusted {wrong}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command.

    Parameters
    ----------
    arguments : sequence of str, optional
        By default those of the command line.

    Returns
    -------
    int
        0 where all pages are equal to the last bit, else 1.
    """
    parser = parser_for("compare", __doc__, data=data_folder().parent, jobs=1, out=False)
    parser.add_argument("base", help="commit")
    parser.add_argument("head", nargs="?", help="commit; default: the working tree")
    kinds = [*KINDS, PRINTED]
    parser.add_argument(
        "--pages", default=",".join(kinds), help="kinds of pages, parted by commas (default: %(default)s)"
    )
    parser.add_argument("--printed", type=int, default=200, help="pages to print (default: %(default)s)")
    parser.add_argument("--every", type=whole_number(1), default=1, help="take every so many pages of a kind")
    parser.add_argument(
        "--cache", type=Path, default=Path(gettempdir()) / "papertrace-compare", help="what is kept between runs"
    )
    parser.add_argument("--out", type=Path, help="file for the report beside standard output")
    chosen = parser.parse_args(arguments)
    groups = chosen.pages.split(",")
    for group in groups:
        if group not in kinds:
            parser.error(f"--pages {group!r}; allowed: {', '.join(kinds)}")
    try:
        orders = find_orders(chosen.data.resolve(), groups, chosen.printed, chosen.every)
    except PageError as error:
        parser.error(str(error))
    sides = []
    for commit in (chosen.base, chosen.head):
        files = look(commit, orders, chosen.cache, chosen.jobs)
        sides.append([read_seen(file, order) for file, order in zip(files, orders, strict=True)])
    text = report(orders, *sides).markdown() + "\n"
    sys.stdout.write(text)
    if chosen.out is not None:
        chosen.out.write_text(text, encoding="utf-8")
    return int(any(first_difference(b, h) is not None for b, h in zip(*sides, strict=True)))
