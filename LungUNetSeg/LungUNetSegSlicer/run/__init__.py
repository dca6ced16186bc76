"""One segmentation in a child process, from the start to its end."""
