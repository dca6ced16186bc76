"""Segments and shows lungs in a browser: a server, a process with its own scene for each user, and the page."""
