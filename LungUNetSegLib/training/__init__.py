"""Training: settings, loop, checkpoints, history."""
