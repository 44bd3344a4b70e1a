"""What a reader takes along: a film's report, exports, and what was measured in sentences."""
