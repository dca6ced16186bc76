#!/bin/sh
# qradiomics 0.9.5 fills the cavities of LIDC-IDRI's nodules: convert_patient reads the contours that a reader excluded
# (<inclusion>FALSE</inclusion>, "exclusion (hole)" in its own words) and leaves them out, where the region in them is
# not part of the nodule (LIDC-IDRI's XML annotation, also in pylidc's documentation of Contour.inclusion). A thick-
# walled nodule of 0 HU, 20 x 20 pixels on 3 slices with a cavity of 10 x 10 pixels of air, has 1200 instead of 900 mm3
# and a mean of -250 instead of 0 HU, the same numbers as without the excluded contours. Its RTSTRUCT reader counts
# holes. Nothing warns. Ends with 1 when that changes.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check SimpleITK==2.5.7 pydicom==3.0.2 numpy==2.2.6 \
    scikit-image==0.26.0
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check --no-deps qradiomics==0.9.5
mkdir "$folder/ct"
cd "$folder"
venv/bin/python -W ignore - <<'PYTHON'
import csv
import sys
from importlib.metadata import distribution, version
from types import ModuleType
from unittest.mock import MagicMock

import numpy as np
import pydicom
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid

package = ModuleType("qradiomics")  # without its command line and its plots
package.__path__ = [str(distribution("qradiomics").locate_file("qradiomics"))]
sys.modules |= {"qradiomics": package} | {name: MagicMock() for name in ("click", "matplotlib", "matplotlib.path")}
from qradiomics.io.lidc import convert_patient

print(f"qradiomics {version('qradiomics')}, pydicom {version('pydicom')}, numpy {np.__version__}")
study, series, frame, uids = generate_uid(), generate_uid(), generate_uid(), []
for number in range(5):
    ct = pydicom.Dataset()
    ct.file_meta = pydicom.dataset.FileMetaDataset()
    ct.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    ct.SOPClassUID, ct.SOPInstanceUID, ct.Modality = CTImageStorage, generate_uid(), "CT"
    ct.StudyInstanceUID, ct.SeriesInstanceUID, ct.FrameOfReferenceUID = study, series, frame
    ct.Rows, ct.Columns, ct.PixelSpacing, ct.SliceThickness, ct.InstanceNumber = 40, 40, [1, 1], 1, number + 1
    ct.ImageOrientationPatient, ct.ImagePositionPatient = [1, 0, 0, 0, 1, 0], [0, 0, number]
    ct.SamplesPerPixel, ct.PhotometricInterpretation, ct.PixelRepresentation = 1, "MONOCHROME2", 1
    ct.BitsAllocated, ct.BitsStored, ct.HighBit, ct.RescaleSlope, ct.RescaleIntercept = 16, 16, 15, 1, 0
    pixels = np.full((40, 40), -1000, dtype="<i2")
    pixels[10:30, 10:30] = 0
    pixels[15:25, 15:25] = -1000
    ct.PixelData = pixels.tobytes()
    ct.save_as(f"ct/{number}.dcm", enforce_file_format=True)
    uids.append(ct.SOPInstanceUID)


def contour(number, low, high, inclusion):
    corners = ((low, low), (high, low), (high, high), (low, high), (low, low))
    edges = "".join(f"<edgeMap><xCoord>{x}</xCoord><yCoord>{y}</yCoord></edgeMap>" for x, y in corners)
    head = f"<imageZposition>{number}</imageZposition><imageSOP_UID>{uids[number]}</imageSOP_UID>"
    return f"<roi>{head}<inclusion>{inclusion}</inclusion>{edges}</roi>"


found = {}
for name in ("solid", "cavity"):
    rois = "".join(contour(number, 10, 29, "TRUE") for number in (1, 2, 3))
    if name == "cavity":
        rois += "".join(contour(number, 15, 24, "FALSE") for number in (1, 2, 3))
    nodule = f"<unblindedReadNodule><noduleID>1</noduleID>{rois}</unblindedReadNodule>"
    with open(f"{name}.xml", "w") as file:
        file.write(f'<LidcReadMessage xmlns="http://www.nih.gov"><readingSession>{nodule}</readingSession>')
        file.write("</LidcReadMessage>")
    convert_patient("ct", f"{name}.xml", name, "p")
    with open(f"{name}/p_nodules.csv") as file:
        (row,) = csv.DictReader(file)
    found[name] = float(row["volume_mm3"]), float(row["mean_intensity"])
    print(f"contours of a {name}: {found[name][0]:.0f} mm3, mean {found[name][1]:.0f} HU")
print(f"by hand: {3 * (20 * 20 - 10 * 10)} mm3, mean 0 HU")
sys.exit(0 if found == {"solid": (1200, -250), "cavity": (1200, -250)} else 1)
PYTHON
