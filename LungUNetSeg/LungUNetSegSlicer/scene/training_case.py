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
from LungUNetSegLib.segmentation.correction import changes_of, check_scan
from LungUNetSegLib.segments import LUNGS
from LungUNetSegSlicer.background import finish
from LungUNetSegSlicer.scene.dicom_files import files_of_volume
from LungUNetSegSlicer.scene.kept_result import recall_network
from LungUNetSegSlicer.scene.lung_masks import ct_of, lung_mask_steps
from LungUNetSegSlicer.scene.lung_segments import lung_segments
from LungUNetSegSlicer.scene.network_mask import network_mask
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
        ReadError: Right and left lung are not two segments.
        DataError: The CT is gone or has other voxels than were segmented, right and left overlap, or the mask cannot be
            used for training; says why.
        WriteError: The folder cannot be written.
    """
    volume = ct_of(segmentation)
    found = set(lung_segments(segmentation).values())
    missing = [each.name for each in LUNGS if each.label not in found]
    if missing:
        names = ", ".join(missing)
        raise ReadError(_("The segmentation has no segment {names}, which training needs.").format(names=names))
    ct, _findings = volume_from_node(volume)
    masks = finish(lung_mask_steps(segmentation, volume))
    overlap = next((each for each in masks.findings if each.code == "lungs-overlap"), None)
    if overlap is not None:
        advice = _(
            "Give each voxel to one lung: in Segment Editor, paint with Masking set to overwrite other segments."
        )
        raise DataError(f"{overlap.message} {advice}")
    origin = {
        "lungunetseg": LungUNetSegLib.__version__,
        "scan": volume.GetName(),
        "mask": segmentation.GetName(),
        "model": dict(model),
    }
    network, result = network_mask(segmentation), recall_network(segmentation)
    if network is not None and result is not None:
        original = network.labels()
        check_scan(result, ct, original)
        origin["correction"] = changes_of(original, masks.labels, masks.kind)
    name = _free_name(folder, volume.GetName())
    patient = _patient(volume) or name
    return save_case(folder, name, ct, masks.labels, patient=patient, origin=origin).folder


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
