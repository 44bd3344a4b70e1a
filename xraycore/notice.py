"""What every page and every export says."""

NOTICE = "For education and research. Not for diagnosis."
