"""`python -m xraycore …`: human tables by default, one JSON document with `--json`."""
