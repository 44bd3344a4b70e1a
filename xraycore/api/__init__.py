"""The interface for programs: what `xraycore serve-api` answers."""
