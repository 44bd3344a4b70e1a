"""Where the lungs are on a film, and what a network is shown of it."""
