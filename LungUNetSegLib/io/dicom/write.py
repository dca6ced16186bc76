"""Writes a volume as a DICOM series: for the demo's phantom, and for tests of readers."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid

from LungUNetSegLib.errors import WriteError
from LungUNetSegLib.io.dicom.pixels import save
from LungUNetSegLib.io.scan import PathInput
from LungUNetSegLib.volume import AIR_HU, Volume


def write_dicom_series(volume: Volume, folder: PathInput, description: str = "Phantom") -> None:
    """Write a scan as uncompressed CT slices 0001.dcm, 0002.dcm, ... into a folder, which is created if missing.

    Raises:
        WriteError: The folder cannot be made or written to.
    """
    folder = Path(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for number, dataset in enumerate(slice_datasets(volume, description), 1):
            save(dataset, folder / f"{number:04}.dcm")
    except OSError as error:
        raise WriteError(f"{folder}: the DICOM series cannot be written: {error.strerror or error}.") from error


def slice_datasets(volume: Volume, description: str = "Phantom") -> list[Dataset]:
    """Return a scan's slices as CT Image Storage data sets (PS3.3 A.3), in the volume's order.

    The same scan always gets the same UIDs.

    Args:
        volume: int16 HU of at least -1024, with axes at right angles.
        description: Series Description.
    """
    seed = [hashlib.sha256(volume.array.tobytes()).hexdigest(), str(volume.geometry.affine_lps.tolist()), description]
    study, series, frame = (generate_uid(entropy_srcs=[*seed, kind]) for kind in ("study", "series", "frame"))
    slices = []
    for index, plane in enumerate(volume.array):
        dataset = _slice(volume, index)
        dataset.PixelData = (plane.astype(np.int32) - AIR_HU).astype("<u2").tobytes()
        dataset.SOPInstanceUID = generate_uid(entropy_srcs=[*seed, str(index)])
        dataset.StudyInstanceUID, dataset.SeriesInstanceUID, dataset.FrameOfReferenceUID = study, series, frame
        dataset.SeriesDescription = description
        dataset.file_meta = FileMetaDataset()
        dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        dataset.file_meta.MediaStorageSOPClassUID = CTImageStorage
        dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
        slices.append(dataset)
    return slices


def _slice(volume: Volume, index: int) -> Dataset:
    """Return a slice's data set without its pixels and identifiers."""
    geometry = volume.geometry
    slice_mm, row_mm, column_mm = geometry.spacing_mm
    orientation = np.concatenate([geometry.directions[:, 2], geometry.directions[:, 1]])
    dataset = Dataset()
    dataset.SOPClassUID = CTImageStorage
    dataset.Modality = "CT"
    dataset.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
    dataset.PatientName, dataset.PatientID = "Phantom", "Phantom"
    dataset.StudyDate, dataset.StudyTime = "20000101", "000000"
    dataset.SeriesNumber, dataset.AcquisitionNumber, dataset.InstanceNumber = 1, 1, index + 1
    dataset.ImagePositionPatient = [f"{each:.8g}" for each in geometry.to_lps((index, 0, 0))]
    dataset.ImageOrientationPatient = [f"{each:.8g}" for each in orientation]
    dataset.PixelSpacing = [f"{row_mm:.8g}", f"{column_mm:.8g}"]
    dataset.SliceThickness = f"{slice_mm:.8g}"
    dataset.Rows, dataset.Columns = geometry.shape[1:]
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit, dataset.PixelRepresentation = 16, 16, 15, 0
    dataset.RescaleSlope, dataset.RescaleIntercept, dataset.RescaleType = 1, AIR_HU, "HU"
    return dataset
