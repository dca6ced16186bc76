"""All rooms of the corpus, in the order of the page."""

from corpus import data_sets, dicom_masks, dicom_mixtures, dicom_pixels, dicom_series, label_maps, models, nifti_files, text_headers
from corpus.kinds import KINDS

__all__ = ["KINDS", "data_sets", "dicom_masks", "dicom_mixtures", "dicom_pixels", "dicom_series", "label_maps", "models", "nifti_files", "text_headers"]
