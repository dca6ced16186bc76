"""Classifies painted nodules with the features and classifiers of Khan 2021 (doi:10.3390/diagnostics11122208)."""
