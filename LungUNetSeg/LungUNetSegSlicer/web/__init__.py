"""The lungs in a browser: a server, a process with a scene of its own for each user, and the page."""
