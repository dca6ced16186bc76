#!/bin/sh
# simpledicomviewer 2.0.4 shows a DICOM Segmentation on the wrong slices: it sorts the CT's slices by Slice Location,
# from the feet to the head, and lays the segmentation's frames on them in the file's order, without a look at their
# positions (PS3.3 C.7.6.16.2.3 has one in each frame). Of a CT numbered from the head to the feet, as most are, with a
# segmentation in the same order, a nodule in the uppermost of four slices is drawn in the lowest one, three slices of 5
# mm off. Nothing warns. A segmentation with fewer frames than slices ends with a message. Expected: the slice at z = 15
# mm. Ends with 1 when that changes.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check numpy==1.26.4 matplotlib==3.8.4 pydicom==2.4.5 \
    ipywidgets==8.1.7 opencv-python-headless==4.11.0.86
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check --no-deps simpledicomviewer==2.0.4 rt-utils==1.2.7
cd "$folder"
MPLBACKEND=Agg venv/bin/python -W ignore - <<'PYTHON'
import sys
from importlib.metadata import version
from pathlib import Path

import ipywidgets
import numpy as np
import pydicom
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, SegmentationStorage, generate_uid
from simpleDicomViewer import dicomViewer


def item(**values):
    dataset = Dataset()
    for keyword, value in values.items():
        setattr(dataset, keyword, value)
    return dataset


def save(path, storage, **values):
    dataset = item(SOPClassUID=storage, SOPInstanceUID=generate_uid(), Rows=8, Columns=8, SamplesPerPixel=1, **values)
    dataset.PhotometricInterpretation, dataset.PixelRepresentation = "MONOCHROME2", 0
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.is_little_endian, dataset.is_implicit_VR = True, False
    dataset.save_as(path, write_like_original=False)


print(f"simpledicomviewer {version('simpledicomviewer')}, pydicom {pydicom.__version__}")
heights = [15, 10, 5, 0]  # mm, from the head to the feet
Path("ct").mkdir()
for number, z in enumerate(heights, start=1):
    pixels = np.full((8, 8), 100 + z, dtype=np.uint16)  # the slice can be told by its value
    save(f"ct/{number}.dcm", CTImageStorage, InstanceNumber=number, SliceLocation=z, ImagePositionPatient=[0, 0, z],
         ImageOrientationPatient=[1, 0, 0, 0, 1, 0], PixelSpacing=[1, 1], BitsAllocated=16, BitsStored=16, HighBit=15,
         PixelData=pixels.tobytes())
frames = np.zeros((4, 8, 8), dtype=np.uint8)
frames[0, 2:5, 2:5] = 1  # at z = 15 mm
groups = [item(PlanePositionSequence=[item(ImagePositionPatient=[0, 0, z])],
               SegmentIdentificationSequence=[item(ReferencedSegmentNumber=1)]) for z in heights]
save("seg.dcm", SegmentationStorage, Modality="SEG", SegmentationType="BINARY", NumberOfFrames=4, BitsAllocated=1,
     BitsStored=1, HighBit=0, SegmentSequence=[item(SegmentNumber=1, SegmentLabel="nodule")],
     PerFrameFunctionalGroupsSequence=groups, PixelData=np.packbits(frames.ravel(), bitorder="little").tobytes())

draw = []  # the viewer's own function that draws a slice, and what it shows
dicomViewer.interactive_output = lambda function, controls: (draw.append(function), ipywidgets.Output())[1]
dicomViewer.display = lambda box: None
shown = []
dicomViewer.plt.Axes.imshow = lambda axes, picture: shown.append(picture)
dicomViewer.viewDicom("ct", "seg.dcm")
coloured = {}
for index in range(4):
    draw[0](slice_index=index, window_level=107, window_width=30, show_nodule=True)
    grey = round(float(np.median(shown[-1])) * 30 - 8)
    coloured[grey] = int((np.ptp(shown[-1], axis=2) > 0.01).sum())
    print(f"slice {index + 1}, at z = {grey} mm: {coloured[grey]} coloured pixels")
sys.exit(0 if coloured == {0: 9, 5: 0, 10: 0, 15: 0} else 1)
PYTHON
