"""From a scan to its lungs: probabilities, cleaning, measurements, quality."""
