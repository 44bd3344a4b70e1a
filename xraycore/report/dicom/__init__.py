"""What was found on a DICOM film as DICOM objects of the same study, to be sent to a PACS.

A Secondary Capture of the heat, a Segmentation of lungs and heat, a Structured Report (TID 1500)
of the answer; and what readers of a study marked. Of the patient they say what the film's own
header says (`source`), and nothing else.

Example::

    from xraycore.report.dicom import FilmFinding, write_objects

    objects = write_objects(FilmFinding(read_source(data), radiograph, model, prediction, heatmap))
"""

from xraycore.report.dicom.finding import FilmFinding
from xraycore.report.dicom.objects import write_objects
from xraycore.report.dicom.source import read_source

__all__ = ["FilmFinding", "read_source", "write_objects"]
