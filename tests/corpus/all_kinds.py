"""All kinds of the corpus: importing this module adds them, in the order of the page."""

# isort: off
from corpus import (  # noqa: F401
    dicom_series,
    dicom_pixels,
    dicom_mixtures,
    dicom_frames,
    nifti_files,
    nrrd_files,
    metaimage_files,
    label_maps,
    slicer_segmentations,
    npz_archives,
    dicom_seg,
    dicom_contours,
    case_folders,
    comparisons,
    tables,
    models,
    checkpoints,
    settings_files,
    commands,
    bodies,
)
# isort: on
