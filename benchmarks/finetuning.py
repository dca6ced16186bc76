"""What a fine-tuning on five corrected scans takes, and what it does to the scans that it did not see.

    python benchmarks/finetuning.py --data DATA --fold docs/model_card/folds/coarse_view/fold0 --out runs/finetuning

The model is that of a fold of the cross-validation. `CORRECTED`, cases that the fold has not seen, are the scans that a
laboratory has corrected. All other cases that it has not seen are kept apart, and are segmented before and after, with
some `KNOWN` ones, which it has learnt from and may forget. Prints a table and writes results.json.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from pathlib import Path

import numpy as np
from held_out import open_fold, unseen_cases

from LungUNetSegLib.cases.labelled import find_cases
from LungUNetSegLib.cli import main as lungunetseg
from LungUNetSegLib.finetuning.scores import score
from LungUNetSegLib.machine import peak_mb
from LungUNetSegLib.models.model import load_model
from LungUNetSegLib.segmentation.segmenter import Segmenter

CORRECTED = ("CMB-CRC-MSB-01068", "CPTAC-C3L-00189", "KiTS-00072", "Lung_Dx-A0001-B", "Lung_Dx-A0001-L")
KNOWN = ("LIDC-IDRI-0003", "POPI-00", "TCGA-DE-A4MA", "ACRIN-FLT-013")


def main() -> None:
    """Fine-tune once, and score before and after."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--fold", type=Path, required=True, help="a kept fold; see held_out.py")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    out: Path = arguments.out.resolve()
    base = open_fold(arguments.fold, out / "base")
    cases = {case.case_id: case for case in find_cases(arguments.data)}
    corrected = out / "corrected"
    corrected.mkdir(parents=True, exist_ok=True)
    for name in CORRECTED:
        if not (corrected / name).exists():
            (corrected / name).symlink_to(cases[name].mask.parent.resolve(), target_is_directory=True)
    os.environ["XDG_DATA_HOME"] = str(out / "home")
    threads = str(arguments.threads)
    options = {"data": corrected, "out": out / "run", "model": out / "base", "name": "tuned", "threads": threads}
    wall, cpu = time.perf_counter(), time.process_time()
    code = lungunetseg(["finetune", "--resume", "--device=cpu", *(f"--{key}={each}" for key, each in options.items())])
    assert code == 0
    results: dict[str, object] = {
        "wall_s": time.perf_counter() - wall,
        "cpu_s": time.process_time() - cpu,
        "peak_mb": peak_mb(),
        "threads": arguments.threads,
    }
    tuned = load_model("tuned")
    assert tuned.manifest is not None
    results["own"] = tuned.manifest.scores
    groups = {"kept apart": [name for name in unseen_cases(arguments.fold) if name not in CORRECTED], "known": KNOWN}
    for title, names in groups.items():
        chosen = [cases[name] for name in names]
        pairs = zip(*(score(Segmenter(each, threads=1), chosen) for each in (base, tuned)), strict=True)
        rows = [{"case": old.case, "lung": old.lung, "dsc": [old.dsc, new.dsc]} for old, new in pairs]
        results[title] = rows
        known = np.array([row["dsc"] for row in rows], float)
        known = known[np.isfinite(known).all(axis=1)]
        change = known[:, 1] - known[:, 0]
        print(
            f"{title}: {len(known)} lungs, mean DSC {known.mean(0)}, change {change.mean():+.4f}, {change.min():+.4f}"
        )
    print({key: value for key, value in results.items() if not isinstance(value, (list, dict))})
    (out / "results.json").write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
