"""Writes the report of an evaluation: a page with tables, charts and pictures."""
