"""Settings with which the slow methods do little more than once around their loop."""

QUICK = {
    "score_cam": {"maps": 3},
    "occlusion": {"grid": 3},
    "rise": {"masks": 3},
    "smooth_grad": {"samples": 2},
    "integrated_gradients": {"steps": 2},
    "clearing": {"steps": 2},
}
