#!/bin/sh
# radreport 0.4.0's CriticalFindingsDetector marks a finding as negated wherever "no" or "without" stands in the 60
# letters before it, up to the sentence's start: "No rib fracture, but a large left tension pneumothorax." has a negated
# pneumothorax, last in the list of findings, and so has "No change in the large right pneumothorax." NegEx, the usual
# rule (Chapman et al. 2001), ends at "but" and knows "no change" as no negation. The other way round "Pneumothorax was
# ruled out." is a critical finding, as the detector looks for "ruled out", which is in its list, only before the term,
# and "No focal 2.5 cm consolidation." a finding, as it takes the decimal point for a sentence's end. Its text: "a real
# (non-negated) mention must never be suppressed", "safe to use in clinical alerting pipelines". No report found. Ends
# with 1 when that changes.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check radreport==0.4.0
"$folder/venv/bin/python" - <<'PYTHON'
import sys
from importlib.metadata import version

from radreport import CriticalFindingsDetector, ReportParser

print(f"radreport {version('radreport')}")
TEXTS = {
    "No pneumothorax.": True,
    "Large pneumothorax without mediastinal shift.": False,
    "No rib fracture, but a large left tension pneumothorax.": False,
    "No change in the large right pneumothorax.": False,
    "Pneumothorax was ruled out.": True,
    "No focal 2.5 cm consolidation.": True,
}
right = []
for text, negated in TEXTS.items():
    report = CriticalFindingsDetector().detect(ReportParser().parse(f"FINDINGS:\n{text}\n"))
    says = {finding.negated for finding in report.critical_findings}
    right.append(says == {negated})
    names = ", ".join(finding.term for finding in report.critical_findings)
    print(f"{text} {names}: negated {says}, right: {right[-1]}")
sys.exit(0 if right == [True, True, False, False, False, False] else 1)
PYTHON
