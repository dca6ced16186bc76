"""From both lungs of a scan to the probability of an outcome, as Wang 2020 does; no weights, no claim about disease."""
