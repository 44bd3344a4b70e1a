"""Where the class of a film stands when folders of splits lie between others."""

from collections import Counter

import pytest

from xraycore.datasets.manifest import read_manifest


@pytest.mark.parametrize(
    ("folders", "expected"),
    [
        # The classes stand below the splits, whatever stands above these.
        (("PNEUMONIA/train/COVID", "PNEUMONIA/test/COVID", "NORMAL/train"), "COVID COVID NORMAL"),
        # Below the splits stands nothing, or what is no class: the classes stand above.
        (("NORMAL/train", "NORMAL/test", "COVID/train"), "NORMAL NORMAL COVID"),
        (("NORMAL/train/images", "COVID/test/images", "COVID/train"), "NORMAL COVID COVID"),
    ],
)
def test_classes_stand_below_the_splits_or_else_above(tmp_path, folders, expected):
    for number, folder in enumerate(folders):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / f"{number}.png").write_bytes(b"")
    found = Counter((r.path.name, r.split, r.label) for r in read_manifest(tmp_path).records)
    classes = {"NORMAL": "Normal", "COVID": "COVID-19"}
    assert found == Counter(
        (f"{number}.png", "train" if "train" in folder else "test", classes[name])
        for number, (folder, name) in enumerate(zip(folders, expected.split(), strict=True))
    )
