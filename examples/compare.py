"""Score a prediction against a reference, and say where they differ most.

python examples/compare.py PREDICTION REFERENCE
"""

import sys

import numpy as np

from LungUNetSegLib import compare, read_labels

prediction, reference = (read_labels(path) for path in sys.argv[1:3])
comparison = compare(prediction, reference)
for region in comparison.regions:  # right lung, left lung, both
    print(
        f"{region.title}: DSC {region.dsc:.3f}, HD95 {region.hd95_mm:.1f} mm, volume {region.difference_percent:+.1f} %"
    )
for finding in comparison.findings:
    print(finding.message)

wrong = np.array(comparison.whole.wrong_by_slice)
for index in np.argsort(-wrong)[:3]:
    height_mm = comparison.slice_centre_lps(int(index))[2]
    print(f"slice {index} (z {height_mm:.1f} mm): {wrong[index]} voxels differ")
