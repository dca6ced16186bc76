"""NIfTI, NRRD and MetaImage scans."""
