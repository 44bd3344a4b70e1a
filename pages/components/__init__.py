"""Components with their own JavaScript and CSS."""
