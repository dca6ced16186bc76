"""From a scan to its lungs: models, engines, postprocessing, quality."""
