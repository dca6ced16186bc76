"""Each scan that the page offers can be opened, also where files hold several scans, or copies of one."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
from dicom_files import save, slices_of

from LungUNetSegLib.io import read_scan
from LungUNetSegLib.volume import Volume


def test_each_of_several_scans_of_one_series_can_be_opened(thin: Volume, tmp_path: Path) -> None:
    """Two phases under one Series Instance UID: the second one's number is found only among the files of both."""
    from LungUNetSegSlicer.web.viewer.offers import offers_in

    volumes = [thin, Volume(thin.array + 1, thin.geometry)]
    for phase, volume in enumerate(volumes):
        own = {"SeriesInstanceUID": "1.2", "TemporalPositionIdentifier": phase + 1}
        save(slices_of(volume, **own), tmp_path / str(phase))
    offers = offers_in(tmp_path)
    assert [each.series_uid for each in offers] == ["1.2", "1.2#2"]
    for offer, volume in zip(offers, volumes, strict=True):
        assert np.array_equal(read_scan(offer.files, offer.series_uid).volume.array, volume.array)


def test_copies_are_one_offer_and_said_when_it_is_opened(thin: Volume, tmp_path: Path) -> None:
    """The copies go along, so that they are compared."""
    from LungUNetSegSlicer.web.viewer.offers import offers_in

    save(slices_of(thin), tmp_path / "b")
    shutil.copytree(tmp_path / "b", tmp_path / "a")
    (offer,) = offers_in(tmp_path)
    scan = read_scan(offer.files, offer.series_uid)
    assert {each.path.parent.name for each in scan.slices} == {"a"}
    assert [(each.code, each.message) for each in scan.findings] == [
        ("copied-files", "13 files are copies of others; each image was used once.")
    ]


def test_files_that_may_be_lost_slices_are_said_when_a_scan_is_opened(thin: Volume, tmp_path: Path) -> None:
    """An upload of which the last slices did not arrive whole would be taken for a whole scan."""
    from LungUNetSegSlicer.web.viewer.offers import offers_in

    save(slices_of(thin), tmp_path)
    (tmp_path / "0012.dcm").write_bytes(b"<html>413 Request Entity Too Large</html>")
    (tmp_path / "letter.txt").write_bytes(b"Dear colleague")
    (offer,) = offers_in(tmp_path)
    scan = read_scan(offer.files, offer.series_uid)
    assert [each.code for each in scan.findings] == ["unreadable-files"]
    assert "0012.dcm" in scan.findings[0].message


def test_series_with_the_same_title_say_which_they_are(thin: Volume, tmp_path: Path) -> None:
    """Protects the choice between two dates of a patient; the title alone would be the same twice."""
    from LungUNetSegSlicer.web.viewer.offers import offers_in

    for number, date in ((1, "20240131"), (2, "20250430")):
        own = {"SeriesInstanceUID": f"1.{number}", "SeriesNumber": number, "StudyDate": date}
        save(slices_of(thin, SeriesDescription="Thorax", **own), tmp_path / f"visit {number}")
    first, second = offers_in(tmp_path)
    assert first.title == second.title == "Thorax"
    assert first.detail.endswith(" mm apart, series 1, 2024-01-31, in visit 1")
    assert second.detail.endswith(" mm apart, series 2, 2025-04-30, in visit 2")


def test_what_is_known_is_written_for_people(thin: Volume, tmp_path: Path) -> None:
    """Protects "About this scan": dates with hyphens, numbers without zeros at their end."""
    from LungUNetSegSlicer.web.viewer.offers import facts

    save(slices_of(thin, StudyDate="20240131", SliceThickness="2.500000"), tmp_path)
    known = dict(facts(read_scan(tmp_path))[0])
    assert (known["Date"], known["Slice thickness, mm"]) == ("2024-01-31", "2.5")
