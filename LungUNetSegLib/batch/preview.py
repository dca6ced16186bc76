"""Small pictures of a result: three planes with the lungs' outlines, and the slices least like their neighbours."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from LungUNetSegLib.evaluation.report.pictures import WINDOW_HU, Colour, encode_png
from LungUNetSegLib.segments import Segment
from LungUNetSegLib.volume.volume import Volume

HEIGHT = 240
"""Of a picture in pixels."""

GAP = 4
DOUBTFUL_SLICES = 4
_GREYS = 64

Labels = npt.NDArray[np.uint8]


def draw_preview(scan: Volume, labels: Volume, segments: Sequence[Segment]) -> bytes:
    """Return a PNG of the axial, coronal and sagittal planes with most lung, the lungs' outlines in their colours.

    Head, front and the patient's right are at the top and at the left of the picture, as radiologists look at it.
    """
    image, mask = scan.canonical(), labels.canonical()
    slice_mm, row_mm, column_mm = image.geometry.spacing_mm
    lung = mask.array > 0
    at = [int(lung.sum(axis=tuple(each for each in range(3) if each != axis)).argmax()) for axis in range(3)]
    if not lung.any():
        at = [size // 2 for size in mask.array.shape]
    planes = [
        _panel(image.array[at[0]], mask.array[at[0]], (row_mm, column_mm)),
        _panel(image.array[::-1, at[1]], mask.array[::-1, at[1]], (slice_mm, column_mm)),
        _panel(image.array[::-1, :, at[2]], mask.array[::-1, :, at[2]], (slice_mm, row_mm)),
    ]
    return encode_png(_beside(planes), _palette(segments))


def draw_doubtful(scan: Volume, labels: Volume, segments: Sequence[Segment]) -> bytes | None:
    """Return a PNG of the slices whose lungs differ most from those of both neighbours; None without such slices."""
    image, mask = scan.canonical(), labels.canonical()
    numbers = doubtful_slices(mask.array)
    if not numbers:
        return None
    _, row_mm, column_mm = image.geometry.spacing_mm
    panels = [_panel(image.array[each], mask.array[each], (row_mm, column_mm)) for each in numbers]
    return encode_png(_beside(panels), _palette(segments))


def doubtful_slices(labels: Labels) -> list[int]:
    """Return the numbers of at most `DOUBTFUL_SLICES` slices, in their order.

    A slice is as doubtful as the area that neither of its neighbours has, together with what both have and it has not.
    """
    lung = labels > 0
    if len(lung) < 3 or not lung.any():
        return []
    before, here, after = lung[:-2], lung[1:-1], lung[2:]
    odd = (here & ~before & ~after) | (~here & before & after)
    amounts = np.count_nonzero(odd, axis=(1, 2))
    worst = np.argsort(-amounts, kind="stable")[:DOUBTFUL_SLICES]
    return sorted(int(each) + 1 for each in worst if amounts[each])


def _panel(hu: npt.NDArray[np.int16], labels: Labels, spacing_mm: tuple[float, float]) -> Labels:
    """A plane as indices into the palette, `HEIGHT` pixels high, its pixels square."""
    height_mm, width_mm = (size * step for size, step in zip(hu.shape, spacing_mm, strict=True))
    width = max(1, min(round(HEIGHT * width_mm / height_mm), 3 * HEIGHT))
    rows, columns = (
        (np.arange(count) + 0.5) * size / count - 0.5 for count, size in zip((HEIGHT, width), hu.shape, strict=True)
    )
    low, high = WINDOW_HU
    smooth = ndimage.map_coordinates(
        hu.astype(np.float32), np.meshgrid(rows, columns, indexing="ij"), order=1, mode="nearest"
    )
    panel: Labels = np.rint((np.clip(smooth, low, high) - low) * ((_GREYS - 1) / (high - low))).astype(np.uint8)
    near = labels[np.ix_(np.rint(rows).astype(int).clip(0), np.rint(columns).astype(int).clip(0))]
    for label in np.unique(near[near > 0]):
        inside = near == label
        edge = inside & ~ndimage.binary_erosion(inside)
        panel[edge] = _GREYS + label - 1
    return panel


def _beside(panels: Sequence[Labels]) -> Labels:
    gap = np.zeros((HEIGHT, GAP), np.uint8)
    parts = [part for panel in panels for part in (panel, gap)]
    return np.concatenate(parts[:-1], axis=1)


def _palette(segments: Sequence[Segment]) -> list[Colour]:
    greys: list[Colour] = [(level, level, level, 255) for level in np.linspace(0, 255, _GREYS).astype(int).tolist()]
    by_label = {each.label: each for each in segments}
    last = max(by_label, default=0)
    colours = [by_label[label].colour if label in by_label else (1.0, 1.0, 1.0) for label in range(1, last + 1)]
    return greys + [(round(255 * red), round(255 * green), round(255 * blue), 255) for red, green, blue in colours]
