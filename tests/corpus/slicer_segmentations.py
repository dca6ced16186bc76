"""Slicer's segmentations: names, codes and layers in their headers."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import SimpleITK as sitk
from corpus.bench import Bench, Trial
from corpus.kinds import Section

from LungUNetSegLib.io import write_labels
from LungUNetSegLib.io.masks.read import read_mask
from LungUNetSegLib.volume import Geometry, Volume
from LungUNetSegLib.volume.resample import to_sitk

slicer = Section("Slicer's segmentations")


def segmented(
    change: Callable[[str], str] = lambda text: text, compare: bool = True, **how: object
) -> Callable[[Bench], Trial]:
    """The clean reference as .seg.nrrd with a change in its header's text."""

    def attempt(b: Bench) -> Trial:
        write_labels(b.folder / "mask.seg.nrrd", b.labels)
        data = (b.folder / "mask.seg.nrrd").read_bytes()
        head, blank, voxels = data.partition(b"\n\n")
        (b.folder / "mask.seg.nrrd").write_bytes(change(head.decode()).encode() + blank + voxels)
        return b.mask(b.folder / "mask.seg.nrrd", b.labels if compare else None, reference=b.labels.geometry, **how)

    return attempt


def field(key: str, value: str) -> Callable[[str], str]:
    """Replace a field of the header."""

    def change(text: str) -> str:
        assert f"\n{key}:=" in text
        return "\n".join(f"{key}:={value}" if line.startswith(f"{key}:=") else line for line in text.split("\n"))

    return change


def both(*changes: Callable[[str], str]) -> Callable[[str], str]:
    def change(text: str) -> str:
        for each in changes:
            text = each(text)
        return text

    return change


UNTOLD = both(field("Segment0_Tags", "x:y|"), field("Segment1_Tags", "x:y|"))

slicer.right("as it is written", segmented())
slicer.right("names without codes", segmented(UNTOLD))
slicer.right(
    "names that tell nothing, beside codes",
    segmented(both(field("Segment0_Name", "Segment_1"), field("Segment1_Name", "Segment_2"))),
)
slicer.right(
    "names in another language, mapped by hand",
    segmented(
        both(UNTOLD, field("Segment0_Name", "Droite"), field("Segment1_Name", "Gauche")),
        meanings={"Droite": "right", "Gauche": "left"},
    ),
)
slicer.right(
    "names with accents and signs",
    segmented(both(field("Segment0_Name", "Lung – Right ✓"), field("Segment1_Name", "Lung – Left ✓"))),
)
slicer.right("called .nrrd without .seg", lambda b: _renamed(b))
slicer.right("layers that overlap", lambda b: _layers(b))
slicer.said("a code against its name", "code-against-name", segmented(field("Segment0_Name", "Left lung")))
slicer.said(
    "a copy beside a lung",
    "structures-left-out",
    segmented(
        lambda text: (
            text
            + "\nSegment2_ID:=Copy\nSegment2_Name:=Left lung (copy)\nSegment2_LabelValue:=3"
            + "\nSegment2_Layer:=0\nSegment2_Tags:=x:y|"
        )
    ),
)
slicer.said(
    "a space without the patient's directions",
    "no-orientation",
    segmented(lambda text: text.replace("space: left-posterior-superior", "space dimension: 3"), False),
)
slicer.said("a slanting grid of segments", "sheared-grid", lambda b: _slanting_segments(b))
slicer.refused(
    "no segment that is a lung",
    "no segment is a lung",
    segmented(both(UNTOLD, field("Segment0_Name", "Heart"), field("Segment1_Name", "Liver")), False),
)
slicer.refused(
    "a label value that is no number", "mask.seg.nrrd", segmented(field("Segment0_LabelValue", "one"), False)
)
slicer.refused("a layer that there is none of", "mask.seg.nrrd", segmented(field("Segment0_Layer", "4"), False))
slicer.refused("cut short", "mask.seg.nrrd", lambda b: _cut(b))
slicer.said(
    "values that no segment names",
    "structure-empty",
    segmented(both(field("Segment0_LabelValue", "7"), field("Segment1_LabelValue", "8")), False),
)


def _renamed(b: Bench) -> Trial:
    write_labels(b.folder / "mask.seg.nrrd", b.labels)
    return b.mask((b.folder / "mask.seg.nrrd").rename(b.folder / "mask.nrrd"), b.labels, reference=b.labels.geometry)


def _slanting_segments(b: Bench) -> Trial:
    """Read on the scan's grid it is the mask that was sheared with its grid."""
    affine = np.array(b.labels.geometry.affine_lps)
    affine[:3, 0] += (0, 3, 0)
    image = to_sitk(Volume(b.labels.array, Geometry(b.labels.geometry.shape, affine)))
    for index, name in enumerate(("Right lung", "Left lung")):
        fields = {"ID": f"S{index}", "Name": name, "LabelValue": str(index + 1), "Layer": "0", "Tags": ""}
        for key, value in fields.items():
            image.SetMetaData(f"Segment{index}_{key}", value)
    sitk.WriteImage(image, str(b.folder / "mask.seg.nrrd"))
    found = read_mask(b.folder / "mask.seg.nrrd")
    codes = [each.code for each in found.findings]
    return b.holds(found.labels.geometry.is_orthogonal, "its axes still slant", codes)


def _layers(b: Bench) -> Trial:
    layers = [Volume((b.labels.array == side).astype("u1"), b.labels.geometry) for side in (1, 2)]
    image = sitk.Compose([to_sitk(layer) for layer in layers])
    for index, name in enumerate(("Right lung", "Left lung")):
        for key, value in (
            ("ID", f"S{index}"),
            ("Name", name),
            ("LabelValue", "1"),
            ("Layer", str(index)),
            ("Tags", ""),
        ):
            image.SetMetaData(f"Segment{index}_{key}", value)
    sitk.WriteImage(image, str(b.folder / "mask.seg.nrrd"))
    return b.mask(b.folder / "mask.seg.nrrd", b.labels, reference=b.labels.geometry)


def _cut(b: Bench) -> Trial:
    write_labels(b.folder / "mask.seg.nrrd", b.labels)
    data = (b.folder / "mask.seg.nrrd").read_bytes()
    return b.mask(b.write("mask.seg.nrrd", data[:-60]))
