"""Train on a folder of your own scans with masks, then score each patient that the network did not see.

python examples/train_and_test.py DATA RUN [options of `lungunetseg train`, such as --set epochs=5]
"""

import sys
from pathlib import Path

from LungUNetSegLib import Segmenter, compare, load_model, write_labels
from LungUNetSegLib.cases.labelled import find_cases
from LungUNetSegLib.cases.reading import read_pair
from LungUNetSegLib.cases.splits import choose, load_split
from LungUNetSegLib.cli import main

data, run = Path(sys.argv[1]), Path(sys.argv[2])
if code := main(["train", "--data", str(data), "--out", str(run), *sys.argv[3:]]):
    sys.exit(code)

segmenter = Segmenter(load_model(run / "last.pt"))
(run / "predictions").mkdir(exist_ok=True)
for case in choose(find_cases(data), load_split(run / "split.json").test):
    truth = read_pair(case)
    result = segmenter.segment(truth.ct)
    write_labels(run / "predictions" / f"{case.case_id}.nii.gz", result.labels, result.segments)
    scores = compare(result.labels, truth.labels)
    print(f"{case.case_id}: " + ", ".join(f"{region.title} DSC {region.dsc:.3f}" for region in scores.regions))
