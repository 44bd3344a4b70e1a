"""Maps that know nothing of the film, to set a heatmap beside."""

import numpy as np

# Width of the centre prior (its standard deviation), in shares of the film's side.
PRIOR_WIDTH = 0.25


def centre_prior(shape: tuple[int, int]) -> np.ndarray:
    """Hot in the middle, a Gaussian of each side's share; float64 of that shape in (0, 1]."""
    height, width = shape
    y, x = np.mgrid[:height, :width]
    y, x = (y + 0.5) / height - 0.5, (x + 0.5) / width - 0.5
    return np.exp(-(x**2 + y**2) / (2 * PRIOR_WIDTH**2))


def random_map(shape: tuple[int, int], random: np.random.Generator) -> np.ndarray:
    """Each cell's heat drawn alone and uniformly; float64 of that shape in [0, 1)."""
    return random.random(shape)
