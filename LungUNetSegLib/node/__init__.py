"""Runs a DICOM node beside a PACS: it receives CT studies, segments the lungs and sends the results."""
