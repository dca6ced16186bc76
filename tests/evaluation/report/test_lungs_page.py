"""The page of one scan's lungs: every number with its unit, pictures, and what forbids the numbers."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from LungUNetSegLib.cli import main
from LungUNetSegLib.evaluation.report.charts import Series, share_chart
from LungUNetSegLib.evaluation.report.lungs_page import write_lungs_page
from LungUNetSegLib.evaluation.report.preview import draw_aeration
from LungUNetSegLib.measures import Acquisition, judge, measure_lungs
from LungUNetSegLib.volume import Geometry, Volume


@pytest.fixture(scope="module")
def summary() -> dict[str, Any]:
    """Two boxes of lung, one of them emphysema, of slices that are too thick."""
    geometry = Geometry.axial((20, 40, 60), (5.0, 2.0, 2.0))
    labels = np.zeros(geometry.shape, np.uint8)
    labels[2:18, 5:35, 3:27], labels[2:18, 5:35, 33:57] = 1, 2
    hu = np.choose(labels, (40, -960, -800)).astype(np.int16)
    measures = measure_lungs(Volume(labels, geometry), Volume(hu, geometry))
    acquisition, findings = judge(measures.scan, Acquisition(kernel="<b>"))
    return {
        "input": "a/<script>.nii.gz", "lungunetseg": "0.1.0", "methods": "Lungs were segmented.",
        "density": measures.density, "regions": measures.regions, "acquisition": acquisition,
        "findings": [{"code": each.code, "message": each.message} for each in findings],
    }  # fmt: skip


def test_the_page_has_every_number_and_what_forbids_it(summary: dict[str, Any], tmp_path: Path) -> None:
    """Protects a reader from numbers without unit or doubt; the share of emphysema is 100 %, 0 % and 50 %."""
    write_lungs_page(tmp_path / "page.html", summary, b"\x89PNG preview", b"\x89PNG aeration")
    text = (tmp_path / "page.html").read_text(encoding="utf-8")
    row = re.search(r"<tr><td>LAA-950, %</td>(.*?)</tr>", text)
    assert row is not None and re.findall(r"<td>(.*?)</td>", row[1]) == ["100.0", "0.0", "50.0"]
    peel = re.search(r"<tr><td>Peel</td>(.*?)</tr>", text)
    assert peel is not None and len(re.findall("<td>", peel[1])) == 9
    assert "slices of 5 mm hide small areas of low density" in text
    assert text.count("data:image/png;base64,") == 2 and 'stroke="rgb(51, 161, 201)"' in text
    assert "<script>" not in text and "<b>" not in text.replace('<div class="tile"><b>', ""), "headers are no HTML"


def test_air_below_zero_has_a_real_minus(summary: dict[str, Any], tmp_path: Path) -> None:
    """Protects the table of the scan, whose hyphen stood below the minus signs of the densities."""
    given = summary | {"acquisition": summary["acquisition"] | {"air_hu": -992.4}}
    write_lungs_page(tmp_path / "page.html", given, b"", b"")
    text = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "<td>Air in the trachea</td><td>\N{MINUS SIGN}992 " in text


def test_the_page_of_a_scan_without_lung(summary: dict[str, Any], tmp_path: Path) -> None:
    """Protects from an error, or a table of nothing, where no lung was found."""
    nothing = dict.fromkeys(("right", "left", "total"))
    write_lungs_page(tmp_path / "page.html", summary | {"density": nothing, "regions": nothing}, b"", b"")
    text = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "Density</h2>" not in text and "Lungs were segmented." in text


def test_one_label_for_both_lungs_has_one_column(summary: dict[str, Any], tmp_path: Path) -> None:
    """Protects models that know no sides."""
    one = {key: dict.fromkeys(("right", "left")) | {"total": summary[key]["total"]} for key in ("density", "regions")}
    write_lungs_page(tmp_path / "page.html", summary | one, b"", b"")
    text = (tmp_path / "page.html").read_text(encoding="utf-8")
    row = re.search(r"<tr><td>LAA-950, %</td>(.*?)</tr>", text)
    assert row is not None and re.findall(r"<td>(.*?)</td>", row[1]) == ["50.0"]


def test_a_histogram_reaches_from_0_to_its_greatest_share() -> None:
    """Protects the axis: 20 % is the top of the chart, 0 its ground, wherever the curve lies."""
    curve = Series(name="Right lung", colour="red", values=[0.0, 20.0, 10.0])
    chart = share_chart([-900.0, -800.0, -700.0], [curve], "HU", "%", {-850: "limit"})
    assert re.search(r'd="M52\.0 206\.0L468\.0 14\.0L884\.0 110\.0"', chart)
    assert "limit" in chart and ">20<" in chart


def test_the_lungs_have_the_colour_of_their_class() -> None:
    """Protects the picture of aeration: HU at a limit belong to the class above, and tissue has no class."""
    geometry = Geometry.axial((6, 40, 40), (4.0, 4.0, 4.0))
    labels = np.ones(geometry.shape, np.uint8)
    hu = np.full(geometry.shape, -500, np.int16)
    one = draw_aeration(Volume(hu, geometry), Volume(labels, geometry))
    low = draw_aeration(Volume(hu - 1, geometry), Volume(labels, geometry))
    none = draw_aeration(Volume(hu, geometry), Volume(labels * 0, geometry))
    assert len({one, low, none}) == 3
    assert one == draw_aeration(Volume(hu + 399, geometry), Volume(labels, geometry))


def test_the_command_writes_the_page_of_one_scan_and_replaces_its_own(
    small_phantom: Any, tiny_model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Protects a user's own page from being overwritten, and says that many scans have no one page."""
    import SimpleITK as sitk

    from LungUNetSegLib.volume.resample import to_sitk

    scan, page = str(tmp_path / "scan.nii.gz"), tmp_path / "page.html"
    sitk.WriteImage(to_sitk(small_phantom.ct), scan)
    command = ["segment", scan, "-o", str(tmp_path / "l.nrrd"), "--model", str(tiny_model), "--raw"]
    for _ in range(2):
        assert main([*command, "--report", str(page)]) == 0
    assert "LungUNetSeg: lungs of scan.nii.gz" in page.read_text(encoding="utf-8")
    page.write_text("<p>my own", encoding="utf-8")
    assert main([*command, "--report", str(page)]) != 0
    assert "page.html: exists" in capsys.readouterr().err
    assert main(["segment", scan, "other.nii.gz", "-o", str(tmp_path), "--report", str(tmp_path / "new.html")]) != 0
    assert "--report is a file of one scan" in capsys.readouterr().err
