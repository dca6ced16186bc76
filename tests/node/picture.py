"""Draws docs/images/pacs.png: a CT and its lungs as a PACS gives them back, read by other people's software.

    PYTHONPATH=tests python -m node.picture

CT and SEG of a phantom are stored in Orthanc and fetched by DICOMweb; pydicom reads the images, highdicom the SEG.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import highdicom
import matplotlib.pyplot as plt
from dicom_files import save, slices_of
from dicom_geometries import PATIENT, phantom_on
from node.orthanc import Orthanc
from pydicom import dcmread

from LungUNetSegLib.io import read_scan
from LungUNetSegLib.io.dicom_objects.identity import Maker
from LungUNetSegLib.io.dicom_objects.lung_result import LungResult
from LungUNetSegLib.io.dicom_objects.results import DicomOptions, make_objects
from LungUNetSegLib.io.dicom_objects.source import read_source
from LungUNetSegLib.phantom import phantom_geometry
from LungUNetSegLib.segments import LUNGS

PICTURE = Path(__file__).parents[2] / "docs" / "images" / "pacs.png"
SHOWN = (0.3, 0.5, 0.7)
"""Slices, as parts of the scan's height."""


def main() -> None:
    """Store, fetch, draw."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "orthanc").mkdir()
        pacs = Orthanc(folder / "orthanc")
        pacs.start()
        try:
            draw(pacs, folder)
        finally:
            pacs.stop()


def draw(pacs: Orthanc, folder: Path) -> None:
    """Draw three slices with the outlines of both lungs."""
    # Oblique, and with slices from head to feet: a place that is mirrored or shifted would be seen.
    phantom = phantom_on(phantom_geometry((40, 192, 224), oblique_degrees=12, flips=(True, False, False)))
    images = slices_of(phantom.ct, **PATIENT)
    scan = read_scan(save(images, folder / "ct"))
    result = LungResult(labels=phantom_on(scan.volume.geometry).labels, segments=LUNGS)
    maker = Maker(model="phantom", sha256="0" * 64)
    objects, _ = make_objects(["dicom-seg"], result, read_source(scan), maker, DicomOptions())
    pacs.take([*images, objects["dicom-seg"]])
    seg = highdicom.seg.segread(pacs.instance(objects["dicom-seg"].SOPInstanceUID, folder))
    figure, axes = plt.subplots(1, len(SHOWN), figsize=(11, 3.4), layout="constrained")
    for axis, part in zip(axes, SHOWN, strict=True):
        uid = scan.slices[int(part * len(scan.slices))].sop_uid
        image = dcmread(pacs.instance(uid, folder))
        hu = image.pixel_array * float(image.RescaleSlope) + float(image.RescaleIntercept)
        axis.imshow(hu, cmap="gray", vmin=-1350, vmax=150)
        lungs = seg.get_pixels_by_source_instance([uid], assert_missing_frames_are_empty=True)[0]
        for number, each in enumerate(LUNGS):
            if lungs[..., number].any():
                axis.contour(lungs[..., number], [0.5], colors=[each.colour], linewidths=1.5)
        axis.set_axis_off()
    figure.savefig(PICTURE, dpi=100)


if __name__ == "__main__":
    main()
