"""Predicts an outcome from both lungs of a scan, as in Wang 2020; without weights or claims about disease."""
