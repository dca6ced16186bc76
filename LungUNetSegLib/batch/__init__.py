"""Segments many scans: finds them, knows which are done, and does the rest."""
