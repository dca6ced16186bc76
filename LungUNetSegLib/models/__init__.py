"""Models: manifests, weights, checkpoints, and the shipped weights."""
