"""A prediction against a reference, in the scene: scores, plots, colours, views."""
