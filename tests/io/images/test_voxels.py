"""NRRD and MetaImage voxels, a few MB at a time: what SimpleITK reads of the same file at once; damage is found."""

from __future__ import annotations

import gzip
import tempfile
import zlib
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
from hypothesis import given, settings
from hypothesis import strategies as st

from LungUNetSegLib.errors import ReadError
from LungUNetSegLib.io.images import files, itk_files, voxels
from LungUNetSegLib.io.images.itk_files import read_values
from LungUNetSegLib.volume.resample import from_sitk

TYPES = {
    **{"int8": "i1", "uchar": "u1", "short": "i2", "unsigned short": "u2", "int": "i4", "uint32": "u4"},
    **{"int64": "i8", "uint64": "u8", "float": "f4", "double": "f8"},
}


@settings(max_examples=40, deadline=None)
@given(
    kind=st.sampled_from(sorted(TYPES)),
    endian=st.sampled_from(["little", "big"]),
    encoding=st.sampled_from(["raw", "gzip"]),
    is_detached=st.booleans(),
    shape=st.tuples(st.integers(2, 5), st.integers(2, 5), st.integers(2, 5)),
    space=st.sampled_from(["left-posterior-superior", "RAS"]),
    chunk=st.integers(1, 200),
)
def test_parts_are_what_itk_reads_at_once(
    kind: str, endian: str, encoding: str, is_detached: bool, shape: tuple[int, int, int], space: str, chunk: int
) -> None:
    """Protects values and places: every type, byte order and encoding, the voxels in the header's file or another,
    in parts of any size.
    """
    dtype = np.dtype({"little": "<", "big": ">"}[endian] + TYPES[kind])
    values = np.frombuffer(np.random.default_rng(0).bytes(int(np.prod(shape)) * dtype.itemsize), np.uint8) & 0x3F
    packed = gzip.compress(values.tobytes()) if encoding == "gzip" else values.tobytes()
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(voxels, "_CHUNK_BYTES", chunk)
        patch.setattr(itk_files, "from_sitk", only_places)
        path = Path(folder, "scan.nhdr" if is_detached else "scan.nrrd")
        text = header(kind, endian, encoding, shape, space, "data file: voxels" if is_detached else "")
        Path(folder, "voxels").write_bytes(packed)
        path.write_bytes(text + (b"" if is_detached else packed))
        found, _ = read_values(path, "linear", 0)
        expected = from_sitk(sitk.ReadImage(str(path)))
    assert found.array.dtype == expected.array.dtype
    assert np.array_equal(found.array, expected.array, equal_nan=dtype.kind == "f")
    assert np.array_equal(found.geometry.affine_lps, expected.geometry.affine_lps)


@pytest.mark.parametrize("kind", ["list", "vector"])
@pytest.mark.parametrize("compress", [True, False])
def test_layers_are_what_itk_reads_at_once(
    tmp_path: Path, kind: str, compress: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Protects segments that overlap: each is a layer, and a voxel's values in all layers follow each other."""
    values = np.arange(3 * 4 * 5 * 2, dtype=np.uint16).reshape(3, 4, 5, 2)
    image = sitk.GetImageFromArray(values, isVector=True)
    image.SetSpacing((0.7, 0.8, 2.5))
    image.SetOrigin((-10.5, 20.25, -300.0))
    path = tmp_path / "layers.nrrd"
    sitk.WriteImage(image, str(path), useCompression=compress)
    path.write_bytes(path.read_bytes().replace(b"kinds: vector", b"kinds: " + kind.encode()))
    monkeypatch.setattr(voxels, "_CHUNK_BYTES", 50)
    expected = [from_sitk(sitk.VectorIndexSelectionCast(sitk.ReadImage(str(path)), index)) for index in range(2)]
    monkeypatch.setattr(itk_files, "from_sitk", only_places)
    found = itk_files.load_layers(*itk_files.load_header(path), path)
    for ours, theirs, layer in zip(found, expected, np.moveaxis(values, -1, 0), strict=True):
        assert ours.array.dtype == theirs.array.dtype == np.uint16
        assert np.array_equal(ours.array, layer) and np.array_equal(theirs.array, layer)
        assert np.array_equal(ours.geometry.affine_lps, theirs.geometry.affine_lps)


METAIMAGE_TYPES = {
    **{"MET_CHAR": "i1", "MET_UCHAR": "u1", "MET_SHORT": "i2", "MET_USHORT": "u2", "MET_INT": "i4", "MET_UINT": "u4"},
    **{"MET_FLOAT": "f4", "MET_DOUBLE": "f8"},
}


@settings(max_examples=40, deadline=None)
@given(
    kind=st.sampled_from(sorted(METAIMAGE_TYPES)),
    is_big=st.booleans(),
    is_packed=st.booleans(),
    is_detached=st.booleans(),
    shape=st.tuples(st.integers(2, 5), st.integers(2, 5), st.integers(2, 5)),
    chunk=st.integers(1, 200),
)
def test_parts_of_a_metaimage_are_what_itk_reads_at_once(
    kind: str, is_big: bool, is_packed: bool, is_detached: bool, shape: tuple[int, int, int], chunk: int
) -> None:
    """Protects values and places, as for NRRD."""
    dtype = np.dtype((">" if is_big else "<") + METAIMAGE_TYPES[kind])
    values = np.frombuffer(np.random.default_rng(0).bytes(int(np.prod(shape)) * dtype.itemsize), np.uint8) & 0x3F
    packed = zlib.compress(values.tobytes()) if is_packed else values.tobytes()
    lines = ["ObjectType = Image", "NDims = 3", "BinaryData = True", f"BinaryDataByteOrderMSB = {is_big}"]
    lines += [f"CompressedData = {is_packed}", f"CompressedDataSize = {len(packed)}"] if is_packed else []
    lines += ["TransformMatrix = 1 0 0 0 0.6 0.8 0 -0.8 0.6", "Offset = -10.5 20.25 -300", "ElementSpacing = 0.7 1 2.5"]
    lines += [f"DimSize = {shape[2]} {shape[1]} {shape[0]}", f"ElementType = {kind}"]
    lines += [f"ElementDataFile = {'voxels' if is_detached else 'LOCAL'}\n"]
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(voxels, "_CHUNK_BYTES", chunk)
        patch.setattr(files, "_CHUNK_BYTES", chunk)
        patch.setattr(itk_files, "from_sitk", only_places)
        path = Path(folder, "scan.mhd" if is_detached else "scan.mha")
        Path(folder, "voxels").write_bytes(packed)
        path.write_bytes("\n".join(lines).encode() + (b"" if is_detached else packed))
        found, _ = read_values(path, "linear", 0)
        expected = from_sitk(sitk.ReadImage(str(path)))
    assert found.array.dtype == expected.array.dtype
    assert np.array_equal(found.array, expected.array, equal_nan=dtype.kind == "f")
    assert np.array_equal(found.geometry.affine_lps, expected.geometry.affine_lps)


def only_places(image: sitk.Image) -> object:
    """`from_sitk`, which fails if ITK has read the voxels."""
    assert image.GetSize() == (1, 1, 1)
    return from_sitk(image)


def header(kind: str, endian: str, encoding: str, shape: tuple[int, ...], space: str, more: str = "") -> bytes:
    sizes = " ".join(map(str, shape[::-1]))
    lines = ["NRRD0004", f"type: {kind}", "dimension: 3", f"space: {space}", f"sizes: {sizes}"]
    lines += ["space directions: (0.7,0,0) (0,0.6,0.8) (0,-2,1.5)", "space origin: (-10.5,20.25,-300)"]
    lines += [f"endian: {endian}", f"encoding: {encoding}", *([more] if more else [])]
    return ("\n".join(lines) + "\n\n").encode()


@pytest.mark.parametrize("damage", ["cut", "checksum", "voxel"])
def test_damage_in_the_compressed_voxels_is_found(tmp_path: Path, damage: str) -> None:
    """Protects from voxels that are others than those that were saved."""
    values = np.random.default_rng(1).integers(0, 200, (4, 30, 30), np.uint8)
    packed = bytearray(gzip.compress(values.tobytes()))
    if damage == "cut":
        del packed[len(packed) // 2 : -8]  # its last word still tells the right length
    else:
        packed[-6 if damage == "checksum" else len(packed) // 2] ^= 0x40
    path = tmp_path / "scan.nrrd"
    path.write_bytes(header("uchar", "little", "gzip", values.shape, "LPS") + packed)
    with pytest.raises(ReadError, match=r"scan\.nrrd.*(damaged|cut short)"):
        read_values(path, "linear", 0)
