"""All rooms of the corpus, in the order of the page."""

from corpus import dicom_masks, dicom_mixtures, dicom_pixels, dicom_series, nifti_files, text_headers
from corpus.kinds import KINDS

__all__ = ["KINDS", "dicom_masks", "dicom_mixtures", "dicom_pixels", "dicom_series", "nifti_files", "text_headers"]
