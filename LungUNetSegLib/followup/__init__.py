"""Compares two scans of a patient: what changed in their lungs, and whether the scans allow to say so."""
