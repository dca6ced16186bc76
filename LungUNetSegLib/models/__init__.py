"""Models: their manifests, weights and checkpoints, and the weights that are shipped."""
