"""All rooms of the corpus, in the order of the page."""

from corpus import dicom_mixtures, dicom_pixels, dicom_series
from corpus.kinds import KINDS

__all__ = ["KINDS", "dicom_mixtures", "dicom_pixels", "dicom_series"]
