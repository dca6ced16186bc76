#!/bin/sh
# napari-nifti 0.0.20 saves a Labels layer that was drawn over a NIfTI scan without the scan's place: the file has
# voxels of 1 x 1 x 1 mm at (0, 0, 0), whatever the layer's scale and translate are, and there is no warning. Its
# manifest lists labels for its writer, but the writer takes the geometry from the metadata that its reader put into the
# scan's layer, which a layer that is drawn does not have. Here the writer is called as napari calls it, with the
# layer's array and attributes. Expected: the voxel size and place of the layer. Ends with 1 when that changes.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check napari-nifti==0.0.20 medvol==0.0.22 nibabel==5.4.2 \
    pynrrd==1.1.3 SimpleITK==2.5.7 numpy==2.2.6
cd "$folder"
venv/bin/python - <<'PYTHON'
import sys
from importlib.metadata import version

import nibabel as nib
import numpy as np
from napari_nifti import napari_get_reader, write_single_image

print(f"napari-nifti {version('napari-nifti')}, medvol {version('medvol')}, nibabel {nib.__version__}")
affine = np.diag([0.7, 0.7, 5.0, 1.0])
affine[:3, 3] = -120, -80, 300
nib.save(nib.Nifti1Image(np.zeros((8, 6, 4), dtype=np.int16), affine), "scan.nii")
((scan, attributes, _),) = napari_get_reader("scan.nii")("scan.nii")
print(f"the scan's layer: scale {attributes['scale']}, translate {attributes['translate']}")
labels = np.zeros(scan.shape, dtype=np.uint8)
drawn = {"scale": attributes["scale"], "translate": attributes["translate"]}
found = {}
for name, layer in (("with the scan's metadata", attributes), ("as it is drawn", {**drawn, "metadata": {}})):
    write_single_image("labels.nii", labels, layer)
    saved = nib.load("labels.nii")
    found[name] = saved.affine.tolist()
    print(f"labels {name}: voxels of {saved.header.get_zooms()} mm, the first at {saved.affine[:3, 3].tolist()} mm")
same, drawn_alone = found.values()
sys.exit(0 if np.allclose(same, affine) and drawn_alone == np.eye(4).tolist() else 1)
PYTHON
