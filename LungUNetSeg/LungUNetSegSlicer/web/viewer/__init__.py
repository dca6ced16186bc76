"""Runs in a user's own process: Slicer's core with its scene, views and runs."""
