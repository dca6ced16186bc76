"""Clicks through the page with Chromium as a user does, from opening a scan to its files. Each test goes on from the
one before, as a user's session does.
"""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
import SimpleITK as sitk
from chromium import serious
from phantom_cases import partly_outside
from web_page import Page, wait_for

from LungUNetSegLib.io import read_labels
from LungUNetSegLib.io.dicom_objects.common import is_own_object
from LungUNetSegLib.measures.density_map import OUTSIDE_HU
from LungUNetSegLib.volume import Volume
from LungUNetSegLib.volume.resample import to_sitk

LABEL_MAPS = (".seg.nrrd", ".nii.gz", ".nii", ".nrrd", ".mha")
BLUE, ORANGE = (2, 0), (0, 2)
"""Of which channel the right and the left lung have more than of which."""


def test_the_page_opens_and_says_what_can_be_opened(page: Page) -> None:
    page.says("#drop", "at most 0.05 GB")
    wait_for(lambda: page.pictures())
    assert not page.find("#result-part").is_displayed()


def test_the_phantom_is_shown_in_all_planes(page: Page) -> None:
    page.click("#open-phantom")
    page.shown("#segment")
    assert page.text("#scan-title") == "Phantom"
    wait_for(lambda: (page.slice_shown("Axial"), page.slice_shown("Coronal")) == ("31 of 60", "65 of 128"))
    for view in (0, 2, 3):
        wait_for(lambda view=view: page.colours(view).max() > 200)


def test_the_keyboard_scrolls_and_a_click_shows_the_place_in_the_other_planes(page: Page) -> None:
    from selenium.webdriver.common.action_chains import ActionChains
    from selenium.webdriver.common.keys import Keys

    axial = page.all("canvas")[0]
    axial.send_keys(Keys.ARROW_UP)
    wait_for(lambda: page.slice_shown("Axial") == "32 of 60")
    ActionChains(page.browser).move_to_element_with_offset(axial, -60, 0).click().perform()
    wait_for(lambda: page.slice_shown("Sagittal") != "65 of 128")


def test_a_cancelled_segmentation_leaves_no_process_and_says_so(page: Page) -> None:
    """Protects also the button, which stays while the progress beside it changes."""
    server: Any = page.server  # type: ignore[attr-defined]
    page.click("#segment")
    button = page.shown('[aria-label="Cancel the segmentation of Phantom"]')
    stage = page.text("#scans .wait")
    wait_for(lambda: page.text("#scans .wait") != stage)
    button.click()  # it is still the same: one that progress replaces under the mouse does nothing
    page.says("#scans", "cancelled")
    wait_for(lambda: not server.pid_of("run.segmentation_child"), 5)
    assert page.find("#segment").is_enabled()


def test_the_lungs_are_segmented_and_measured(page: Page) -> None:
    page.click("#segment")
    rows = page.shown("#result tbody").text.splitlines()
    assert [row.rsplit(maxsplit=2)[0] for row in rows] == ["Right lung", "Left lung", "Both lungs"]
    wait_for(lambda: page.coloured(BLUE) > 100 and page.coloured(ORANGE) > 100)


def test_one_lung_is_hidden_alone(page: Page) -> None:
    page.click('[data-segment="LeftLung"]')
    wait_for(lambda: page.coloured(ORANGE) < 20)
    assert page.coloured(BLUE) > 100
    page.click('[data-segment="LeftLung"]')
    wait_for(lambda: page.coloured(ORANGE) > 100)


def test_local_density_is_shown_in_colour_and_hidden_again_by_the_keyboard(page: Page) -> None:
    """Protects the map's colours: around vessels it is red, (178, 23, 43), at 60 % over the grey CT.

    Whatever the grey is, red then exceeds green by 0.6 * (178 - 23) = 93, and blue by 0.6 * (178 - 43) = 81.
    """
    from selenium.webdriver.common.keys import Keys

    def dense() -> int:
        red, green, blue = page.colours().astype(int).T
        return int(np.count_nonzero((abs(red - green - 93) <= 8) & (abs(red - blue - 81) <= 8)))

    assert dense() == 0
    page.click("#density")
    values = page.text("#legend-values").replace("\N{MINUS SIGN}", "-").splitlines()
    assert values == ["-1000 HU", "-800 HU", "-600 HU"]
    assert "about 10 mm" in page.text("#legend-text") and not page.find("#fill").is_enabled()
    wait_for(lambda: dense() > 20)
    assert not serious(page.browser)
    page.find("#density").send_keys(Keys.SPACE)
    wait_for(lambda: dense() == 0)
    assert not page.find("#legend-part").is_displayed() and page.find("#fill").is_enabled()


def test_a_hidden_lung_has_no_local_density_either(page: Page) -> None:
    """Protects who hides one lung to see the other: each of the phantom's is about half of the map."""

    def mapped() -> int:
        red, _green, blue = page.colours().astype(int).T
        return int(np.count_nonzero(abs(red - blue) > 40))

    def sides() -> list[bool]:
        return [page.coloured(each) > 0 for each in (BLUE, ORANGE)]

    page.click("#outline")
    page.click("#fill")
    wait_for(lambda: sides() == [False, False])
    page.click("#density")
    page.shown("#legend")  # takes room from the views, so that their next pictures are smaller
    wait_for(page.fits)
    both = wait_for(mapped)
    page.click('[data-segment="LeftLung"]')
    wait_for(lambda: 0.2 * both < mapped() < 0.8 * both)
    page.click('[data-segment="LeftLung"]')
    wait_for(lambda: mapped() > 0.9 * both)
    for box in ("#density", "#fill", "#outline"):
        page.click(box)
    wait_for(lambda: sides() == [True, True])


def test_findings_do_not_push_the_download_down(page: Page) -> None:
    """Protects results with a long list: the lungs are downloaded from above it."""
    show = "document.getElementById('warnings').innerHTML = '<li>A finding.</li>'.repeat(arguments[0])"
    page.browser.execute_script(show, 20)
    assert page.find("#download").rect["y"] < page.find("#warnings").rect["y"]
    page.browser.execute_script(show, 0)


@pytest.mark.parametrize("ending", LABEL_MAPS)
def test_label_maps_are_downloaded_and_read_back(page: Page, ending: str) -> None:
    """Protects each format: the volume of its labels is the one that the table shows."""
    page.choose("#format", ending.removeprefix("."))
    page.click("#download")
    labels = read_labels(page.downloaded(f"lungs{ending}"))
    for label, row in ((1, 0), (2, 1)):
        ml = np.count_nonzero(labels.array == label) * labels.geometry.voxel_volume_ml
        assert f"{ml:.0f}" == page.shown("#result tbody").text.splitlines()[row].split()[-2]


def test_dicom_results_refer_to_the_scan(page: Page) -> None:
    for name, ending in (("dicom-seg", "lungs.dcm"), ("rtstruct", ".rtstruct.dcm")):
        page.choose("#format", f"dicom:{name}")
        page.click("#download")
        assert is_own_object(page.downloaded(ending))
    page.choose("#format", "dicom:dicom-sr")
    page.click("#download")
    with zipfile.ZipFile(page.downloaded(".zip")) as archive:
        kinds = {pydicom.dcmread(io.BytesIO(archive.read(name))).Modality for name in archive.namelist()}
    assert kinds == {"SEG", "SR"}


def test_numbers_tables_and_pages_are_downloaded(page: Page) -> None:
    for name in ("json", "csv", "report.html", "regions.seg.nrrd", "density.nii.gz"):
        page.choose("#format", name)
        page.click("#download")
    numbers = json.loads(page.downloaded(".json").read_text())
    assert numbers["input"] == "Phantom" and "LungUNetSeg-" not in json.dumps(numbers)
    assert page.downloaded(".csv").read_text().startswith("input,output")
    assert "Lungs of Phantom" in page.downloaded(".report.html").read_text()
    assert set(np.unique(read_labels(page.downloaded(".regions.seg.nrrd")).array)) <= {0, 1, 2}
    density = sitk.GetArrayFromImage(sitk.ReadImage(str(page.downloaded(".density.nii.gz"))))
    assert density.min() == OUTSIDE_HU and -900 < np.median(density[density > OUTSIDE_HU]) < -700


def test_the_lungs_are_compared_with_the_phantoms_own(page: Page) -> None:
    page.click("#compare-own")
    page.says("#scores", "DSC")
    before = page.slice_shown("Axial")
    page.click("#plot svg")
    wait_for(lambda: page.slice_shown("Axial") != before)
    page.choose("#shown", "differences")
    page.says("#legend-text", "the reference's")
    assert not page.find("#opacity").is_enabled()
    assert page.text("#segments").split() == ["True", "positive", "False", "positive", "False", "negative"]
    page.click("#compare-report")
    assert "DSC" in page.downloaded("comparison.html").read_text()


def test_an_uploaded_reference_that_is_the_result_scores_one(page: Page) -> None:
    page.find("#reference-input").send_keys(str(page.downloaded("lungs.seg.nrrd")))
    page.says("#reference-name", "lungs.seg.nrrd")
    assert page.text("#scores tbody tr").split() == ["DSC", "1.000", "1.000", "1.000"]


def test_a_click_shows_where_the_two_differ(page: Page, tmp_path: Path) -> None:
    """Protects the list: where the reference lacks the right lung's middle slices, a click shows one of them."""
    labels = read_labels(page.downloaded("lungs.seg.nrrd")).canonical()
    cut = labels.array.copy()
    middle = int(np.flatnonzero((cut == 1).any(axis=(1, 2))).mean())
    cut[middle : middle + 3][cut[middle : middle + 3] == 1] = 0
    sitk.WriteImage(to_sitk(Volume(cut, labels.geometry)), str(tmp_path / "cut.nii.gz"))
    page.find("#reference-input").send_keys(str(tmp_path / "cut.nii.gz"))
    page.says("#disagreements", "taken in, Right lung, middle third")
    page.choose("#shown", "differences")
    page.click("#disagreements button")
    wait_for(lambda: page.slice_shown("Axial") == f"{middle + 2} of 60")
    page.choose("#shown", "lungs")
    wait_for(lambda: not page.find("#legend").is_displayed())


def test_what_is_odd_of_a_reference_is_said(page: Page, tmp_path: Path) -> None:
    """Protects from scores of half a reference: part of this one lies outside the scan."""
    labels = read_labels(page.downloaded("lungs.seg.nrrd")).canonical()
    sitk.WriteImage(to_sitk(partly_outside(labels)), str(tmp_path / "longer.nii.gz"))
    page.find("#reference-input").send_keys(str(tmp_path / "longer.nii.gz"))
    page.says("#compare-warnings", "Of the mask's")


def test_a_reload_finds_everything_again(page: Page) -> None:
    scores = page.text("#scores")
    page.browser.refresh()
    wait_for(lambda: page.pictures())
    assert page.text("#scores") == scores and page.find("#shown").get_attribute("value") == "lungs"


def test_a_second_tab_is_told_and_may_take_over(page: Page) -> None:
    first = page.browser.current_window_handle
    page.browser.switch_to.new_window("tab")
    page.browser.get(page.server.url)  # type: ignore[attr-defined]
    page.says("#over-text", "open in another tab")
    page.click("#over-button")
    page.says("#scans", "segmented")
    second = page.browser.current_window_handle
    page.browser.switch_to.window(first)
    page.says("#over-text", "open in another tab")
    page.browser.switch_to.window(second)
    page.browser.close()
    page.browser.switch_to.window(first)
    page.click("#over-button")
    page.says("#scans", "segmented")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_nothing_serious_keeps_people_out(page: Page, theme: str) -> None:
    """Protects labels, contrast and roles, with everything shown that there is."""
    page.browser.execute_script("document.documentElement.dataset.theme = arguments[0]", theme)
    assert not serious(page.browser)


def test_a_phone_shows_all_in_its_width(page: Page) -> None:
    """Protects the header and the views' heads: with 390 pixels they were cut, or took three lines."""
    size = {"width": 390, "height": 844, "deviceScaleFactor": 1, "mobile": True}
    page.browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    try:
        page.browser.execute_script(
            "document.getElementById('scan-title').textContent = 'A scan with a long name '.repeat(3)"
        )
        title, theme = page.find("h1").rect, page.find("#theme").rect
        assert theme["y"] < title["y"] + title["height"] and theme["y"] + theme["height"] > title["y"], "one row"
        for view in page.all(".view"):
            right = view.rect["x"] + view.rect["width"]
            for part in page.all(f'[aria-label="{view.get_attribute("aria-label")}"] .head > *'):
                assert part.rect["x"] + part.rect["width"] <= right and part.rect["height"] < 40
        assert page.browser.execute_script("return document.documentElement.scrollWidth") == 390
    finally:
        page.browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("<img src=x onerror=alert(1)>.txt", b"no scan", "No CT to segment. Found: "),
        ("scan.nii.gz", b"\x1f\x8b broken", "damaged"),
        ("large.nii", b"\0" * 51_000_000, "more than the 0.05 GB"),
        ("scans.zip", b"PK\3\4 broken", "zip archive is broken"),
    ],
)
def test_what_is_no_scan_is_refused_in_a_sentence(
    page: Page, tmp_path: Path, name: str, content: bytes, sentence: str
) -> None:
    """Protects the open scan, and the page from names that are scripts."""
    file = tmp_path / name
    file.write_bytes(content)
    page.find("#files-input").send_keys(str(file))
    page.says("#open-error", sentence)
    assert str(page.server.temporary) not in page.text("#open-error")  # type: ignore[attr-defined]
    assert not page.all("#open-error img") and page.text("#scan-title") == "Phantom"


def test_the_console_is_silent(page: Page) -> None:
    """Protects the page from errors that nobody sees; refused uploads and downloads are told by their status."""
    messages = [each["message"] for each in page.browser.get_log("browser")]
    expected = ("400 (Bad Request)", "getImageData")  # the latter is of this test's own reading
    assert not [each for each in messages if not any(part in each for part in expected)]


def test_closing_the_page_ends_its_process_and_removes_its_files(page: Page) -> None:
    from LungUNetSegSlicer.run.process_tree import descendants

    server: Any = page.server  # type: ignore[attr-defined]
    before = {each for each in server.folders() if (each / "uploads").is_dir() and any((each / "uploads").iterdir())}
    assert before
    page.browser.get("about:blank")
    wait_for(lambda: not any(each.exists() for each in before))
    wait_for(lambda: len(server.folders()) == 1)  # of the session that is started ahead
    wait_for(lambda: len(descendants(server.process.pid)) == 1)
