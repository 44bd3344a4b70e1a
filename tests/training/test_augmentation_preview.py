import numpy as np

from xraycore.training.augmentation import Augmentation, preview


def test_views_follow_from_their_seeds(film):
    seen, (first, second) = preview(film, Augmentation(), [4, 5], view="film", size=64)
    assert seen.shape == first.shape == (64, 64)
    assert seen.dtype == first.dtype == np.uint8
    assert not np.array_equal(first, second)
    _, (again,) = preview(film, Augmentation(), [5], view="film", size=64)
    np.testing.assert_array_equal(second, again)


def test_without_changes_it_is_the_film(film):
    seen, (same,) = preview(film, Augmentation.parse("none"), [0], view="film", size=64)
    np.testing.assert_array_equal(seen, same)


def test_the_lungs_view_is_their_box(film, monkeypatch):
    from xraycore.anatomy import lung_field as lungs

    mask = np.zeros((128, 128))
    mask[32:96, 24:56] = mask[32:96, 72:104] = 1
    field = lungs.lung_field(mask)
    monkeypatch.setattr(
        "xraycore.training.augmentation.segment_lungs", lambda films: [field for _ in films]
    )
    whole, _ = preview(film, Augmentation(), [], view="film", size=64)
    part, _ = preview(film, Augmentation(), [], size=64)
    assert field.found
    assert not np.array_equal(whole, part)
