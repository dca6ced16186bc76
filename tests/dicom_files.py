"""DICOM files for tests: a small thorax, changed slice by slice and encoded in any transfer syntax."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable
from io import BytesIO
from pathlib import Path

import gdcm
import numpy as np
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate
from pydicom.sequence import Sequence
from pydicom.uid import EnhancedCTImageStorage, RLELossless

from LungUNetSegLib.io.dicom.write import slice_datasets
from LungUNetSegLib.phantom import make_phantom
from LungUNetSegLib.volume import Geometry, Volume

GDCM_SYNTAXES = {
    "jpeg-ls": gdcm.TransferSyntax.JPEGLSLossless,
    "jpeg-2000": gdcm.TransferSyntax.JPEG2000Lossless,
    "jpeg-lossless": gdcm.TransferSyntax.JPEGLosslessProcess14_1,
}

STEP_MM = 10.0


def chest(seed: int = 1, low_mm: float = -60.0, slices: int = 13, step_mm: float = STEP_MM) -> Volume:
    """A small thorax in axial slices of 24 x 28 pixels of 12 mm."""
    geometry = Geometry.axial((slices, 24, 28), (step_mm, 12.0, 12.0), (-165.0, -141.0, low_mm))
    return make_phantom(geometry, rng=seed).ct


def item(**attributes: object) -> Dataset:
    """A data set of these attributes, such as sequences hold."""
    dataset = Dataset()
    for keyword, value in attributes.items():
        setattr(dataset, keyword, value)
    return dataset


def slices_of(volume: Volume, **attributes: object) -> list[Dataset]:
    """The volume's slices as data sets, with these attributes set (or removed, where None) in each."""
    datasets = slice_datasets(volume)
    for dataset in datasets:
        for keyword, value in attributes.items():
            if value is None:
                delattr(dataset, keyword)
            else:
                setattr(dataset, keyword, value)
    return datasets


def save(datasets: Iterable[Dataset], folder: Path, name: Callable[[int], str] = "{:04}.dcm".format) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for number, dataset in enumerate(datasets):
        path = folder / name(number)
        path.parent.mkdir(parents=True, exist_ok=True)
        dataset.save_as(path, enforce_file_format=True)
    return folder


def encoded(dataset: Dataset, syntax: str) -> Dataset:
    """The data set with its pixels compressed."""
    if syntax == "rle":
        dataset.compress(RLELossless, generate_instance_uid=False)
        return dataset
    buffer = BytesIO()
    dataset.save_as(buffer, enforce_file_format=True)
    transcoded = dcmread(BytesIO(_transcoded(buffer.getvalue(), GDCM_SYNTAXES[syntax])))
    # Only the pixels: GDCM also moves the rescale of functional groups.
    dataset.PixelData = transcoded.PixelData
    dataset.file_meta.TransferSyntaxUID = transcoded.file_meta.TransferSyntaxUID
    return dataset


def with_frame(dataset: Dataset, frame: bytes, syntax: str) -> Dataset:
    """The data set with pixels that somebody else compressed."""
    dataset.PixelData = encapsulate([frame])
    dataset["PixelData"].is_undefined_length = True
    dataset.file_meta.TransferSyntaxUID = syntax
    return dataset


def _transcoded(content: bytes, syntax: int) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder) / "in.dcm", Path(folder) / "out.dcm"
        source.write_bytes(content)
        reader = gdcm.ImageReader()
        reader.SetFileName(str(source))
        assert reader.Read()
        change = gdcm.ImageChangeTransferSyntax()
        change.SetTransferSyntax(gdcm.TransferSyntax(syntax))
        change.SetInput(reader.GetImage())
        assert change.Change()
        writer = gdcm.ImageWriter()
        writer.SetFileName(str(target))
        writer.SetFile(reader.GetFile())
        writer.SetImage(change.GetOutput())
        assert writer.Write()
        return target.read_bytes()


def enhanced(volume: Volume) -> Dataset:
    """The volume as one Enhanced CT file, frames in reverse order; rescale and orientation are shared."""
    slices = slices_of(volume)
    dataset = slices[0]
    for keyword in ("ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing", "RescaleSlope"):
        delattr(dataset, keyword)
    dataset.SOPClassUID = dataset.file_meta.MediaStorageSOPClassUID = EnhancedCTImageStorage
    dataset.NumberOfFrames = len(slices)
    shared = Dataset()
    shared.PlaneOrientationSequence = Sequence([item(ImageOrientationPatient=slices[1].ImageOrientationPatient)])
    shared.PixelMeasuresSequence = Sequence([item(PixelSpacing=slices[1].PixelSpacing, SliceThickness="10")])
    frames = []
    for index, each in reversed(list(enumerate(slices))):
        frame = Dataset()
        position = each.ImagePositionPatient if index else volume.geometry.to_lps((0, 0, 0)).tolist()
        frame.PlanePositionSequence = Sequence([item(ImagePositionPatient=position)])
        rescale = item(RescaleIntercept=-1024 - index, RescaleSlope=1, RescaleType="HU")
        frame.PixelValueTransformationSequence = Sequence([rescale])
        frame.CTImageFrameTypeSequence = Sequence([item(FrameType=["ORIGINAL", "PRIMARY", "VOLUME", "NONE"])])
        frames.append(frame)
    dataset.SharedFunctionalGroupsSequence = Sequence([shared])
    dataset.PerFrameFunctionalGroupsSequence = Sequence(frames)
    stored = [(volume.array[index].astype(np.int32) + 1024 + index) for index in reversed(range(len(slices)))]
    dataset.PixelData = np.array(stored).astype("<u2").tobytes()
    return dataset
