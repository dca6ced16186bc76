"""Compare with a reference, in the scene: scores as a table, DSC by slice as a plot, differences in colour.

The steps are in files of their own: `comparison_input` (nodes to label maps), `comparison_tables` (tables and plot),
`comparison_display` (differences and surface distance), `comparison_layout` (the views).
"""
