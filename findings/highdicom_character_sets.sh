#!/bin/sh
# highdicom 0.28.2 refuses the character sets of Japanese and Korean images: an empty first value, which stands for ISO
# IR 6 (PS3.3 C.12.1.1.2: "\ISO 2022 IR 87"), and "ISO 2022 IR 149" (Korean), for which its list has a second
# "ISO 2022 IR 159" (Japanese). Segmentations and reports take the set over from their source images, so that none can
# be made of such a scan. Expected: each defined term is taken. No report found. Ends with 1 when that changes.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check highdicom==0.28.2 pydicom==3.0.2 numpy==2.2.6
"$folder/venv/bin/python" - <<'PYTHON'
import sys
from importlib.metadata import version

import highdicom
import numpy as np
from pydicom.uid import generate_uid


def is_taken(characters):
    """Whether a picture can be made with this Specific Character Set."""
    try:
        highdicom.sc.SCImage(
            pixel_array=np.zeros((8, 8), np.uint8), photometric_interpretation="MONOCHROME2", bits_allocated=8,
            coordinate_system="PATIENT", study_instance_uid=generate_uid(), series_instance_uid=generate_uid(),
            series_number=1, sop_instance_uid=generate_uid(), instance_number=1, manufacturer="none",
            patient_orientation=["L", "P"], specific_character_set=characters,
        )
    except ValueError as error:
        print(f"{characters}: {error}")
        return False
    print(f"{characters}: taken")
    return True


print(f"highdicom {version('highdicom')}, pydicom {version('pydicom')}")
korean = ["ISO 2022 IR 6", "ISO 2022 IR 149"]
taken = [is_taken(each) for each in (["", "ISO 2022 IR 87"], korean, "GBK", "ISO_IR 192")]
sys.exit(0 if taken == [False, False, True, True] else 1)
PYTHON
