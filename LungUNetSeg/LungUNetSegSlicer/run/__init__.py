"""Runs one segmentation in a child process."""
