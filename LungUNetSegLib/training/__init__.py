"""Trains networks: settings, training loop, checkpoints, history."""
