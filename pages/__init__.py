"""The app: a folder a page, shared parts, browser components."""
