"""Headers that contradict themselves or leave out what matters: right, or said, or refused; never 1 mm in silence."""

from __future__ import annotations

import gzip
import os
import struct
import warnings
import zlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from LungUNetSegLib.cli import main
from LungUNetSegLib.errors import ReadError
from LungUNetSegLib.io import read_labels, read_scan
from LungUNetSegLib.io.images.files import GREATEST_INFLATION, data_files_anywhere
from LungUNetSegLib.phantom import Phantom
from LungUNetSegLib.volume import Geometry, Volume
from LungUNetSegLib.volume.resample import to_sitk

SPACING = (14.125, 5.15625, 4.5)
"""Of `small_phantom`-like scans (slice, row, column), exact in float32."""

QFORM, SFORM, CODES, PIXDIM, UNITS = 256, 280, 252, 76, 123


@pytest.fixture
def nifti(small_phantom: Phantom, tmp_path: Path) -> Callable[..., Path]:
    """Write the phantom as NIfTI with some header fields replaced: (offset, format, values)."""
    ct = Volume(small_phantom.ct.array, Geometry.axial(small_phantom.ct.array.shape, SPACING, (-160.0, -150.0, -170.0)))

    def write(*changes: tuple[int, str, tuple[float, ...]], name: str = "scan.nii") -> Path:
        path = tmp_path / name
        sitk.WriteImage(to_sitk(ct), str(tmp_path / "plain.nii"))
        content = bytearray((tmp_path / "plain.nii").read_bytes())
        for offset, form, values in changes:
            struct.pack_into("<" + form, content, offset, *values)
        path.write_bytes(content)
        return path

    return write


def codes(path: Path) -> list[str]:
    return [finding.code for finding in read_scan(path).findings]


def refused(path: Path, *words: str) -> None:
    with pytest.raises(ReadError) as caught:
        read_scan(path)
    for word in (*words, str(path)):
        assert word in str(caught.value)
    assert "\n" not in str(caught.value)


# NIfTI


def test_an_sform_is_right_where_the_pixel_sizes_are_not(nifti: Callable[..., Path]) -> None:
    """Protects from volumes that are wrong by a factor of 34: ITK multiplies directions by pixdim."""
    path = nifti((CODES, "2h", (0, 1)), (PIXDIM + 4, "3f", (1, 1, 1)))
    assert read_scan(path).volume.geometry.spacing_mm == pytest.approx(SPACING)
    assert codes(path) == ["place-in-doubt"]


@pytest.mark.parametrize("value", [0.0, float("nan"), float("inf"), -1.0])
def test_pixel_sizes_that_are_none_are_refused_or_said(value: float, nifti: Callable[..., Path]) -> None:
    alone = nifti((CODES, "2h", (1, 0)), (PIXDIM + 4, "f", (value,)))
    refused(alone, "pixdim")
    nowhere = nifti((CODES, "2h", (0, 0)), (PIXDIM + 12, "f", (value,)))
    refused(nowhere, "spacing")
    beside_an_sform = nifti((PIXDIM + 8, "f", (value,)))
    assert codes(beside_an_sform) == ["place-in-doubt"]
    assert read_scan(beside_an_sform).volume.geometry.spacing_mm == pytest.approx(SPACING)


def test_a_quaternion_that_is_none(nifti: Callable[..., Path]) -> None:
    nan = float("nan")
    refused(nifti((CODES, "2h", (1, 0)), (QFORM, "3f", (nan, nan, nan))), "quaternion")
    assert codes(nifti((QFORM, "3f", (nan, 0, 0)))) == ["place-in-doubt"]
    assert codes(nifti((SFORM, "f", (nan,)))) == ["place-in-doubt"], "the qform is there"
    refused(nifti((CODES, "2h", (0, 2)), (SFORM, "12f", (0.0,) * 12)), "singular")


def test_forms_that_disagree_about_the_place_are_said(nifti: Callable[..., Path]) -> None:
    """The rule is nibabel's: the sform."""
    path = nifti((CODES, "2h", (1, 2)), (SFORM + 12, "f", (160.0 + 30.0,)))
    assert codes(path) == ["place-in-doubt"]
    geometry = read_scan(path).volume.geometry
    assert geometry.to_lps((0, 0, 0)).tolist() == pytest.approx([-190.0, -150.0, -170.0])
    assert "30.0 mm" in read_scan(path).findings[0].message


def test_forms_that_disagree_about_the_sides_are_refused(nifti: Callable[..., Path]) -> None:
    refused(nifti((CODES, "2h", (1, 2)), (SFORM, "f", (4.5,))), "right and left")


def test_microns_and_metres_become_mm_for_sheared_files_too(nifti: Callable[..., Path]) -> None:
    row = [-4.5, 0.0, 0.0, 160.0, 0.0, -5.15625, -3.0, 150.0, 0.0, 0.0, 14.125, -170.0]
    for unit, factor in ((3, 1000.0), (1, 0.001)):
        sizes = (PIXDIM + 4, "3f", tuple(each * factor for each in SPACING[::-1]))
        place = (QFORM + 12, "3f", tuple(each * factor for each in (160.0, 150.0, -170.0)))
        sform = (SFORM, "12f", tuple(each * factor for each in row))
        path = nifti((UNITS, "B", (unit,)), (CODES, "2h", (0, 1)), sizes, place, sform)
        scan = read_scan(path)
        assert [finding.code for finding in scan.findings] == ["sheared-grid"]
        assert scan.volume.geometry.spacing_mm == pytest.approx((14.125, 5.15625, 4.5), rel=1e-5)


def test_label_maps_saved_as_scaled_numbers_are_rounded(nifti: Callable[..., Path], small_phantom: Phantom) -> None:
    """Some programs scale 8-bit numbers: 1 comes back as 0.996."""
    labels = Volume(small_phantom.labels.array.astype(np.float32) * np.float32(0.996), small_phantom.ct.geometry)
    path = nifti(name="mask.nii.gz")
    sitk.WriteImage(to_sitk(labels), str(path))
    assert np.array_equal(read_labels(path).array, small_phantom.labels.array)
    half = Volume(small_phantom.labels.array.astype(np.float32) * np.float32(0.5), small_phantom.ct.geometry)
    sitk.WriteImage(to_sitk(half), str(path))
    with pytest.raises(ReadError, match=r"this one holds 0, 0\.5, 1"):
        read_labels(path)


def test_slope_and_intercept_are_applied(nifti: Callable[..., Path], small_phantom: Phantom) -> None:
    scan = read_scan(nifti((112, "2f", (2.0, -24.0))))
    assert np.array_equal(scan.volume.array, np.maximum(2 * small_phantom.ct.array.astype(int) - 24, -1024))


def test_an_uncompressed_file_with_a_compressed_name_is_read(
    nifti: Callable[..., Path], small_phantom: Phantom
) -> None:
    path = nifti(name="scan.nii.gz")
    assert np.array_equal(read_scan(path).volume.array, small_phantom.ct.array)
    packed = path.with_name("other.nii")
    packed.write_bytes(gzip.compress(path.read_bytes(), 1))
    assert np.array_equal(read_scan(packed).volume.array, small_phantom.ct.array)


def test_a_big_endian_file_and_nifti_2_are_read(nifti: Callable[..., Path], small_phantom: Phantom) -> None:
    array, path = small_phantom.ct.array, nifti()
    header = bytearray(540)
    struct.pack_into(">i8sh", header, 0, 540, b"n+2\0\r\n\x1a\n", 4)
    struct.pack_into(">8q", header, 16, 3, *array.shape[::-1], 1, 1, 1, 1)
    struct.pack_into(">8d", header, 104, 1, *SPACING[::-1], 0, 0, 0, 0)
    struct.pack_into(">q", header, 168, 544)
    struct.pack_into(">2i", header, 344, 0, 1)
    struct.pack_into(">12d", header, 400, -4.5, 0, 0, 160, 0, -5.15625, 0, 150, 0, 0, 14.125, -170)
    struct.pack_into(">i", header, 500, 2)
    path.write_bytes(bytes(header) + bytes(4) + array.astype(">i2").tobytes())
    scan = read_scan(path)
    assert scan.findings == () and np.array_equal(scan.volume.array, array)
    assert scan.volume.geometry.spacing_mm == pytest.approx(SPACING)


def test_lying_sizes_are_named_before_memory_is_asked_for(nifti: Callable[..., Path]) -> None:
    refused(nifti((42, "3h", (30000, 30000, 30000))), "header claims", "damaged or cut short")
    path = nifti(name="scan.nii.gz")
    content = bytearray(path.read_bytes())
    struct.pack_into("<3h", content, 42, 30000, 30000, 30000)
    path.write_bytes(gzip.compress(content))
    refused(path, "header claims", "damaged or cut short")
    fewer = nifti((46, "h", (12,)))
    assert codes(fewer) == ["more-data"], "half of the slices are there and not told of"


def test_what_is_compressed_is_unpacked_only_as_far_as_the_header_says(nifti: Callable[..., Path]) -> None:
    """Protects the memory: 600 MB of zeros behind a small scan are left packed, and said."""
    path = nifti(name="scan.nii.gz")
    squeeze = zlib.compressobj(9, zlib.DEFLATED, 31)
    parts = [squeeze.compress(path.read_bytes())]
    parts += [squeeze.compress(bytes(1 << 20)) for _ in range(600)]
    path.write_bytes(b"".join([*parts, squeeze.flush()]))
    assert path.stat().st_size * GREATEST_INFLATION > 600 << 20
    assert codes(path) == ["more-data"]


def test_a_changed_byte_in_a_compressed_file_is_noticed(nifti: Callable[..., Path]) -> None:
    """The checksum stands behind the last voxel."""
    path = nifti(name="scan.nii.gz")
    packed = bytearray(gzip.compress(path.read_bytes(), 1))
    packed[-6] ^= 1
    path.write_bytes(packed)
    refused(path, "damaged")


def test_pairs_and_foreign_files_are_named_as_what_they_are(nifti: Callable[..., Path], tmp_path: Path) -> None:
    refused(nifti((344, "4s", (b"ni1\0",))), ".hdr/.img pair")
    for name in ("scan.nii.gz", "scan.nrrd", "scan.mha"):
        (tmp_path / name).write_bytes(b"PK\x03\x04" + bytes(500))
        refused(tmp_path / name, "zip archive", "unpack")


def test_threads_turn_no_switch_of_the_whole_process(nifti: Callable[..., Path]) -> None:
    """Training reads in threads: 24 sheared files, 8 at once, all right, and nothing is left turned."""
    row = (-4.5, 0.0, 0.0, 160.0, 0.0, -5.15625, -3.0, 150.0, 0.0, 0.0, 14.125, -170.0)
    paths = [nifti((CODES, "2h", (0, 1)), (SFORM, "12f", row), name=f"{number}.nii") for number in range(24)]
    before = dict(os.environ), list(warnings.filters), sitk.ProcessObject.GetGlobalWarningDisplay()
    alone = read_scan(paths[0]).volume.array
    with ThreadPoolExecutor(8) as pool:
        scans = list(pool.map(read_scan, paths))
    assert all([finding.code for finding in scan.findings] == ["sheared-grid"] for scan in scans)
    assert all(np.array_equal(scan.volume.array, alone) for scan in scans)
    assert (dict(os.environ), list(warnings.filters), sitk.ProcessObject.GetGlobalWarningDisplay()) == before


# NRRD and MetaImage


def write_text(path: Path, lines: str, array: np.ndarray, ends: str) -> Path:
    path.write_bytes(lines.encode() + ends.encode() + array.astype("<i2").tobytes())
    return path


def nrrd(path: Path, array: np.ndarray, *lines: str) -> Path:
    sizes = " ".join(map(str, array.shape[::-1]))
    head = ["NRRD0004", "type: short", "dimension: 3", f"sizes: {sizes}", "endian: little", "encoding: raw", *lines]
    return write_text(path, "\n".join(head), array, "\n\n")


LPS = "space: left-posterior-superior"
DIRECTIONS = "space directions: (4.5,0,0) (0,5.15625,0) (0,0,14.125)"


@pytest.mark.parametrize(
    ("lines", "found"),
    [
        ([LPS, DIRECTIONS], []),
        ([LPS, "space directions: (.45,0,0) (0,.515625,0) (0,0,1.4125)", 'space units: "cm" "cm" "cm"'], []),
        ([LPS, "space directions: (4500,0,0) (0,5156.25,0) (0,0,14125)", 'space units: "\u00b5m" "um" "microns"'], []),
        (["spacings: 4.5 5.15625 14.125"], ["no-orientation"]),
        (["spacings: .45 .515625 1.4125", 'units: "cm" "cm" "cm"'], ["no-orientation"]),
        (["space dimension: 3", DIRECTIONS], ["no-orientation"]),
        (["axis mins: 0 0 0", "axis maxs: 324 330 339"], ["no-orientation"]),
    ],
)
def test_nrrd_spacing_is_right_or_said(
    lines: list[str], found: list[str], small_phantom: Phantom, tmp_path: Path
) -> None:
    """Protects volumes from units, and from headers that give places in other ways than ITK looks for."""
    path = nrrd(tmp_path / "scan.nrrd", small_phantom.ct.array, *lines)
    assert codes(path) == found
    assert read_scan(path).volume.geometry.spacing_mm == pytest.approx(SPACING)
    assert np.array_equal(read_scan(path).volume.array, small_phantom.ct.array)


@pytest.mark.parametrize(
    "lines",
    [
        [],
        [LPS, "space directions: none none none"],
        [LPS, "space directions: (2,0,0) none (0,0,3)"],
        ["spacings: nan nan nan"],
        ["spacings: 1 0 1"],
        [LPS, "space directions: (0,0,0) (0,2,0) (0,0,3)"],
        ["axis mins: 0 0 0"],
    ],
)
def test_a_nrrd_without_spacing_is_refused(lines: list[str], small_phantom: Phantom, tmp_path: Path) -> None:
    refused(nrrd(tmp_path / "scan.nrrd", small_phantom.ct.array, *lines), "spacing")


def test_unknown_units_are_refused(small_phantom: Phantom, tmp_path: Path) -> None:
    array = small_phantom.ct.array
    refused(nrrd(tmp_path / "a.nrrd", array, LPS, DIRECTIONS, 'space units: "ell" "ell" "ell"'), "ell")
    refused(nrrd(tmp_path / "b.nrrd", array, LPS, DIRECTIONS, 'space units: "mm" "mm" "cm"'), "different units")


def metaimage(path: Path, array: np.ndarray, *lines: str, data: str = "LOCAL") -> Path:
    sizes = " ".join(map(str, array.shape[::-1]))
    head = ["ObjectType = Image", "NDims = 3", "BinaryData = True", "BinaryDataByteOrderMSB = False",
            f"DimSize = {sizes}", *lines, "ElementType = MET_SHORT", f"ElementDataFile = {data}"]  # fmt: skip
    return write_text(path, "\n".join(head), array if data == "LOCAL" else array[:0], "\n")


IDENTITY, ELEMENT = "TransformMatrix = 1 0 0 0 1 0 0 0 1", "ElementSpacing = 4.5 5.15625 14.125"


@pytest.mark.parametrize(
    ("lines", "found"),
    [
        ([IDENTITY, ELEMENT], []),
        ([IDENTITY, "ElementSize = 4.5 5.15625 14.125"], []),
        ([IDENTITY, "ElementSpacing = .45 .515625 1.4125", "DistanceUnits = cm"], []),
        ([IDENTITY, "ElementSpacing = 4500 5156.25 14125", "DistanceUnits = um"], []),
        ([ELEMENT], ["no-orientation"]),
        ([IDENTITY, "ElementSpacing = .45 .515625 1.4125"], ["small-image"]),
    ],
)
def test_metaimage_spacing_is_right_or_said(
    lines: list[str], found: list[str], small_phantom: Phantom, tmp_path: Path
) -> None:
    path = metaimage(tmp_path / "scan.mha", small_phantom.ct.array, *lines)
    assert codes(path) == found
    if found != ["small-image"]:
        assert read_scan(path).volume.geometry.spacing_mm == pytest.approx(SPACING)


def test_a_metaimage_without_spacing_is_refused(small_phantom: Phantom, tmp_path: Path) -> None:
    array = small_phantom.ct.array
    for number, line in enumerate(
        ("", "ElementSpacing = 0 1 1", "ElementSpacing = 1 -1 1", "ElementSpacing = 1 nan 1")
    ):
        refused(metaimage(tmp_path / f"{number}.mha", array, IDENTITY, *([line] if line else [])), "spacing")
    refused(metaimage(tmp_path / "ell.mha", array, IDENTITY, ELEMENT, "DistanceUnits = ell"), "ell")


@pytest.mark.parametrize("name", ["ElementToIntensityFunction", "ElementIntensity"])
def test_intensities_are_scaled_as_the_header_says(name: str, small_phantom: Phantom, tmp_path: Path) -> None:
    stored = (small_phantom.ct.array.astype(np.int32) + 1024) * 2
    path = metaimage(
        tmp_path / "scan.mha", stored.astype(np.int16), IDENTITY, ELEMENT, f"{name}Slope = 0.5", f"{name}Offset = -1024"
    )
    assert codes(path) == ["rescaled"]
    assert np.array_equal(read_scan(path).volume.array, small_phantom.ct.array)


def test_values_beyond_any_scanner_are_said(small_phantom: Phantom, tmp_path: Path) -> None:
    ten = np.clip(small_phantom.ct.array.astype(int) * 10, -32768, 32767).astype(np.int16)
    assert "beyond-scanner" in codes(metaimage(tmp_path / "scan.mha", ten, IDENTITY, ELEMENT))


def test_spacings_that_no_chest_ct_has_are_refused(small_phantom: Phantom, tmp_path: Path) -> None:
    """Slices 106 mm apart gave 7,714 ml for 4,332."""
    array = small_phantom.ct.array
    refused(metaimage(tmp_path / "a.mha", array[:8], IDENTITY, "ElementSpacing = 4.5 5 106"), "106 mm apart")
    refused(metaimage(tmp_path / "b.mha", array, IDENTITY, "ElementSpacing = 1e-9 1e-9 5"), "millimetres")


# Data in files of their own


@pytest.mark.parametrize("ending", [".mhd", ".nhdr", ".nrrd", ".mha"])
@pytest.mark.parametrize("place", ["../secret.raw", "{outside}/secret.raw", "link.raw", "below/../../secret.raw"])
def test_data_outside_the_headers_folder_are_refused(
    ending: str, place: str, small_phantom: Phantom, tmp_path: Path
) -> None:
    """Protects this computer's files from the headers of strangers."""
    folder, array = tmp_path / "scan", small_phantom.ct.array
    (folder / "below").mkdir(parents=True)
    (tmp_path / "secret.raw").write_bytes(array.tobytes())
    (folder / "link.raw").symlink_to(tmp_path / "secret.raw")
    refused(detached(folder / f"scan{ending}", array, place.format(outside=tmp_path)), "outside the header's folder")


def detached(path: Path, array: np.ndarray, data: str) -> Path:
    if path.suffix in (".mhd", ".mha"):
        return metaimage(path, array, IDENTITY, ELEMENT, data=data)
    nrrd(path, array, LPS, DIRECTIONS, f"data file: {data}")
    path.write_bytes(path.read_bytes().split(b"\n\n")[0] + b"\n")
    return path


@pytest.mark.parametrize("ending", [".mhd", ".nhdr"])
@pytest.mark.parametrize("place", ["../voxels.raw", "{outside}/voxels.raw", "link.raw"])
def test_data_outside_are_read_where_that_is_allowed(
    ending: str, place: str, small_phantom: Phantom, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Some archives keep headers apart from voxels. Nothing but ordinary files is opened all the same."""
    folder, array = tmp_path / "scan", small_phantom.ct.array
    folder.mkdir()
    (tmp_path / "voxels.raw").write_bytes(array.tobytes())
    (folder / "link.raw").symlink_to(tmp_path / "voxels.raw")
    path = detached(folder / f"scan{ending}", array, place.format(outside=tmp_path))
    with data_files_anywhere():
        assert np.array_equal(read_scan(path).volume.array, array)
    assert main(["info", str(path)]) == 1 and "--allow-outside" in capsys.readouterr().err
    assert main(["info", str(path), "--allow-outside"]) == 0
    with data_files_anywhere(), pytest.raises(ReadError, match="device"):
        read_scan(detached(folder / f"device{ending}", array, "/dev/zero"))
    refused(path, "outside the header's folder")


@pytest.mark.parametrize("ending", [".mhd", ".nhdr"])
def test_data_beside_and_below_the_header_are_read(ending: str, small_phantom: Phantom, tmp_path: Path) -> None:
    (tmp_path / "below").mkdir()
    for place in ("scan.raw", "below/scan.raw"):
        (tmp_path / place).write_bytes(small_phantom.ct.array.astype("<i2").tobytes())
        path = detached(tmp_path / f"scan{ending}", small_phantom.ct.array, place)
        assert np.array_equal(read_scan(path).volume.array, small_phantom.ct.array)


def test_lists_of_data_files_are_looked_at_too(small_phantom: Phantom, tmp_path: Path) -> None:
    array = small_phantom.ct.array
    names = [f"{number}.raw" for number in range(len(array))]
    for name, plane in zip(names, array, strict=True):
        (tmp_path / name).write_bytes(plane.tobytes())
    path = detached(tmp_path / "scan.mhd", array, "LIST\n" + "\n".join(names))
    assert np.array_equal(read_scan(path).volume.array, array)
    refused(detached(path, array, "LIST\n" + "\n".join([*names[1:], "/etc/hostname"])), "outside")
    assert np.array_equal(read_scan(detached(path, array, "%d.raw 0 23 1")).volume.array, array)
    refused(detached(path, array, "../%03d.raw 0 23 1"), "outside")
    refused(detached(path, array, "%d.raw 0 23 0"), "no pattern")
    refused(detached(path, array, "%n%n%s 0 23 1"), "no pattern")
    text = nrrd(
        tmp_path / "list.nhdr", array, LPS, DIRECTIONS, "data file: LIST\n" + "\n".join([*names[1:], "/etc/fstab"])
    )
    text.write_bytes(text.read_bytes().split(b"\n\n")[0] + b"\n")
    refused(text, "outside")
    (tmp_path / "7.raw").unlink()
    (tmp_path / "7.raw").symlink_to("/etc/hostname")
    refused(detached(path, array, "%d.raw 0 23 1"), "outside")
    (tmp_path / "7.raw").unlink()
    os.mkfifo(tmp_path / "7.raw")
    with pytest.raises(ReadError, match="pipe"):
        read_scan(detached(path, array, "%d.raw 0 23 1"))


@pytest.mark.skipif(os.name != "posix", reason="pipes of another kind")
def test_pipes_and_devices_are_refused_and_not_waited_for(small_phantom: Phantom, tmp_path: Path) -> None:
    """Protects from waiting for ever."""
    for name in ("scan.nii.gz", "scan.nrrd", "scan.mha", "scan.raw", "slice"):
        os.mkfifo(tmp_path / name)
    for name in ("scan.nii.gz", "scan.nrrd", "scan.mha", "slice"):
        refused(tmp_path / name, "pipe")
    for ending in (".mhd", ".nhdr"):
        with pytest.raises(ReadError, match="pipe"):
            read_scan(detached(tmp_path / f"other{ending}", small_phantom.ct.array, "scan.raw"))
    refused(Path("/dev/zero"), "device")
    with pytest.raises(ReadError, match="pipe"):
        read_scan([tmp_path / "slice"])
    with pytest.raises(ReadError, match="pipe"):
        read_labels(tmp_path / "scan.nii.gz")


@pytest.mark.parametrize("ending", [".mha", ".nrrd"])
def test_sizes_that_a_text_header_claims_are_compared_with_the_file(
    ending: str, small_phantom: Phantom, tmp_path: Path
) -> None:
    path = (metaimage if ending == ".mha" else nrrd)(
        tmp_path / f"scan{ending}",
        small_phantom.ct.array,
        *([IDENTITY, ELEMENT] if ending == ".mha" else [LPS, DIRECTIONS]),
    )
    path.write_bytes(path.read_bytes().replace(b"72 64 24", b"30000 30000 30000"))
    refused(path, "header claims", "damaged or cut short")
