"""Components with their own JavaScript and CSS."""

from pathlib import Path

# Of what changes the page's address; goes before a component's own script.
IN_TURN = Path(__file__).with_name("in_turn.js").read_text()
