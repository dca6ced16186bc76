"""Tables of patients and outcomes: how they are written, and what they leave out."""

from __future__ import annotations

from collections.abc import Callable

from corpus.bench import Bench, Trial
from corpus.case_folders import touched
from corpus.kinds import Section

from LungUNetSegLib.cases.labelled import Case, find_cases
from LungUNetSegLib.errors import DataError
from LungUNetSegLib.outcomes.inputs import read_outcomes

tables = Section("Tables of patients and outcomes")


def patients(table: bytes | str, expected: str = "A A B") -> Callable[[Bench], Trial]:
    """Whose the cases p, q and r are, as index.csv says."""

    def attempt(b: Bench) -> Trial:
        touched(b, *(f"{name}{mask}.nii.gz" for name in "pqr" for mask in ("", "_mask")))
        b.write("index.csv", table)
        found = " ".join(each.patient for each in find_cases(b.folder))
        return b.holds(found == expected, f"patients found: {found}")

    return attempt


INDEX = "case,patient\np,A\nq,A\nr,B\n"
tables.right("an index of patients", patients(INDEX))
tables.right("an index with the mark of UTF-8, as Excel writes it", patients("\ufeff" + INDEX))
tables.right("an index with other columns and quotes", patients('age,"case","patient"\n3,p,"A"\n4,q,A\n5,r,B\n'))
tables.right("an index with spaces and lines of Windows", patients("case, patient\r\np , A\r\nq, A\r\nr, B\r\n"))
tables.right("an index of files in place of cases", patients("case,patient\np.nii.gz,A\nq_ct.nii.gz,A\nr_0000.nii,B\n"))
tables.right("an index without one case, which is a patient of its own", patients("case,patient\np,A\nq,A\n", "A A r"))
tables.refused("an index parted by semicolons", "index.csv", patients(INDEX.replace(",", ";")), DataError)
tables.refused("an index with other names of columns", "index.csv", patients(INDEX.replace("case", "scan")), DataError)
tables.refused("an index that gives a case two patients", "index.csv", patients(INDEX + "p,B\n"), DataError)
tables.refused("an index in Latin-1", "index.csv", patients("case,patient\np,M\xfcller\n".encode("latin-1")), DataError)
tables.refused("an index with bytes of zero", "index.csv", patients(b"case,patient\np,\0A\n" + b"\0" * 40), DataError)


def outcomes(table: bytes | str) -> Callable[[Bench], Trial]:
    """The outcomes of the cases p, q of patient A and r of B."""

    def attempt(b: Bench) -> Trial:
        listed = [
            Case(case_id=name, patient=owner, image=b.folder, mask=b.folder)
            for name, owner in (("p", "A"), ("q", "A"), ("r", "B"))
        ]
        found = read_outcomes(b.write("outcomes.csv", table), listed)
        return b.holds(found == {"p": True, "q": True, "r": False}, f"outcomes found: {found}")

    return attempt


TABLE = "case,outcome\np,1\nq,yes\nr,0\n"
tables.right("outcomes in figures and words", outcomes(TABLE))
tables.right("outcomes with the mark of UTF-8 and capitals", outcomes("\ufeff" + TABLE.replace("yes", "YES")))
tables.right("outcomes of cases whose scans are elsewhere", outcomes(TABLE + "s,1\n"))
tables.refused(
    "outcomes parted by semicolons", "columns case and outcome", outcomes(TABLE.replace(",", ";")), DataError
)
tables.refused("an outcome of another kind", "must be 1 or 0", outcomes(TABLE.replace("yes", "perhaps")), DataError)
tables.refused("an outcome left out", "must be 1 or 0", outcomes(TABLE.replace("yes", "")), DataError)
tables.refused("a case twice", "twice", outcomes(TABLE + "p,0\n"), DataError)
tables.refused("a case missing", "no outcome for 'r'", outcomes("case,outcome\np,1\nq,1\n"), DataError)
tables.refused("a patient with two outcomes", "different outcomes", outcomes(TABLE.replace("yes", "no")), DataError)
tables.refused("outcomes in UTF-16", "outcomes.csv", outcomes(TABLE.encode("utf-16")), DataError)
tables.refused("no rows", "columns case and outcome", outcomes("case,outcome\n"), DataError)
tables.refused("no table at all", "outcomes.csv", outcomes(b"\x89PNG\r\n" + bytes(range(256))), DataError)
