#!/bin/sh
# medicalimageanalysis 2.1.95 applies a rigid DICOM registration twice: its ReadREG multiplies each matrix of the Matrix
# Sequence in twice. A shift of 10, 20 and 30 mm becomes one of 20, 40 and 60 mm, a rotation by 5 degrees one by 10, and
# structures and dose that follow it lie that far beside the scan. The identity hides it. PS3.3 C.20.2.1.1: the matrix
# brings a point of the item's frame of reference into the registered one, each item of the sequence applied once.
# Nothing warns. Expected: 10, 20 and 30 mm, and 5 degrees. No report found. Ends with 1 when that changes.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check pydicom==3.0.2 numpy==2.2.6
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check --no-deps medicalimageanalysis==2.1.95
"$folder/venv/bin/python" - <<'PYTHON'
import importlib
import sys
from importlib.metadata import distribution, version
from types import ModuleType

import numpy as np
from pydicom.dataset import Dataset

# The reader alone: the package itself loads VTK, Open3D and more, and classes for what it has read.
NAME = "medicalimageanalysis"
for part in ("", ".read", ".structure"):
    package = sys.modules[NAME + part] = ModuleType(NAME + part)
    package.__path__ = [str(distribution(NAME).locate_file((NAME + part).replace(".", "/")))]
for name in ("Deformable", "Dose", "Image", "Rigid"):
    module = sys.modules[f"{NAME}.structure.{name.lower()}"] = ModuleType(name)
    setattr(module, name, type(name, (), {}))
reader = importlib.import_module(f"{NAME}.read.dicom")


def item(**values):
    """A dataset of these elements, for a file or a sequence."""
    dataset = Dataset()
    for name, value in values.items():
        setattr(dataset, name, value)
    return dataset


def moved(matrix, frame):
    """One image of the registration, brought to the registered frame of reference by this matrix."""
    step = item(FrameOfReferenceTransformationMatrixType="RIGID")
    step.FrameOfReferenceTransformationMatrix = matrix.ravel().tolist()
    return item(FrameOfReferenceUID=frame, MatrixRegistrationSequence=[item(MatrixSequence=[step])])


def read(matrix):
    """What the reader makes of a registration by this matrix, again from the moving image to the registered one."""
    registration = item(Modality="REG", FrameOfReferenceUID="1.2.3")
    registration.RegistrationSequence = [moved(np.eye(4), "1.2.3"), moved(matrix, "1.2.4")]
    return np.linalg.inv(reader.ReadREG(registration).moving_matrix)


print(f"{NAME} {version(NAME)}, pydicom {version('pydicom')}, numpy {np.__version__}")
shift, turn = np.eye(4), np.eye(4)
shift[:3, 3] = 10, 20, 30
angle = np.radians(5)
turn[:2, :2] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
shifted, turned = read(shift), read(turn)
degrees = float(np.degrees(np.arctan2(turned[1, 0], turned[0, 0])))
print(f"a shift of {shift[:3, 3]} mm is read as {np.round(shifted[:3, 3], 3)} mm")
print(f"a rotation by 5 degrees is read as {degrees:.3f} degrees")
same = np.allclose(read(np.eye(4)), np.eye(4))
sys.exit(0 if same and np.allclose(shifted[:3, 3], [20, 40, 60]) and abs(degrees - 10) < 1e-6 else 1)
PYTHON
