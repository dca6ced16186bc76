"""Prepares training data: cached cases, views, augmentation and batches."""
