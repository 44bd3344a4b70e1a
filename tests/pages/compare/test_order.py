"""Which network is asked first."""

from pages.compare.order import best_elsewhere, in_order_of_use
from xraycore.models.cards import list_trained


def test_the_network_that_is_looked_at_is_asked_first():
    names = list_trained()
    assert in_order_of_use(names, "resnet50")[0] == "resnet50"
    assert sorted(in_order_of_use(names, "resnet50")) == sorted(names)
    # Where a panel is none of a network's, the one that is shown at first.
    assert in_order_of_use(names, "film")[0] == in_order_of_use(names)[0] == best_elsewhere(names)
    assert in_order_of_use([]) == []
