"""Segments the lungs of a scan: probabilities, cleaning, measurements, quality."""
