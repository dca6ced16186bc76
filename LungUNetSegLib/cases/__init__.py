"""Cases, each a scan and its masks: their names on disk, how they are found, paired, read and divided."""
