"""What is asked on the command line, and what it may write over."""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout, suppress
from pathlib import Path

import SimpleITK as sitk
from corpus.bench import Bench, Trial
from corpus.kinds import Section
from dicom_files import save, slices_of
from tiny_models import tiny_model

from LungUNetSegLib.cli import main
from LungUNetSegLib.errors import LungUNetSegError
from LungUNetSegLib.io import write_labels
from LungUNetSegLib.volume.resample import to_sitk

section = Section("Commands and what they write")


def command(*words: object) -> str:
    """Run a command in this process; its words, or an error of ours if it fails in one line."""
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        code = main([str(word) for word in words])
    text = err.getvalue().strip()
    if code in (1, 2):
        assert "internal error" not in text and "Traceback" not in text, text
        raise LungUNetSegError(text.splitlines()[-1] if text else "nothing was said")
    assert code == 0, f"it ended with {code}: {text}"
    return out.getvalue() + text


def scan_file(b: Bench, name: str = "scan.nii.gz") -> Path:
    path = b.folder / name
    sitk.WriteImage(to_sitk(b.fine), str(path))
    return path


def segment(
    *more: object,
    output: str = "lungs.nii.gz",
    source: Callable[[Bench], object] = scan_file,
    before: Callable[[Bench], object] = lambda b: None,
) -> Callable[[Bench], Trial]:
    """Segment the clean scan with the tiny model; `before` prepares the folder, and must be as it was if that fails."""

    def attempt(b: Bench) -> Trial:
        before(b)
        given = source(b)
        words = [str(each).replace("FOLDER", str(b.folder)) for each in more]
        held = {path: path.read_bytes() for path in b.folder.rglob("*") if path.is_file()}
        try:
            command(
                "segment",
                given,
                "-o",
                b.folder / output,
                "--model",
                tiny_model(),
                "--engine",
                "onnxruntime",
                "--progress",
                "none",
                *words,
            )
        except LungUNetSegError:
            changed = [path.name for path, content in held.items() if not path.exists() or path.read_bytes() != content]
            assert not changed, f"changed though it failed: {changed}"
            raise
        left = [path.name for path in b.folder.rglob(".lungunetseg-*")]
        return b.holds(not left, f"left behind: {left}")

    return attempt


def reviewed(b: Bench) -> None:
    write_labels(b.folder / "lungs.nii.gz", b.labels)


def folder_of(b: Bench) -> Path:
    return save(slices_of(b.fine), b.folder / "ct")


E1 = LungUNetSegError
section.right("a hundred thousand threads", segment("--threads", 100000))
section.right("a result over its own older one", lambda b: (segment()(b), segment()(b))[1])
section.right("somebody's mask, and --overwrite", segment("--overwrite", before=reviewed))
section.right("names that begin as formulas, in a table", lambda b: _formulas(b))
section.right("a name with the commands of a terminal", lambda b: _terminal(b))
section.right("a scan that cannot be read among others", lambda b: _batch(b))
section.right("a scan in a folder that may not be written", lambda b: _read_only(b))
section.right("a hidden draft that another machine may still write", lambda b: _foreign_draft(b))
section.refused("somebody's reviewed mask for OUT", "--overwrite", segment(before=reviewed), E1)
section.refused(
    "a slice of the input for OUT",
    "part of the input scan",
    segment(output="ct/0003.nii.gz", source=lambda b: _slice_named(b)),
    E1,
)
section.refused(
    "a slice of the input for OUT, and --overwrite",
    "part of the input scan",
    segment("--overwrite", output="ct/0003.nii.gz", source=lambda b: _slice_named(b)),
    E1,
)
section.refused("the scan itself for OUT", "is an input of this run", segment(output="scan.nii.gz"), E1)
section.refused(
    "a link to the scan for OUT",
    "is an input of this run",
    segment(output="link.nii.gz", before=lambda b: (b.folder / "link.nii.gz").symlink_to(scan_file(b))),
    E1,
)
section.refused(
    "a folder for OUT",
    "is a folder",
    segment(output="out.nii.gz", before=lambda b: (b.folder / "out.nii.gz").mkdir()),
    E1,
)
section.refused("a folder that is not there for OUT", "does not exist", segment(output="gone/lungs.nii.gz"), E1)
section.refused(
    "a device for OUT",
    "device or pipe",
    segment(output="pipe.nii.gz", before=lambda b: os.mkfifo(b.folder / "pipe.nii.gz")),
    E1,
)
section.refused("an ending that stands for no format", "must end in", segment(output="lungs.stl"), E1)
section.refused(
    "a table of somebody else for --csv",
    "--overwrite",
    segment("--csv", "FOLDER/t.csv", before=lambda b: b.write("t.csv", "patient,age\n")),
    E1,
)
section.refused(
    "JSON of somebody else for --json",
    "--overwrite",
    segment("--json", "FOLDER/t.json", before=lambda b: b.write("t.json", "{}") and b.write("t.json", '{"a": 1}')),
    E1,
)
section.refused("a table called .txt", "must end in .csv", segment("--csv", "FOLDER/t.txt"), E1)
section.refused("no threads", "threads", segment("--threads", 0), E1)
section.refused("threads in words", "threads", segment("--threads", "many"), E1)
section.refused("an engine that there is none of", "engine", segment("--engine", "tensorrt"), E1)
section.refused("a scan that is not there", "gone.nii.gz", segment(source=lambda b: b.folder / "gone.nii.gz"), E1)
section.refused(
    "two scans to one file",
    "lungs.nii.gz",
    lambda b: (
        reviewed(b),
        b.holds(
            bool(
                command(
                    "segment",
                    scan_file(b),
                    scan_file(b, "b.nrrd"),
                    "-o",
                    b.folder / "lungs.nii.gz",
                    "--model",
                    tiny_model(),
                )
            ),
            "",
        ),
    )[1],
    E1,
)
section.refused(
    "a training's mapping to nothing",
    "is not NAME=",
    lambda b: b.holds(bool(command("evaluate", b.folder, b.folder, "--map", "a")), ""),
    E1,
)


def _formulas(b: Bench) -> Trial:
    scans = [scan_file(b, name) for name in ("=1+1.nii.gz", "-x.nii.gz", "@a.nii.gz", "+3.nii.gz")]
    (b.folder / "out").mkdir()
    words = ("-o", b.folder / "out", "--model", tiny_model(), "--engine", "onnxruntime", "--csv", b.folder / "t.csv")
    command("segment", *scans, *words)
    with (b.folder / "t.csv").open(encoding="utf-8", newline="") as file:
        cells = [cell for row in csv.reader(file) for cell in row]
    bad = [cell for cell in cells if cell[:1] in ("=", "@", "+") or (cell[:1] == "-" and not cell[1:2].isdigit())]
    return b.holds(not bad, f"cells that compute: {bad}")


def _terminal(b: Bench) -> Trial:
    said = command("info", scan_file(b, "a\x1b[2Jb.nii.gz"))
    return b.holds("\x1b" not in said, "an escape sequence reached the terminal")


def _batch(b: Bench) -> Trial:
    (b.folder / "out").mkdir()
    with suppress(LungUNetSegError):
        command(
            "segment",
            scan_file(b),
            b.write("bad.nii.gz", b"x"),
            "-o",
            b.folder / "out",
            "--model",
            tiny_model(),
            "--engine",
            "onnxruntime",
            "--json",
            b.folder / "t.json",
        )
    told = json.loads((b.folder / "t.json").read_text())
    return b.holds("volumes_ml" in told[0] and "bad.nii.gz" in told[1]["error"], f"told: {told}")


def _read_only(b: Bench) -> Trial:
    folder = folder_of(b)
    folder.chmod(0o555)
    try:
        command("segment", folder, "-o", b.folder / "lungs.nii.gz", "--model", tiny_model(), "--engine", "onnxruntime")
    finally:
        folder.chmod(0o755)
    return b.holds((b.folder / "lungs.nii.gz").exists(), "no result")


def _foreign_draft(b: Bench) -> Trial:
    draft = b.write(".lungunetseg-00000000-1-" + "0" * 32 + ".nrrd", b"x")
    command(
        "segment", scan_file(b), "-o", b.folder / "lungs.nii.gz", "--model", tiny_model(), "--engine", "onnxruntime"
    )
    return b.holds(draft.exists(), "it was removed")


def _slice_named(b: Bench) -> Path:
    folder = folder_of(b)
    (folder / "0003.dcm").rename(folder / "0003.nii.gz")
    return folder
