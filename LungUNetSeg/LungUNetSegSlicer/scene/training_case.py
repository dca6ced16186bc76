"""Keeps a CT of the scene and its corrected lungs as a case that `lungunetseg finetune` reads."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from slicer import vtkMRMLScalarVolumeNode, vtkMRMLSegmentationNode
from slicer.i18n import tr as _

import LungUNetSegLib
from LungUNetSegLib.cases.saving import patient_key, save_case
from LungUNetSegLib.errors import DataError, ReadError
from LungUNetSegLib.io.dicom.files import read_dataset
from LungUNetSegLib.segments import LUNGS
from LungUNetSegSlicer.scene.dicom_files import files_of_volume
from LungUNetSegSlicer.scene.dicom_result import reference_volume
from LungUNetSegSlicer.scene.segmentation_node import labels_of_segments
from LungUNetSegSlicer.scene.volume_bridge import volume_from_node


def save_training_case(segmentation: vtkMRMLSegmentationNode, folder: Path, model: Mapping[str, str]) -> Path:
    """Write a case with the CT and the lungs as they are now.

    Args:
        segmentation: Made by this module, and corrected.
        folder: Of all cases.
        model: Name and SHA-256 of the network that was corrected.

    Returns:
        The case's folder; a number is added to its name where another case has it.

    Raises:
        ReadError: The CT is no longer there, or right and left lung are one segment.
        DataError: Right and left overlap, or the mask cannot be learnt from; says why.
        WriteError: The folder cannot be written.
    """
    volume = reference_volume(segmentation)
    missing = [each.name for each in LUNGS if not segmentation.GetSegmentation().GetSegment(each.segment_id)]
    if missing:
        names = ", ".join(missing)
        raise ReadError(_("The segmentation has no segment {names}, which training needs.").format(names=names))
    ct, _findings = volume_from_node(volume)
    labels, overlap = labels_of_segments(segmentation, volume, LUNGS)
    if overlap:
        raise DataError(
            _(
                "Right and left lung overlap by {ml} ml. Give each voxel to one lung: in Segment Editor, paint with "
                "Masking set to overwrite other segments."
            ).format(ml=f"{overlap * labels.geometry.voxel_volume_ml:.2g}")
        )
    origin = {
        "lungunetseg": LungUNetSegLib.__version__,
        "scan": volume.GetName(),
        "mask": segmentation.GetName(),
        "model": dict(model),
    }
    name = _free_name(folder, volume.GetName())
    patient = _patient(volume) or name
    return save_case(folder, name, ct, labels, patient=patient, origin=origin)


def _patient(volume: vtkMRMLScalarVolumeNode) -> str:
    """Return the key of the patient in the volume's DICOM files; an empty text without any."""
    files = next(files_of_volume(volume), [])
    dataset = read_dataset(Path(files[0]), stop_before_pixels=True, specific_tags=["PatientID"]) if files else None
    patient_id = str(dataset.get("PatientID") or "") if dataset is not None else ""
    return patient_key(patient_id) if patient_id else ""


def _free_name(folder: Path, name: str) -> str:
    """Return a case's name made of a node's, which no case in the folder has."""
    plain = re.sub(r"[^\w-]+", "-", name).strip("-_") or "case"
    number = 1
    while (folder / f"{plain}-{number}").exists():
        number += 1
    return f"{plain}-{number}"
