"""Compares a prediction with a reference in the scene: scores, plots, colours, views."""
