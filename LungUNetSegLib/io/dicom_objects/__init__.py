"""Results as DICOM objects that refer to the CT they were made from: Segmentation, RT Structure Set, SR report."""
