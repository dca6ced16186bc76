"""Each case with the network of the fold that did not see it, from trainings or from the folds that are kept.

    python benchmarks/held_out.py --run runs/cv/fold0 --keep docs/model_card/folds/coarse_view/fold0

A kept fold is a folder with `manifest.json` (grid, networks, split, settings) and the weights in float16, about 7 MB,
so that a change of postprocessing, engine or quantisation is cross-validated without training.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch

from LungUNetSegLib.cases.labelled import Case, find_cases
from LungUNetSegLib.cases.reading import LabelledScan, read_pair
from LungUNetSegLib.engines.export import export
from LungUNetSegLib.models.model import Model, load_model
from LungUNetSegLib.models.safetensors import read_weights, write_weights
from LungUNetSegLib.segmentation.result import Segmentation
from LungUNetSegLib.segmentation.segmenter import Segmenter
from LungUNetSegLib.volume import Volume

MANIFEST = "manifest.json"
SLICE_WEIGHTS, COARSE_WEIGHTS = "weights.safetensors", "coarse.safetensors"


class HeldOut:
    """Each case with the network of the fold that did not see it.

    Args:
        data: Folder of cases with masks.
        runs: Folder of `fold*` folders, of trainings (`last.pt`) or kept ones (`manifest.json`).
        scratch: Where the exported networks go.
        model: One model for all cases instead, whatever it has seen.
    """

    def __init__(self, data: Path, runs: Path, scratch: Path, model: str = "") -> None:
        cases = {case.case_id: case for case in find_cases(data)}
        folds = sorted(path for path in runs.glob("fold*") if (path / "last.pt").exists() or (path / MANIFEST).exists())
        if not folds:
            raise SystemExit(f"{runs} holds no fold*/last.pt and no fold*/{MANIFEST}; train the folds first.")
        self._segmenter_of: dict[str, Segmenter] = {}
        for fold in folds:
            opened = load_model(model) if model else open_fold(fold, scratch / fold.name)
            segmenter = Segmenter(opened, "onnxruntime", "cpu")
            self._segmenter_of |= dict.fromkeys(unseen_cases(fold), segmenter)
        self.cases = [cases[name] for name in sorted(self._segmenter_of)]

    def volumes(self) -> Iterator[tuple[Case, LabelledScan]]:
        """Cases of more than one slice."""
        yield from self._pairs(single=False)

    def slices(self) -> Iterator[tuple[Case, LabelledScan]]:
        """Cases of a single slice."""
        yield from self._pairs(single=True)

    def segment(self, case: Case, scan: Volume) -> Segmentation:
        """Segment with the network that did not see the case's patient."""
        return self._segmenter_of[case.case_id].segment(scan)

    def _pairs(self, single: bool) -> Iterator[tuple[Case, LabelledScan]]:
        for case in self.cases:
            pair = read_pair(case)
            if (pair.ct.canonical().array.shape[0] == 1) is single:
                yield case, pair


def unseen_cases(fold: Path) -> list[str]:
    """Ids of the cases that a fold's own checkpoint or manifest names as not seen."""
    if (fold / MANIFEST).exists():
        split = json.loads((fold / MANIFEST).read_text(encoding="utf-8"))["split"]
    else:
        split = torch.load(fold / "last.pt", map_location="cpu", weights_only=True)["split"]
    return list(split["test"])


def open_fold(fold: Path, scratch: Path) -> Model:
    """Return a fold's network as a model that the default engine runs."""
    if (fold / "last.pt").exists():
        return export(fold / "last.pt", scratch, fold.name)
    about = json.loads((fold / MANIFEST).read_text(encoding="utf-8"))
    coarse = about["coarse_network"]
    with tempfile.TemporaryDirectory() as folder:
        checkpoint = Path(folder) / "fold.pt"
        config = {
            "preprocess": about["preprocess"],
            "network": about["network"],
            "coarse": {"network": coarse} if coarse else None,
        }
        weights = _tensors(fold / SLICE_WEIGHTS)
        torch.save(
            {
                "config": config,
                "network": weights,
                "average": None,
                "coarse": _tensors(fold / COARSE_WEIGHTS) if coarse else None,
            },
            checkpoint,
        )
        return export(checkpoint, scratch, fold.name)


def keep_fold(run: Path, folder: Path, commit: str) -> None:
    """Write a finished training's networks in float16, with their manifest."""
    checkpoint = torch.load(run / "last.pt", map_location="cpu", weights_only=True)
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        model = export(run / "last.pt", Path(scratch), run.name)
        write_weights(folder / SLICE_WEIGHTS, read_weights(model.weights), half=True)
        if model.coarse is not None:
            write_weights(folder / COARSE_WEIGHTS, read_weights(model.coarse.weights), half=True)
        about: dict[str, Any] = {
            "name": run.name,
            "licence": "CC BY 4.0",
            "commit": commit,
            "epochs": checkpoint["epoch"],
            "preprocess": checkpoint["config"]["preprocess"],
            "network": model.network,
            "coarse_network": model.coarse.network if model.coarse else None,
            "split": checkpoint["split"],
            "config": checkpoint["config"],
            "history": checkpoint["history"][-1],
            "data_digest": checkpoint["data_digest"],
        }
    (folder / MANIFEST).write_text(json.dumps(about, indent=1) + "\n", encoding="utf-8")


def _tensors(path: Path) -> dict[str, torch.Tensor]:
    return {name: torch.from_numpy(values.copy()) for name, values in read_weights(path).items()}


def main() -> None:
    """Keep the networks of one finished fold."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", type=Path, required=True, help="folder of a finished training")
    parser.add_argument("--keep", type=Path, required=True, metavar="FOLDER", help="where its networks are kept")
    parser.add_argument("--commit", required=True, help="of the code that trained it")
    arguments = parser.parse_args()
    keep_fold(arguments.run, arguments.keep, arguments.commit)


if __name__ == "__main__":
    main()
