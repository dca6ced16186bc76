"""A DICOM node beside the PACS: it takes CT studies, segments the lungs and sends the results on."""
