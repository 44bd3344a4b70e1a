"""DICOM files: header, pixel data, grey values."""
