"""Reads and writes DICOM series."""

import warnings

# pydicom warns of each value that violates the standard; those that matter are checked here. The filter is set once,
# because it is global: setting it for each reading would not be safe when readers run in threads.
warnings.filterwarnings("ignore", module=r"pydicom(\..*)?")
