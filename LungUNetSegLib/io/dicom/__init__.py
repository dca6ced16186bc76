"""DICOM series, in and out."""

import warnings

# pydicom warns of each value that breaks the standard; those that matter are checked here. Once, as this filter is the
# whole process's: turned for each reading it would come to lie anyhow where readers run in threads.
warnings.filterwarnings("ignore", module=r"pydicom(\..*)?")
