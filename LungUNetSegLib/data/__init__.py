"""Cases, their splits, and the batches that networks learn from."""
