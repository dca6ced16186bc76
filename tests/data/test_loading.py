"""Batches that other processes make are the batches that this one would make."""

from __future__ import annotations

import dataclasses
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from phantom_cases import COARSE, TINY_TRAINING, write_pair

from LungUNetSegLib.data.cache import cache_case
from LungUNetSegLib.data.dataset import Batch, SeenViews, SliceDataset
from LungUNetSegLib.data.loading import load_batches
from LungUNetSegLib.data.pathology import Lesion
from LungUNetSegLib.data.sampling import SamplingConfig
from LungUNetSegLib.data.transforms import AugmentConfig
from LungUNetSegLib.data.views import whole_view
from LungUNetSegLib.errors import EngineError

pytestmark = pytest.mark.skipif(not Path("/proc/self").exists(), reason="processes are found through /proc")


@pytest.fixture
def slices(tmp_path: Path) -> SliceDataset:
    torch.set_num_threads(1)  # as workers have: their number decides how sums are rounded
    case = cache_case(write_pair(tmp_path, "p", slices=9), COARSE, tmp_path)
    opaque = Lesion(0, "opacity", 50.0, 1.0, (0.0, 1.0, 0.0), 0.0, 0.0, 3)
    plain = whole_view(9, COARSE.size)
    seen = [SeenViews((plain, dataclasses.replace(plain, lesions=(opaque,))))]
    return SliceDataset(
        [case], SamplingConfig(order="every"), AugmentConfig(probability=1), seed=3, preprocess=COARSE, seen=seen
    )


@pytest.mark.parametrize(("rank", "world_size"), [(0, 1), (1, 2)])
def test_workers_make_the_same_batches_in_the_same_order(slices: SliceDataset, rank: int, world_size: int) -> None:
    """Protects "a resumed training sees the same": over epochs, and for each of the processes that train together."""
    places = [(epoch, step) for epoch in (1, 2) for step in range(slices.steps(4))]
    expected = [slices.batch(*place, 4, rank, world_size) for place in places]
    before = torch.random.get_rng_state()
    with load_batches(slices, range(1, 3), 4, rank=rank, world_size=world_size, workers=2) as batches:
        loaded = list(batches)
    assert len(loaded) == len(expected) == 4
    assert all(map(_same, loaded, expected))
    assert torch.equal(torch.random.get_rng_state(), before), "the dropout's stream was drawn from"


def test_a_worker_that_dies_in_the_middle_of_a_batch_ends_the_batches_with_a_sentence(slices: SliceDataset) -> None:
    """Protects from a training that waits for ever: the rest of a batch that was half sent never comes.

    Workers are the first that a system short of memory kills.
    """
    with load_batches(slices, range(10_000), 64, workers=1) as batches:
        batch = next(batches)
        assert batch.hu.nbytes > 1 << 16, "a pipe could hold it"
        (worker,) = _workers_of(os.getpid())
        before: list[str] = []
        while before != (now := _cpu_ticks(worker)):
            before = now
            time.sleep(0.5)
        os.kill(worker, signal.SIGKILL)
        with pytest.raises(EngineError, match=r"One of the 1 processes that make batches has ended.* fewer of them"):
            list(batches)


def test_no_worker_stays_when_the_batches_are_left_early(slices: SliceDataset) -> None:
    """Early stopping leaves batches that were made ahead."""
    with load_batches(slices, range(10_000), 4, workers=2) as batches:
        next(batches)
        assert len(_workers_of(os.getpid())) == 2
    assert not _workers_of(os.getpid())


ENDLESS = """
import sys
from pathlib import Path
from phantom_cases import COARSE, write_pair
from LungUNetSegLib.data.cache import cache_case
from LungUNetSegLib.data.dataset import SliceDataset
from LungUNetSegLib.data.sampling import SamplingConfig
from LungUNetSegLib.data.loading import load_batches
if __name__ == "__main__":
    folder = Path(sys.argv[1])
    case = cache_case(write_pair(folder, "p", slices=9), COARSE, folder)
    slices = SliceDataset([case], SamplingConfig(order="every"), preprocess=COARSE)
    with load_batches(slices, range(10**9), 4, workers=2) as batches:
        for _ in batches:
            print(".", end="", flush=True)
"""


def test_workers_end_with_a_training_that_is_killed(tmp_path: Path) -> None:
    """A process that waits for work that never comes would hold its memory until the next restart."""
    script = tmp_path / "endless.py"
    script.write_text(ENDLESS, encoding="utf-8")
    paths = os.pathsep.join([*sys.path, str(Path(__file__).parents[1])])
    command = [sys.executable, script, tmp_path]
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=os.environ | {"PYTHONPATH": paths}) as training:
        assert training.stdout is not None and training.stdout.read(1)
        workers = _workers_of(training.pid)
        assert len(workers) == 2
        training.kill()
    end = time.monotonic() + 30
    while any(_is_alive(worker) for worker in workers) and time.monotonic() < end:
        time.sleep(0.1)
    assert not any(_is_alive(worker) for worker in workers)


def _same(ours: Batch, theirs: Batch) -> bool:
    return all(torch.equal(a, b) for a, b in zip(vars(ours).values(), vars(theirs).values(), strict=True))


def _workers_of(process: int) -> list[int]:
    """Its children, without the helper that multiprocessing starts beside them."""
    children = Path(f"/proc/{process}/task/{process}/children").read_text(encoding="ascii").split()
    commands = {int(child): Path(f"/proc/{child}/cmdline").read_text(encoding="utf-8") for child in children}
    return [child for child, command in commands.items() if "spawn_main" in command]


def _cpu_ticks(process: int) -> list[str]:
    """What it has used; when that stays, it waits for its next batch to be taken."""
    return Path(f"/proc/{process}/stat").read_text(encoding="ascii").split()[13:15]


def _is_alive(process: int) -> bool:
    try:
        return "\nState:\tZ" not in Path(f"/proc/{process}/status").read_text(encoding="utf-8")
    except FileNotFoundError:
        return False


def test_a_worker_s_last_words_are_heard(tmp_path: Path) -> None:
    """Protects who has to find out why: the command keeps libraries' noise off stderr, and a worker inherits that."""
    for seed in range(2):
        write_pair(tmp_path / "data", f"p{seed}", slices=4, seed=seed)
    (tmp_path / "dies.py").write_text(DIES, encoding="utf-8")
    (tmp_path / "tiny.json").write_text(json.dumps(TINY_TRAINING), encoding="utf-8")
    places = {"data": "data", "out": "out", "cache": "cache", "config": "tiny.json"}
    words = [f"--{name}={tmp_path / place}" for name, place in places.items()]
    command = [sys.executable, str(tmp_path / "dies.py"), "train", *words, "--device=cpu", "--workers=1"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 1
    assert "last words of a worker" in done.stderr and "One of the 1 processes" in done.stderr.splitlines()[-1]
    assert "noise of a library" not in done.stderr


DIES = """
import os, sys
from LungUNetSegLib.data import loading

def make(*arguments):
    os.write(2, b"last words of a worker\\n")
    os._exit(3)

loading._make = make
if __name__ == "__main__":
    from LungUNetSegLib.cli import main
    from LungUNetSegLib.cases import labelled
    find = labelled.find_cases
    from LungUNetSegLib.cli import train
    def find_noisily(*arguments, **named):
        os.write(2, b"noise of a library\\n")
        return find(*arguments, **named)
    train.find_cases = find_noisily
    sys.exit(main(sys.argv[1:]))
"""
