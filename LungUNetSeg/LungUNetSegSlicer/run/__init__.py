"""Runs segmentations, batches and fine-tunings in child processes."""
