"""Cases (a scan with its masks): naming, finding, pairing, reading and splitting them."""
