"""The bootstrap of four patients in full: every draw can be written down."""

from itertools import product

import numpy as np


def bounds(statistic, patients=4, each=2):
    """The 2.5th and 97.5th percentile over all draws of as many patients as there are.

    Patient i has the films from `each` * i on, of which `statistic` is told the indices.
    """
    values = []
    for drawn in product(range(patients), repeat=patients):
        values.append(statistic(np.concatenate([each * d + np.arange(each) for d in drawn])))
    return tuple(np.nanpercentile(values, [2.5, 97.5]).round(4))
