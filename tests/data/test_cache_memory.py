"""What caching a case takes of memory and of open files."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
from phantom_cases import COARSE, write_image, write_pair

from LungUNetSegLib.cases.labelled import Case
from LungUNetSegLib.cases.reading import read_pair
from LungUNetSegLib.data.cache import cache_case
from LungUNetSegLib.data.network_slices import preprocess
from LungUNetSegLib.io import write_dicom_series, write_labels
from LungUNetSegLib.phantom import make_phantom, phantom_geometry
from LungUNetSegLib.preprocessing import PreprocessConfig
from LungUNetSegLib.segments import LUNGS
from LungUNetSegLib.volume import Geometry, Volume, bounding_box
from LungUNetSegLib.volume.resample import to_sitk


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="open files are counted through /proc")
def test_open_cases_hold_no_files_open(tmp_path: Path) -> None:
    """A data set of a thousand scans must not exhaust what a process may open."""
    case = write_pair(tmp_path / "data", "p", slices=3)
    cache_case(case, COARSE, tmp_path)
    before = len(list(Path("/proc/self/fd").iterdir()))
    cases = [cache_case(case, COARSE, tmp_path) for _ in range(50)]
    assert all(each.hu[1].shape == COARSE.size for each in cases)
    assert len(list(Path("/proc/self/fd").iterdir())) <= before + 1


CACHE_ONE = """
import sys
from pathlib import Path
from LungUNetSegLib.cases.labelled import Case
from LungUNetSegLib.data.cache import cache_case
from LungUNetSegLib.preprocessing import PreprocessConfig

def peak(image, mask):
    case = Case(case_id="p", patient="p", image=Path(image), mask=Path(mask))
    cache_case(case, PreprocessConfig(), Path(sys.argv[1]))
    # Not `ru_maxrss`, which a process takes over from the one that started it: pytest's is larger than all of this.
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0])

print(-peak(*sys.argv[2:4]) + peak(*sys.argv[4:6]))
"""


@pytest.fixture(scope="module")
def small_and_large() -> list[tuple[Volume, Volume]]:
    """Two scans of 512 x 512 pixels, of 16 and 112 slices, and their masks."""
    phantoms = [make_phantom(phantom_geometry((slices, 128, 128)), rng=0) for slices in (16, 112)]
    return [(_four_times_finer(each.ct), _four_times_finer(each.labels)) for each in phantoms]


def assert_cached_within(limit_mb: float, cache: Path, paths: list[str]) -> None:
    """Cache two cases (scan, mask, scan, mask) in a process, the second within a limit above the first's peak.

    Its slices are those of the scan in memory.
    """
    command = [sys.executable, "-c", CACHE_ONE, str(cache), *paths]
    more_mb = int(subprocess.run(command, capture_output=True, text=True, check=True).stdout) / 1000
    assert more_mb < limit_mb, f"{more_mb:.0f} MB"
    image, mask = map(Path, paths[-2:])
    case = Case(case_id="p", patient="p", image=image, mask=mask)
    cached = cache_case(case, PreprocessConfig(), cache)
    hu, target = preprocess(read_pair(case), PreprocessConfig())
    assert np.array_equal(cached.hu[:], hu) and np.array_equal(cached.target[:], target)


@pytest.mark.skipif(sys.platform != "linux", reason="a process's greatest memory is read from /proc")
@pytest.mark.parametrize("kind", ["DICOM", ".nii", ".nrrd", ".mha", "layers"])
def test_a_case_is_cached_with_a_few_tens_of_mb(
    tmp_path: Path, kind: str, small_and_large: list[tuple[Volume, Volume]]
) -> None:
    """Protects machines that cache as many scans at a time as they have cores: it was a scan's size and twice its
    mask's. A first, small case loads the libraries; the second takes 5 to 8 MB more, with 59 MB of voxels of the
    scan and 29 MB of its mask, and its slices are those of the scan in memory. The MetaImage's mask is a segmentation
    of Slicer, the last one such of two layers, cropped to the lungs.
    """
    paths: list[str] = []
    for number, (ct, labels) in enumerate(small_and_large):
        ending = {"DICOM": ".nii", ".mha": ".seg.nrrd", "layers": ".seg.nrrd"}.get(kind, kind)
        image, mask = tmp_path / f"{number}{kind.replace('layers', '.nrrd')}", tmp_path / f"{number}_seg{ending}"
        if kind == "DICOM":
            write_dicom_series(ct, image)
        else:
            write_image(ct, image)
        if kind == "layers":
            _write_layers(mask, labels)
        else:
            write_labels(mask, labels)
        paths += [str(image), str(mask)]
    assert 2 * ct.array.size == 58_720_256
    assert_cached_within(15, tmp_path, paths)


@pytest.mark.skipif(sys.platform != "linux", reason="a process's greatest memory is read from /proc")
def test_an_oblique_case_takes_little_more_than_its_size_once(
    tmp_path: Path, small_and_large: list[tuple[Volume, Volume]]
) -> None:
    """Protects the same machines: it was several times the scan's 59 MB, and its mask's in 32 bits.

    ITK holds a copy of what it resamples, and a part of what it makes of it.
    """
    paths: list[str] = []
    for number, pair in enumerate(small_and_large):
        image, mask = tmp_path / f"{number}.nii", tmp_path / f"{number}_seg.nii"
        ct, labels = map(_turned, pair)
        write_image(ct, image)
        write_labels(mask, labels)
        paths += [str(image), str(mask)]
    assert_cached_within(300, tmp_path, paths)


def _turned(volume: Volume) -> Volume:
    """Turn a scan by 20 degrees about the patient's left-right axis."""
    turn = np.eye(4)
    turn[1:3, 1:3] = [[np.cos(np.pi / 9), -np.sin(np.pi / 9)], [np.sin(np.pi / 9), np.cos(np.pi / 9)]]
    return Volume(volume.array, Geometry(volume.geometry.shape, turn @ volume.geometry.affine_lps))


def _write_layers(path: Path, labels: Volume) -> None:
    """Write the lungs as Slicer writes segments that overlap: a layer each, cropped to all of them."""
    box = bounding_box(labels.array)
    affine = labels.geometry.affine_lps.copy()
    affine[:3, 3] = labels.geometry.to_lps([axis.start for axis in box])
    geometry = Geometry(labels.array[box].shape, affine)
    layers = [Volume((labels.array[box] == label).astype(np.uint8), geometry) for label in (1, 2)]
    image = sitk.Compose([to_sitk(layer) for layer in layers])
    for index, segment in enumerate(LUNGS):
        fields = {"ID": segment.segment_id, "Name": segment.name, "LabelValue": "1", "Layer": str(index)}
        for key, value in fields.items():
            image.SetMetaData(f"Segment{index}_{key}", value)
    sitk.WriteImage(image, str(path), useCompression=True)


def _four_times_finer(volume: Volume) -> Volume:
    """Repeat each pixel four times along rows and columns: a large scan that is made fast."""
    geometry = volume.geometry
    affine = geometry.affine_lps.copy()
    affine[:3, 1:3] /= 4
    array = volume.array.repeat(4, axis=1).repeat(4, axis=2)
    return Volume(array, Geometry((len(array), array.shape[1], array.shape[2]), affine))
