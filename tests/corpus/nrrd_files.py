"""NRRD: what its header says, leaves out, or names elsewhere."""

from __future__ import annotations

import bz2
import gzip

from corpus.kinds import Section
from corpus.text_headers import Fields, apart, flipped, linked, piped, raw, slices, together

nrrd = Section("NRRD")

NRRD: Fields = {
    "type": "int16",
    "dimension": "3",
    "space": "left-posterior-superior",
    "sizes": "28 24 13",
    "space directions": "(12,0,0) (0,12,0) (0,0,10)",
    "kinds": "domain domain domain",
    "endian": "little",
    "encoding": "raw",
    "space origin": "(-165,-141,-60)",
}
TIMED: Fields = {
    "dimension": "4",
    "space": "left-posterior-superior-time",
    "sizes": "28 24 13 1",
    "space directions": "(12,0,0,0) (0,12,0,0) (0,0,10,0) (0,0,0,1)",
    "kinds": "domain domain domain domain",
    "space origin": "(-165,-141,-60,0)",
}
TURNED: Fields = {
    "space": "right-anterior-superior-time",
    "space directions": "(-12,0,0,0) (0,-12,0,0) (0,0,10,0) (0,0,0,1)",
    "space origin": "(165,141,-60,0)",
}


def nrrd_header(**changes: str | None) -> str:
    fields = NRRD | {name.replace("_", " "): value for name, value in changes.items()}
    return "NRRD0005\n" + "".join(f"{name}: {value}\n" for name, value in fields.items() if value is not None) + "\n"


n = together("scan.nrrd", nrrd_header)
nhdr = lambda name: nrrd_header(data_file=name)  # noqa: E731

nrrd.right("raw voxels", n())
nrrd.right("compressed by gzip", n(lambda a: gzip.compress(raw(a)), encoding="gzip"))
nrrd.right("voxels as text", n(lambda a: " ".join(map(str, a.ravel())).encode(), encoding="text"))
nrrd.right("big endian", n(lambda a: a.astype(">i2").tobytes(), endian="big"))
nrrd.right("floats", n(lambda a: a.astype("<f4").tobytes(), type="float"))
nrrd.right(
    "right-anterior-superior",
    n(space="right-anterior-superior", space_directions="(-12,0,0) (0,-12,0) (0,0,10)", space_origin="(165,141,-60)"),
)
nrrd.right(
    "left-anterior-superior",
    n(space="left-anterior-superior", space_directions="(12,0,0) (0,-12,0) (0,0,10)", space_origin="(-165,141,-60)"),
)
nrrd.right("short names of the space", n(space="LPS"))
nrrd.right(
    "units of cm",
    n(space_units='"cm" "cm" "cm"', space_directions="(1.2,0,0) (0,1.2,0) (0,0,1)", space_origin="(-16.5,-14.1,-6)"),
)
nrrd.right(
    "units of metres, spelt out",
    n(
        space_units='"meters" "meters" "meters"',
        space_directions="(0.012,0,0) (0,0.012,0) (0,0,0.01)",
        space_origin="(-0.165,-0.141,-0.06)",
    ),
)
nrrd.right("comments and keys of others", n(content="CT", **{"sample units": '"HU"'}))
nrrd.right(
    "lines that end as on Windows",
    lambda b: b.scan(b.write("scan.nrrd", nrrd_header().replace("\n", "\r\n").encode() + raw(b.ct.array)), b.ct),
)
nrrd.right("voxels in a file beside the header", apart(nhdr, "scan.raw", ".nhdr"))
nrrd.right("voxels in a folder below the header", apart(nhdr, "data/scan.raw", ".nhdr"))
nrrd.right(
    "a slice in each file of a list",
    lambda b: slices(
        b, ".nhdr", nrrd_header(data_file="LIST\n" + "\n".join(f"{i}.raw" for i in range(13))).rstrip("\n") + "\n"
    ),
)
nrrd.right(
    "slices stored from head to feet",
    n(lambda a: raw(a[::-1]), space_directions="(12,0,0) (0,12,0) (0,0,-10)", space_origin="(-165,-141,60)"),
)
nrrd.right("a fourth axis of one time point", n(**TIMED))
nrrd.said("a space with time that ITK does not turn", "no-orientation", n(compare=False, **TIMED | TURNED))
nrrd.said(
    "spacings without a space",
    "no-orientation",
    n(space=None, space_directions=None, space_origin=None, spacings="12 12 10", compare=False),
)
nrrd.said(
    "a space of three dimensions without a name",
    "no-orientation",
    lambda b: b.scan(
        b.write(
            "scan.nrrd",
            nrrd_header().replace("space: left-posterior-superior", "space dimension: 3").encode() + raw(b.ct.array),
        )
    ),
)
nrrd.said("the scanner's space", "no-orientation", n(space="scanner-xyz", compare=False))
nrrd.said(
    "ends of axes in place of spacings",
    "no-orientation",
    n(
        space=None,
        space_directions=None,
        space_origin=None,
        **{"axis mins": "0 0 0", "axis maxs": "336 288 130", "centers": "cell cell cell"},
        compare=False,
    ),
)
nrrd.said(
    "values quantised to bytes",
    "not-hu",
    n(
        lambda a: ((a.clip(-1024, 3071) + 1024) // 8).clip(0, 255).astype("u1").tobytes(),
        type="uint8",
        **{"old min": "-1024", "old max": "3071"},
        compare=False,
    ),
)
nrrd.said(
    "stored numbers without the intercept",
    "no-air",
    n(lambda a: (a.astype(int) + 1024).astype("<u2").tobytes(), type="uint16", compare=False),
)
nrrd.said("the wrong byte order", "beyond-scanner", n(endian="big", compare=False))
nrrd.said("axes that slant", "sheared-grid", n(space_directions="(12,0,0) (0,12,0) (0,3,10)", compare=False))
nrrd.refused("no directions and no spacings", "no spacing", n(space_directions=None, compare=False))
nrrd.refused("directions of nothing", "no spacing", n(space_directions="none none none", compare=False))
nrrd.refused("a direction of length 0", "spacing", n(space_directions="(12,0,0) (0,12,0) (0,0,0)", compare=False))
nrrd.refused(
    "directions that are no numbers", "spacing", n(space_directions="(12,0,0) (0,12,0) (0,0,nan)", compare=False)
)
nrrd.refused("directions in one plane", "scan.nrrd", n(space_directions="(12,0,0) (0,12,0) (12,12,0)", compare=False))
nrrd.refused(
    "spacings of NaN, as some programs write",
    "no spacing",
    n(space=None, space_directions=None, space_origin=None, spacings="nan nan nan", compare=False),
)
nrrd.refused("units of inches", "inch", n(space_units='"inch" "inch" "inch"', compare=False))
nrrd.refused("another unit along each axis", "different units", n(space_units='"mm" "mm" "cm"', compare=False))
nrrd.refused(
    "four time points",
    "scan.nrrd",
    n(
        dimension="4",
        sizes="28 24 3 4",
        space_directions="(12,0,0) (0,12,0) (0,0,10) none",
        kinds="domain domain domain list",
        compare=False,
    ),
)
nrrd.refused(
    "three values in each voxel",
    "values in each voxel",
    n(
        lambda a: raw(a) * 3,
        dimension="4",
        sizes="3 28 24 13",
        space_directions="none (12,0,0) (0,12,0) (0,0,10)",
        kinds="vector domain domain domain",
        compare=False,
    ),
)
nrrd.refused(
    "two axes",
    "scan.nrrd",
    n(dimension="2", sizes="28 24", space_directions="(12,0,0) (0,12,0)", kinds="domain domain", compare=False),
)
nrrd.refused("sizes of terabytes", "header claims", n(sizes="90000 90000 900", compare=False))
nrrd.refused("a size of 0", "sizes", n(sizes="28 0 13", compare=False))
nrrd.refused("no sizes", "sizes", n(sizes=None, compare=False))
nrrd.refused("cut short", "cut short", n(lambda a: raw(a)[:-700], compare=False))
nrrd.refused(
    "cut short, compressed", "scan.nrrd", n(lambda a: gzip.compress(raw(a))[:-900], encoding="gzip", compare=False)
)
nrrd.refused(
    "a bomb of bzip2",
    "header claims",
    n(lambda a: bz2.compress(bytes(1000)), encoding="bzip2", sizes="9000 9000 9000", compare=False),
)
nrrd.refused("an encoding that nobody knows", "scan.nrrd", n(encoding="zstd", compare=False))
nrrd.refused("a type of blocks", "scan.nrrd", n(type="block", **{"block size": "2"}, compare=False))
nrrd.refused("no NRRD", "is not an NRRD file", lambda b: b.scan(b.write("scan.nrrd", b"P5 28 24 255\n" + bytes(700))))
nrrd.refused("voxels in a folder above the header", "outside", apart(nhdr, "../scan.raw", ".nhdr", at="scan.raw"))
nrrd.refused("voxels at an absolute path", "outside", apart(nhdr, "FOLDER/scan.raw", ".nhdr", at="scan.raw"))
nrrd.refused("voxels behind a link that leads elsewhere", "outside", lambda b: linked(b, ".nhdr", nhdr("link.raw")))
nrrd.refused("voxels in a pipe", "pipe", lambda b: piped(b, ".nhdr", nhdr("pipe.raw")))
nrrd.refused("voxels in a device", "outside", apart(nhdr, "/dev/zero", ".nhdr", at="unused"))
nrrd.refused(
    "a list of files elsewhere",
    "outside",
    lambda b: b.scan(b.write("in/scan.nhdr", nrrd_header(data_file="LIST\n" + "/etc/passwd\n" * 13))),
)
nrrd.refused("voxels that are not there", "no such file", apart(nhdr, "gone.raw", ".nhdr", at="unused"))
nrrd.said("more voxels than the header tells of", "more-data", n(sizes="28 24 7", compare=False))
nrrd.said(
    "more compressed voxels than the header tells of",
    "more-data",
    n(lambda a: gzip.compress(raw(a)), encoding="gzip", sizes="28 24 7", compare=False),
)
nrrd.refused(
    "fewer compressed voxels than the header claims",
    "scan.nrrd",
    n(lambda a: gzip.compress(raw(a[:9])), encoding="gzip", compare=False),
)
nrrd.refused(
    "a changed byte in compressed voxels",
    "damaged",
    n(lambda a: flipped(gzip.compress(raw(a))), encoding="gzip", compare=False),
)
