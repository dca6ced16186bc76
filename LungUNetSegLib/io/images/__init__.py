"""Reads and writes NIfTI, NRRD and MetaImage files."""
