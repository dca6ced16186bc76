"""The whole way: a network that knows the answer gives it back on every grid; what is odd is said, not guessed."""

from __future__ import annotations

import dataclasses
import itertools
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from tiny_models import OracleEngine

from LungUNetSegLib.arrays import Labels
from LungUNetSegLib.engines import Engine
from LungUNetSegLib.metrics import count
from LungUNetSegLib.models.model import Model
from LungUNetSegLib.phantom import Phantom, make_phantom, phantom_geometry
from LungUNetSegLib.preprocessing import PreprocessConfig
from LungUNetSegLib.segmentation.edges import place_edges
from LungUNetSegLib.segmentation.result import Segmentation
from LungUNetSegLib.segmentation.segmenter import Segmenter
from LungUNetSegLib.volume import Geometry, Volume

FINE = PreprocessConfig()
ORIENTATIONS = list(itertools.product(itertools.permutations(range(3)), itertools.product((False, True), repeat=3)))


def segment_with(scan: Volume, config: PreprocessConfig, engine: Engine, **options: object) -> Segmentation:
    """Segment with an engine that knows or draws its answer."""
    network = {"in_channels": config.channels, "out_channels": 2}
    model = Model(name="none", sha256="", preprocess=config, network=network, weights=Path("none"))
    return Segmenter(model, engine).segment(scan, **options)


def _reordered(volume: Volume, axes: tuple[int, int, int], flips: tuple[bool, bool, bool]) -> Volume:
    steps = tuple(slice(None, None, -1 if flip else 1) for flip in flips)
    return Volume(volume.array.transpose(axes)[steps], volume.geometry.reordered(axes, flips))


def _assert_same(found: np.ndarray, reference: np.ndarray, least_dsc: float) -> None:
    for side in (1, 2):
        assert count(found == side, reference == side).dsc >= least_dsc


def _square_chest(margin: int) -> tuple[Volume, Volume]:
    """A body of 49 x 49 pixels of 2 mm with `margin` pixels of air around it, and its two lungs' labels."""
    size = 49 + 2 * margin
    geometry = Geometry.axial((6, size, size), (3.0, 2.0, 2.0))
    labels, hu = np.zeros(geometry.shape, np.uint8), np.full(geometry.shape, -1000, np.int16)
    hu += np.arange(6, dtype=np.int16)[:, None, None]  # by which an engine tells the slices apart
    hu[:, margin:-margin, margin:-margin] = 40
    rows = slice(margin + 6, margin + 43)
    labels[1:5, rows, margin + 3 : margin + 19], labels[1:5, rows, margin + 30 : margin + 46] = 1, 2
    hu[labels > 0] = -800
    return Volume(hu, geometry), Volume(labels, geometry)


def _with_edges_by_hu(phantom: Phantom) -> Labels:
    """Return the phantom's labels with edges as any scan gets them: its own lie halfway between its lung and wall."""
    labels = phantom.labels.array.copy()
    place_edges(labels, phantom.ct.array, phantom.ct.geometry.spacing_mm[1:])
    return labels


def test_a_network_that_knows_gives_the_reference_back(phantom: Phantom) -> None:
    """Protects every step between the network and the file: nothing is shifted, lost or swapped."""
    engine = OracleEngine(phantom.ct, phantom.labels, FINE)
    result = segment_with(phantom.ct, FINE, engine)
    assert result.labels.array.dtype == np.uint8
    assert result.labels.geometry is phantom.ct.geometry
    _assert_same(result.labels.array, _with_edges_by_hu(phantom), 0.998)
    # Its lungs are ellipsoids, which leave tissue before the ribs, and its slices are 5.7 mm thick.
    assert [each.code for each in result.findings] == ["solid-behind-lung", "density-in-doubt"]
    assert result.engine == "oracle"
    assert set(result.seconds) == {"load", "prepare", "segment", "clean", "restore", "measure"}


def test_where_the_pixels_are_the_network_s_own_the_result_is_exact() -> None:
    """Protects the resampling from a shift by part of a pixel; the body lies evenly around pixel (30, 30)."""
    scan, reference = _square_chest(margin=6)
    config = PreprocessConfig(spacing_mm=2.0, size=(65, 65))
    result = segment_with(scan, config, OracleEngine(scan, reference, config))
    np.testing.assert_array_equal(result.labels.array, reference.array)


@pytest.mark.parametrize(("axes", "flips"), ORIENTATIONS, ids=lambda each: "".join(str(int(e)) for e in each))
def test_any_axis_order_and_flip_gives_the_same_lungs(
    small_phantom: Phantom, axes: tuple[int, int, int], flips: tuple[bool, bool, bool]
) -> None:
    """Protects the sides: the network sees the same slices, and the patient gets the same labels."""
    config = PreprocessConfig(spacing_mm=4.0, size=(88, 96))
    straight = OracleEngine(small_phantom.ct, small_phantom.labels, config)
    expected = segment_with(small_phantom.ct, config, straight)
    scan, labels = (_reordered(each, axes, flips) for each in (small_phantom.ct, small_phantom.labels))
    engine = OracleEngine(scan, labels, config)
    result = segment_with(scan, config, engine)
    np.testing.assert_allclose(engine.slices_seen, straight.slices_seen, atol=1e-4)
    np.testing.assert_array_equal(result.labels.array, _reordered(expected.labels, axes, flips).array)
    assert result.labels.geometry is scan.geometry
    assert result.volumes_ml == pytest.approx(expected.volumes_ml)
    assert result.mean_hu == pytest.approx(expected.mean_hu)


def test_each_slice_is_seen_between_its_neighbours(phantom: Phantom) -> None:
    """Across the borders of what is sampled at once; the phantom's 60 slices lie 5 mm apart or less."""
    config = dataclasses.replace(FINE, context_mm=15.0)
    alone, between = (OracleEngine(phantom.ct, phantom.labels, FINE) for _ in range(2))
    expected = segment_with(phantom.ct, FINE, alone)
    result = segment_with(phantom.ct, config, between)
    step = round(15.0 / phantom.ct.geometry.spacing_mm[0])
    assert step > 1
    numbers = np.arange(60)
    for channel, offset in enumerate((-step, 0, step)):
        seen = np.concatenate(between.seen)[:, channel]
        np.testing.assert_array_equal(seen, alone.slices_seen[(numbers + offset).clip(0, 59)])
    np.testing.assert_array_equal(result.labels.array, expected.labels.array)


def test_slices_that_their_neighbours_tell_are_not_computed(phantom: Phantom) -> None:
    """Protects the speed on thin slices, and the labels: on a phantom 3 times as fine, every slice within 1 %."""
    fine = make_phantom(phantom_geometry((300, 96, 96)), rng=1)
    engine = OracleEngine(fine.ct, fine.labels, FINE)
    calls: list[int] = []
    result = segment_with(
        fine.ct, FINE, engine, progress=lambda stage, done, _: calls.append(done * (stage == "segment"))
    )
    assert 150 < sum(map(len, engine.seen)) < 255 and max(calls) == 300
    _assert_same(result.labels.array, fine.labels.array, 0.985)


def test_an_oblique_scan_gives_its_lungs_back(oblique_phantom: Phantom) -> None:
    """Protects scans off the body's axes, which are resampled twice; their edges lie on their own pixels."""
    result = segment_with(oblique_phantom.ct, FINE, OracleEngine(oblique_phantom.ct, oblique_phantom.labels, FINE))
    assert result.labels.geometry is oblique_phantom.ct.geometry
    _assert_same(result.labels.array, _with_edges_by_hu(oblique_phantom), 0.995)


def test_pathological_lungs_are_not_cut_away(sick_phantom: Phantom) -> None:
    """Protects tumours and consolidations from postprocessing."""
    result = segment_with(sick_phantom.ct, FINE, OracleEngine(sick_phantom.ct, sick_phantom.labels, FINE))
    _assert_same(result.labels.array, _with_edges_by_hu(sick_phantom), 0.998)


def test_a_single_slice(phantom: Phantom) -> None:
    """Protects 2D work."""
    origin = phantom.ct.geometry.to_lps((30, 0, 0))
    geometry = Geometry.axial((1, 128, 128), phantom.ct.geometry.spacing_mm, tuple(origin))
    scan, labels = (Volume(each.array[30:31], geometry) for each in (phantom.ct, phantom.labels))
    result = segment_with(scan, FINE, OracleEngine(scan, labels, FINE))
    _assert_same(
        result.labels.array, _with_edges_by_hu(Phantom(scan, labels)), 0.99
    )  # a bronchus in the slice is closed as a hole
    assert "lung-cut" not in {finding.code for finding in result.findings}


def test_a_scan_without_lung_is_an_empty_result_and_a_sentence(head_phantom: Phantom) -> None:
    """Protects head CTs."""
    result = segment_with(head_phantom.ct, FINE, OracleEngine(head_phantom.ct, head_phantom.labels, FINE))
    assert not result.labels.array.any()
    assert result.volumes_ml == {"right": 0.0, "left": 0.0, "total": 0.0} and result.mean_hu == {}
    assert [finding.code for finding in result.findings] == ["no-lung"]


def test_floats_with_nan_are_taken_as_air(phantom: Phantom) -> None:
    """Protects volumes that were computed with."""
    values = phantom.ct.array.astype(np.float32)
    values[:, :4] = np.nan
    scan = Volume(values, phantom.ct.geometry)
    engine = OracleEngine(phantom.ct, phantom.labels, FINE)
    result = segment_with(scan, FINE, engine)
    assert np.isfinite(engine.slices_seen).all() and engine.slices_seen.min() >= -1
    _assert_same(result.labels.array, _with_edges_by_hu(phantom), 0.998)


def test_both_lungs_as_one(phantom: Phantom) -> None:
    """Protects `--labels binary`: one label, one segment, no sides."""
    result = segment_with(phantom.ct, FINE, OracleEngine(phantom.ct, phantom.labels, FINE), labels="binary")
    assert np.unique(result.labels.array).tolist() == [0, 1]
    assert count(result.labels.array > 0, _with_edges_by_hu(phantom) > 0).dsc > 0.998
    assert [segment.name for segment in result.segments] == ["Lungs"]
    assert set(result.volumes_ml) == set(result.mean_hu) == {"total"}


def test_raw_is_what_the_network_says(phantom: Phantom) -> None:
    """Protects who wants to see the network's faults."""
    engine = OracleEngine(phantom.ct, phantom.labels, FINE)
    engine.answer[20:22, 0, 109:115, 141:147] = 1.0  # in the mediastinum
    raw = segment_with(phantom.ct, FINE, engine, raw=True)
    engine.seen.clear()
    cleaned = segment_with(phantom.ct, FINE, engine)
    assert raw.volumes_ml["right"] >= cleaned.volumes_ml["right"]
    assert raw.quality["removed_parts"] == 0 < cleaned.quality["removed_parts"]


def test_air_around_the_body_is_no_lung_unless_raw_is_asked_for() -> None:
    """Protects from boards and blankets in a whole scan; what was dropped is in the record."""
    scan, reference = _square_chest(margin=16)
    under_board = np.zeros(scan.array.shape, bool)
    under_board[2:4, 8:14, 20:50] = True
    said = Volume(np.where(under_board, 1, reference.array).astype(np.uint8), scan.geometry)
    config = PreprocessConfig(spacing_mm=2.0, size=(85, 85))
    engine = OracleEngine(scan, said, config)
    result = segment_with(scan, config, engine)
    np.testing.assert_array_equal(result.labels.array, reference.array)
    assert result.quality["outside_ml"] == pytest.approx(under_board.sum() * 0.012, rel=0.2)  # half pixels at its edge
    engine.seen.clear()
    raw = segment_with(scan, config, engine, raw=True)
    assert (raw.labels.array[under_board] == 1).all() and raw.quality["outside_ml"] == 0


def test_progress_counts_slices_and_can_end_the_work(phantom: Phantom) -> None:
    """Protects the bar, and a cancel: an exception from the callback ends everything at once."""
    calls: list[tuple[str, int, int]] = []
    engine = OracleEngine(phantom.ct, phantom.labels, FINE)
    segment_with(phantom.ct, FINE, engine, progress=lambda *each: calls.append(each))
    assert [done for stage, done, _ in calls if stage == "segment"] == [*range(0, 60, 8), 60]
    assert [done for stage, done, _ in calls if stage == "restore"] == [*range(8, 60, 8), 60]
    assert {total for *_, total in calls} == {60}

    class Cancelled(Exception):
        pass

    def cancel(stage: str, done: int, total: int) -> None:
        if done >= 32:
            raise Cancelled

    engine.seen.clear()
    with pytest.raises(Cancelled):
        segment_with(phantom.ct, FINE, engine, progress=cancel)
    assert len(engine.seen) == 4


def test_of_a_longer_scan_only_the_labels_take_more_memory() -> None:
    """Protects laptops: a byte a voxel; probabilities in full resolution would be two more at least, in any form."""

    class BothHalves:
        description, device = "both halves are lung", "cpu"

        def probabilities(self, slices: np.ndarray) -> np.ndarray:
            sides = np.zeros((len(slices), 2, *slices.shape[2:]), np.float32)
            sides[:, 0, :, : slices.shape[3] // 2] = sides[:, 1, :, slices.shape[3] // 2 :] = 1
            return sides

    coarse = PreprocessConfig(spacing_mm=8.0, size=(48, 56))
    voxels, peaks = [], []
    for depth in (64, 160):
        geometry = Geometry.axial((depth, 256, 256), (2.0, 1.4, 1.4))
        scan = Volume(np.full(geometry.shape, -450, np.int16), geometry)  # hazy: the network's edges stay
        tracemalloc.start()
        result = segment_with(scan, coarse, BothHalves())
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        voxels.append(scan.array.size)
        assert result.labels.array.dtype == np.uint8 and (result.labels.array > 0).mean() > 0.9
    assert (peaks[1] - peaks[0]) / (voxels[1] - voxels[0]) < 1.5
