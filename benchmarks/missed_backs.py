"""Whether consolidated backs that the network leaves out are said, and healthy lungs, effusions and thirds are not.

    python benchmarks/missed_backs.py --data DATA [--model NAME|FOLDER]

Paints disease into each volume of 10 slices and more but the demo's sample, thinned to slices of about 5 mm, and
segments it. Prints the DSC of both lungs with the findings, then what docs/model_card.md counts: in how many volumes
`solid-behind-lung` is said. Takes about three minutes on two cores.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from painted_disease import DISEASE, Disease, beyond
from perturbations import Pair

from LungUNetSegLib.cases.labelled import find_cases
from LungUNetSegLib.cases.reading import read_pair
from LungUNetSegLib.metrics import count
from LungUNetSegLib.models.model import DEFAULT_MODEL, load_model
from LungUNetSegLib.segmentation.segmenter import Segmenter
from LungUNetSegLib.segments import LEFT_LUNG, RIGHT_LUNG
from LungUNetSegLib.training.presets import DEMO_SAMPLE
from LungUNetSegLib.volume import Volume

CODE = "solid-behind-lung"
LEAST_SLICES = 10
SLICE_MM = 5.0
"""If slices are thinner, those about this far apart are kept."""

LEFT_BACK = DISEASE["back of the lung consolidated, left"]
RIGHT_BACK = Disease(RIGHT_LUNG, 40, 1.0, beyond(1, 0.3))


def both_backs(scan: Volume, reference: Volume, generator: np.random.Generator) -> Pair:
    """Consolidate the backs of both lungs."""
    return RIGHT_BACK(*LEFT_BACK(scan, reference, generator), generator)


def healthy(scan: Volume, reference: Volume, _: np.random.Generator) -> Pair:
    """Leave a scan as it is."""
    return scan, reference


KINDS = {
    "healthy": healthy,
    "left back consolidated": LEFT_BACK,
    "both backs consolidated": both_backs,
    "large effusion, left": DISEASE["large effusion, left"],
    "lower third consolidated, right": DISEASE["lower third consolidated, right"],
}


def thinned_volumes(data: Path) -> Iterator[tuple[str, Volume, Volume]]:
    """Yield name, scan and lungs of each volume but the demo's sample, thinned to slices of about `SLICE_MM`."""
    for case in find_cases(data, exclude=(DEMO_SAMPLE,)):
        pair = read_pair(case)
        if min(pair.ct.geometry.shape) >= LEAST_SLICES:
            scan, lungs = (each.thinned((SLICE_MM, 0.0, 0.0)) for each in (pair.ct, pair.labels))
            yield case.case_id, scan, lungs


def main() -> None:
    """Segment and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--model", default=DEFAULT_MODEL)
    arguments = parser.parse_args()
    segmenter = Segmenter(load_model(arguments.model), "onnxruntime", "cpu")
    said, volumes = Counter[str](), 0
    for name, scan, reference in thinned_volumes(arguments.data):
        volumes += 1
        for kind, paint in KINDS.items():
            ct, lungs = paint(scan, reference, np.random.default_rng(0))
            result = segmenter.segment(ct)
            found = result.labels.canonical().array
            dsc = [count(found == side, lungs.array == side).dsc for side in (RIGHT_LUNG, LEFT_LUNG)]
            codes = [finding.code for finding in result.findings]
            said[kind] += CODE in codes
            print(f"{name}, {kind}: DSC {dsc[0]:.3f}, {dsc[1]:.3f}; {', '.join(codes)}", flush=True)
    print("\n| | said in |\n|---|---|")
    for kind in KINDS:
        print(f"| {kind} | {said[kind]} of {volumes} |")


if __name__ == "__main__":
    main()
