"""Trains a model further on a user's corrected scans, and scores it before and after on scans kept for testing."""
