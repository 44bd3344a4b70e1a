"""PACS: films out of it by DICOMweb, objects into it by STOW-RS or C-STORE, films that it sends.

Connections are named in the settings file (`xraycore.access.connections`), credentials come from
the environment. Whatever a server answers is bounded in bytes, number and time.

Example::

    from xraycore.access.settings import find_connection
    from xraycore.pacs.dicomweb import DicomWeb

    pacs = DicomWeb(find_connection("hospital"))
    for film in pacs.films(study):
        data = pacs.fetch(film)
"""
