"""DICOM CT series in and out."""
