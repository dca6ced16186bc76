"""Many scans: which there are, which are done, and what segments the rest."""
