"""Segment scans from Python and measure something that the library does not: the share of lung below -950 HU.

python examples/segment.py SCAN [SCAN ...] --output FOLDER [--model NAME]
"""

import argparse
from pathlib import Path

import numpy as np

from LungUNetSegLib import Segmenter, load_model, read_scan, write_labels

parser = argparse.ArgumentParser()
parser.add_argument("scans", type=Path, nargs="+", help="DICOM folders, NIfTI, NRRD or MetaImage files")
parser.add_argument("--output", type=Path, required=True)
parser.add_argument("--model", default="lungs")
arguments = parser.parse_args()
arguments.output.mkdir(parents=True, exist_ok=True)

segmenter = Segmenter(load_model(arguments.model))  # the engine is opened once for all scans
for number, path in enumerate(arguments.scans, start=1):
    scan = read_scan(path)
    result = segmenter.segment(scan.volume)
    write_labels(arguments.output / f"{number:04}.nii.gz", result.labels, result.segments)

    # Labels lie on the scan's own grid, so that both arrays go together voxel by voxel.
    lung_hu = scan.volume.array[result.labels.array > 0]
    emphysema = f"{np.mean(lung_hu < -950):.1%} below -950 HU" if lung_hu.size else "no lung"
    print(f"{path}: {result.volumes_ml['total']:.0f} ml, {emphysema}")
    for finding in (*scan.findings, *result.findings):
        print(f"  {finding.message}")
