"""Compares two scans of a patient: what changed in the lungs, and whether the scans are comparable."""
