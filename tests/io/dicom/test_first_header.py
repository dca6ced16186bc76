"""What headers say of the images beside their place and scale: another unit, a projection, an animal, another width."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from dicom_files import enhanced, item, save, slices_of
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from LungUNetSegLib.io import list_series, read_scan
from LungUNetSegLib.phantom import make_phantom
from LungUNetSegLib.volume import Geometry, Volume

Change = Callable[[Dataset], object]


@pytest.fixture(scope="module")
def ct() -> Volume:
    return make_phantom(Geometry.axial((13, 24, 28), (10.0, 12.0, 12.0), (-165.0, -141.0, -60.0)), rng=1).ct


def said(ct: Volume, folder: Path, **attributes: object) -> dict[str, str]:
    return {each.code: each.message for each in read_scan(save(slices_of(ct, **attributes), folder)).findings}


def mapping(meaning: str, code: str) -> Sequence:
    unit = item(CodeValue=code, CodingSchemeDesignator="UCUM", CodeMeaning=meaning)
    return Sequence(
        [
            item(
                LUTLabel="map",
                RealWorldValueSlope=0.1,
                RealWorldValueIntercept=0.0,
                MeasurementUnitsCodeSequence=Sequence([unit]),
            )
        ]
    )


@pytest.mark.parametrize("kind", ["ELECTRON_DENSITY", "EFF_ATOMIC_NUM", "MAT_SPECIFIC", "PERFUSION", "SUBTRACTION"])
def test_maps_that_name_no_unit_are_known_by_their_type(kind: str, ct: Volume, tmp_path: Path) -> None:
    """Scanners of two energies store maps as CT, and not all of them give a unit."""
    assert kind in said(ct, tmp_path, ImageType=["DERIVED", "PRIMARY", "AXIAL", kind])["not-hu"]


@pytest.mark.parametrize("kind", ["VMI", "HELIX", "CT_SOM5 SPI", "MAT_REMOVED", "ENERGY_PROP_WT"])
def test_images_in_hounsfield_units_are_not_taken_for_maps(kind: str, ct: Volume, tmp_path: Path) -> None:
    assert said(ct, tmp_path, ImageType=["DERIVED", "PRIMARY", "AXIAL", kind]) == {}


def test_a_unit_in_a_mapping_of_real_world_values(ct: Volume, tmp_path: Path) -> None:
    """It is where the standard wants the unit of maps; a CT's mapping says Hounsfield units."""
    iodine, hounsfield = mapping("milligram per millilitre", "mg/mL"), mapping("Hounsfield unit", "[hnsf'U]")
    found = said(ct, tmp_path / "a", RescaleType=None, RealWorldValueMappingSequence=iodine)
    assert "MILLIGRAM PER MILLILITRE" in found["not-hu"]
    assert said(ct, tmp_path / "b", RescaleType=None, RealWorldValueMappingSequence=hounsfield) == {}
    assert said(ct, tmp_path / "c", RescaleType="HU", RealWorldValueMappingSequence=iodine) == {}


def frames(ct: Volume, folder: Path, change: Change) -> dict[str, str]:
    """The findings of an Enhanced CT of which each frame is changed; values and place are checked."""
    dataset = enhanced(ct)
    for frame in dataset.PerFrameFunctionalGroupsSequence:
        change(frame)
    scan = read_scan(save([dataset], folder))
    assert scan.volume.geometry.matches(ct.geometry)
    assert np.array_equal(scan.volume.array, ct.array)
    return {each.code: each.message for each in scan.findings}


def test_frames_say_what_they_are(ct: Volume, tmp_path: Path) -> None:
    def unit(frame: Dataset) -> None:
        frame.PixelValueTransformationSequence[0].RescaleType = ""
        frame.RealWorldValueMappingSequence = mapping("Z", "Z")

    def typed(**attributes: object) -> Change:
        return lambda frame: [
            setattr(frame.CTImageFrameTypeSequence[0], key, value) for key, value in attributes.items()
        ]

    assert set(frames(ct, tmp_path / "a", unit)) == {"not-hu"}
    assert set(frames(ct, tmp_path / "b", typed(VolumeBasedCalculationTechnique="MIN_IP"))) == {"projected"}
    assert set(frames(ct, tmp_path / "c", typed(VolumeBasedCalculationTechnique="NONE"))) == set()
    assert set(frames(ct, tmp_path / "d", typed(FrameType=["DERIVED", "PRIMARY", "VOLUME", "MAXIMUM"]))) == {
        "projected"
    }


def test_a_makers_own_sequences_do_not_place_frames(ct: Volume, tmp_path: Path) -> None:
    """They may hold the standard's elements with other meanings, such as the place of a localizer's line."""

    def private(frame: Dataset) -> None:
        block = frame.private_block(0x0019, "A MAKER", create=True)
        block.add_new(1, "SQ", Sequence([item(ImagePositionPatient=["0", "0", "0"], RescaleIntercept="0")]))

    assert frames(ct, tmp_path, private) == {}


def test_what_a_converter_could_not_assign_gives_way(ct: Volume, tmp_path: Path) -> None:
    """Legacy Converted Enhanced CT keeps there what has no place elsewhere, also numbers of the old images."""

    def unassigned(frame: Dataset) -> None:
        kept = item(PixelSpacing=["5", "5"], RescaleIntercept="0", ImageComments="of old")
        frame.UnassignedPerFrameConvertedAttributesSequence = Sequence([kept])

    assert frames(ct, tmp_path, unassigned) == {}


@pytest.mark.parametrize("kind", ["MIP", "MINIP", "MIN IP", "MAX_IP", "PROJECTION IMAGE", "VOLUME_RENDER"])
def test_projections_by_their_type(kind: str, ct: Volume, tmp_path: Path) -> None:
    assert "projected" in said(ct, tmp_path, ImageType=["DERIVED", "SECONDARY", "REFORMATTED", kind])


def test_projections_by_their_technique(ct: Volume, tmp_path: Path) -> None:
    assert "projected" in said(ct, tmp_path, VolumeBasedCalculationTechnique="MAX_IP")


def test_projections_by_their_name_and_thickness(ct: Volume, tmp_path: Path) -> None:
    """Many workstations write it in the description alone; thin slices so called are meant to be projected."""
    assert "projected" in said(ct, tmp_path / "a", SeriesDescription="Lung AX MIPs 20/10", SliceThickness="20")
    assert said(ct, tmp_path / "b", SeriesDescription="1.0 for MIP", SliceThickness="10") == {}
    assert said(ct, tmp_path / "c", SeriesDescription="Chest shrimps 20/10", SliceThickness="20") == {}


def test_the_scan_is_chosen_before_its_projections_and_maps(ct: Volume, tmp_path: Path) -> None:
    """The wrong series would be segmented with a remark on the others only."""
    wrong = {
        "1.2": {"VolumeBasedCalculationTechnique": "MAX_IP"},
        "1.3": {"ImageType": ["DERIVED", "PRIMARY", "AXIAL", "MAT_SPECIFIC"]},
        "1.4": {"ImageType": ["DERIVED", "PRIMARY", "AXIAL", "MIN IP"]},
        "1.5": {"SeriesDescription": "thin MIP", "SliceThickness": "20"},
    }
    for uid, attributes in wrong.items():
        save(slices_of(ct, SeriesInstanceUID=uid, SeriesNumber=1, **attributes), tmp_path / uid)
    save(slices_of(ct, SeriesInstanceUID="1.9", SeriesNumber=9), tmp_path / "ct")
    assert list_series(tmp_path)[0].uid == "1.9"


@pytest.mark.parametrize(
    ("attributes", "word"),
    [
        ({"AnatomicalOrientationType": "QUADRUPED"}, "four legs"),
        ({"PatientSpeciesDescription": "Sus scrofa"}, "Sus scrofa"),
        ({"PatientSpeciesCodeSequence": Sequence([item(CodeValue="1", CodeMeaning="Canis lupus")])}, "Canis lupus"),
        ({"QualityControlImage": "YES"}, "test object"),
    ],
)
def test_no_human(attributes: dict[str, object], word: str, ct: Volume, tmp_path: Path) -> None:
    """A pig's lungs look like a human's, have other lobes, and a quadruped's axes have other meanings."""
    assert word in said(ct, tmp_path, **attributes)["not-human"]


def test_humans(ct: Volume, tmp_path: Path) -> None:
    human = {"PatientSpeciesDescription": "Homo sapiens", "AnatomicalOrientationType": "BIPED"}
    assert said(ct, tmp_path, **human, QualityControlImage="NO") == {}


def test_an_image_resized_without_its_pixel_spacing(ct: Volume, tmp_path: Path) -> None:
    """Archives and programs that halve the pixels and keep the header make lungs of a quarter of their size."""
    halved = Volume(
        np.ascontiguousarray(ct.array[:, ::2, ::2]), Geometry.axial((13, 12, 14), (10.0, 12.0, 12.0), (0, 0, 0))
    )
    assert "168 mm" in said(halved, tmp_path / "a", ReconstructionDiameter="336")["spacing-in-doubt"]
    assert said(ct, tmp_path / "b", ReconstructionDiameter="336.000001") == {}
    assert said(ct, tmp_path / "c", ReconstructionDiameter="") == {}


def test_the_width_of_an_enhanced_image(ct: Volume, tmp_path: Path) -> None:
    dataset = enhanced(ct)
    dataset.SharedFunctionalGroupsSequence[0].CTReconstructionSequence = Sequence([item(ReconstructionDiameter=672.0)])
    assert [each.code for each in read_scan(save([dataset], tmp_path)).findings] == ["spacing-in-doubt"]
