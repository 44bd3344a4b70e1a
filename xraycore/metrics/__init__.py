"""Scores of arrays: classification, calibration, operating points, significance."""
