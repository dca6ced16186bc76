"""Makes a structured report (TID 1500, PS3.16) of what was measured, with highdicom; it refers to the Segmentation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pydicom.dataset import Dataset

from LungUNetSegLib.io.dicom_objects.common import SR_NUMBER, codes_of, describe_series, highdicom, keep_characters
from LungUNetSegLib.io.dicom_objects.identity import NAME, Identifiers, Maker
from LungUNetSegLib.io.dicom_objects.lung_result import LungResult
from LungUNetSegLib.io.dicom_objects.source import Source
from LungUNetSegLib.segments import NAMED_LABELS, Segment

VOLUME = ("118565006", "SCT", "Volume")
ATTENUATION = ("112031", "DCM", "Attenuation Coefficient")
MASS = ("118538004", "SCT", "Mass")
MEAN = ("373098007", "SCT", "Mean")
SHAPE = {
    "sd_hu": ("386136009", "SCT", "Standard Deviation"),
    "skewness": ("126051", "DCM", "Skewness"),
    "kurtosis": ("126052", "DCM", "Kurtosis"),
}
"""What is derived of the attenuation (CID 7464), by the names of density numbers; others have no code of their own."""

Concept = tuple[str, str, str]
Value = tuple[Concept, float, Concept, Concept | None]
"""Name, value, unit, derivation."""

MILLILITRE = ("mL", "UCUM", "milliliter")
GRAM = ("g", "UCUM", "gram")
HOUNSFIELD = ("[hnsf'U]", "UCUM", "Hounsfield unit")
CONFIDENCE = ("expected-dice", f"99{NAME.upper()}", "Expected Dice coefficient, lower of both lungs")
ONE = ("1", "UCUM", "no units")
REPORTED = ("77477000", "SCT", "Computed tomography")


def make_report(
    segmentation: Dataset,
    result: LungResult,
    source: Source,
    maker: Maker,
    identifiers: Identifiers,
) -> Dataset:
    """Return a report of each lung's volume, mass and density.

    Args:
        segmentation: The DICOM SEG that the report refers to; without lung it gives no measurements.
        result: Its segments, with the volume of each.
        source: The series.
        maker: Program and model.
        identifiers: Of the new object.
    """
    hd = highdicom()
    groups = []
    names = {label: name for name, label in NAMED_LABELS["lr" if len(result.segments) > 1 else "binary"].items()}
    for segment in result.segments:
        name = names[segment.label]
        values: list[Value] = [(VOLUME, result.volumes_ml[name], MILLILITRE, None)]
        if name in result.mean_hu:
            values.append((ATTENUATION, result.mean_hu[name], HOUNSFIELD, MEAN))
        values += _density(result.density.get(name) or {})
        if result.confidence is not None:
            values.append((CONFIDENCE, result.confidence, ONE, None))
        groups.append(_group(hd, segment, values, segmentation, source, maker, identifiers))
    report = hd.sr.MeasurementReport(
        observation_context=hd.sr.ObservationContext(observer_device_context=_device(hd, maker, identifiers)),
        procedure_reported=_code(hd, REPORTED),
        imaging_measurements=groups,
    )
    dataset: Dataset = hd.sr.Comprehensive3DSR(
        evidence=[segmentation, *source.datasets],
        content=report,
        series_instance_uid=identifiers.uid("series sr"),
        series_number=SR_NUMBER,
        sop_instance_uid=identifiers.uid("sr"),
        instance_number=1,
        is_complete=True,
        specific_character_set=None,
        **maker.equipment,
    )
    keep_characters(dataset, source.first)
    describe_series(dataset, "Lung volumes", maker, identifiers)
    return dataset


def _device(hd: Any, maker: Maker, identifiers: Identifiers) -> Any:
    """Who observed: the program with its model."""
    return hd.sr.ObserverContext(
        observer_type=_code(hd, ("121007", "DCM", "Device")),
        observer_identifying_attributes=hd.sr.DeviceObserverIdentifyingAttributes(
            uid=identifiers.uid("device"),
            name=NAME,
            manufacturer_name=NAME,
            model_name=maker.model[:64],
            serial_number=maker.sha256[:64] or None,
        ),
    )


def _density(density: Mapping[str, Any]) -> list[Value]:
    """Return the density numbers that have standard codes."""
    values: list[Value] = []
    for key, derivation in SHAPE.items():
        if density.get(key) is not None:
            values.append((ATTENUATION, density[key], HOUNSFIELD if key == "sd_hu" else ONE, derivation))
    if "mass_g" in density:
        values.append((MASS, density["mass_g"], GRAM, None))
    return values


def _group(
    hd: Any,
    segment: Segment,
    values: Sequence[Value],
    segmentation: Dataset,
    source: Source,
    maker: Maker,
    identifiers: Identifiers,
) -> Any:
    """Measurements of one segment (TID 1411): (name, value, unit, derivation) each."""
    category, kind, side = ((value, scheme, meaning) for scheme, value, meaning in codes_of(segment))
    return hd.sr.VolumetricROIMeasurementsAndQualitativeEvaluations(
        tracking_identifier=hd.sr.TrackingIdentifier(
            uid=identifiers.uid(f"segment {segment.label}"), identifier=segment.segment_id
        ),
        referenced_segment=hd.sr.ReferencedSegment(
            sop_class_uid=segmentation.SOPClassUID,
            sop_instance_uid=segmentation.SOPInstanceUID,
            segment_number=segment.label,
            source_series=hd.sr.SourceSeriesForSegmentation(str(source.first.SeriesInstanceUID)),
        ),
        finding_category=_code(hd, category),
        finding_type=_code(hd, kind),
        finding_sites=[hd.sr.FindingSite(anatomic_location=_code(hd, kind), laterality=_code(hd, side))],
        algorithm_id=hd.sr.AlgorithmIdentification(
            name=NAME, version=maker.version, parameters=[f"model={maker.model}", f"sha256={maker.sha256}"]
        ),
        measurements=[
            hd.sr.Measurement(
                name=_code(hd, name),
                value=round(value, 4),
                unit=_code(hd, unit),
                derivation=_code(hd, derivation) if derivation else None,
            )
            for name, value, unit, derivation in values
        ],
    )


def _code(hd: Any, code: tuple[str, str, str]) -> Any:
    return hd.sr.CodedConcept(*code)
