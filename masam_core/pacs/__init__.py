"""A hospital's archive (PACS): search, fetch and send, by DICOMweb or by DICOM's own network."""
