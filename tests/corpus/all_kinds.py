"""All kinds of the corpus: importing this module adds them, in the order of the page."""

# isort: off
from corpus import (  # noqa: F401
    dicom_series,
    dicom_pixels,
    dicom_mixtures,
    nifti_files,
    text_headers,
    label_maps,
    dicom_masks,
    data_sets,
    models,
    commands,
    bodies,
)
# isort: on
