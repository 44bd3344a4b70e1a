import pytest

from xraycore.access.paths import list_folders, permit_path
from xraycore.errors import PathError


@pytest.fixture
def root(tmp_path, monkeypatch):
    """A folder that the server offers, beside one that it does not."""
    root, other = tmp_path / "films", tmp_path / "films-of-others"
    for folder in (root / "study", other):
        folder.mkdir(parents=True)
        (folder / "labels.csv").write_text("path,label\n")
    (root / "out").symlink_to(other)
    (root / "in").symlink_to(root / "study")
    monkeypatch.setenv("XRAYCORE_ROOTS", str(root))
    return root


def test_on_ones_own_computer_any_path_is_as_it_was(monkeypatch):
    monkeypatch.delenv("XRAYCORE_ROOTS", raising=False)
    assert str(permit_path("../etc/passwd")) == "../etc/passwd"


def test_what_lies_in_a_root_comes_back_without_links(root):
    assert permit_path(root) == root.resolve()
    assert permit_path(root / "study" / "labels.csv") == root.resolve() / "study" / "labels.csv"
    assert permit_path(root / "in" / "labels.csv") == root.resolve() / "study" / "labels.csv"
    # What is not there yet is told apart by nothing.
    assert permit_path(root / "new" / "film.png") == root.resolve() / "new" / "film.png"


@pytest.mark.parametrize(
    "path",
    [
        "/etc/passwd",
        "{root}/../films-of-others",
        "{root}/study/../../films-of-others/labels.csv",
        "{root}/out",
        "{root}/out/labels.csv",
        "{root}/in/../../films-of-others",
        "{root}-of-others",
        "films",
        "~/films",
        "",
        "//server/share",
        r"\\server\share",
        r"C:\films",
        "file:///etc/passwd",
        "{root}/a\0b",
        "{root}/" + "x/" * 3000,
    ],
)
def test_no_way_leads_out_of_it(root, path):
    try:
        found = permit_path(path.replace("{root}", str(root)))
    except PathError as error:
        # Not even whether there is something.
        assert "passwd" not in str(error) and "others" not in str(error)
    else:
        assert found.is_relative_to(root.resolve())
        assert path.startswith("{root}/x/")


def test_without_a_root_nothing_may_be_named_but_what_is_offered(tmp_path, monkeypatch):
    monkeypatch.setenv("XRAYCORE_ROOTS", "")
    with pytest.raises(PathError):
        permit_path(tmp_path)
    assert permit_path(tmp_path / "a.csv", [tmp_path]) == tmp_path.resolve() / "a.csv"
    assert list_folders([tmp_path]) == [tmp_path]


def test_the_list_has_the_roots_and_what_lies_in_them(root, monkeypatch):
    (root / ".hidden").mkdir()
    (root / "notes.txt").write_text("")
    (root / "table.csv").write_text("")
    assert list_folders() == [root, root / "in", root / "study", root / "table.csv"]
    monkeypatch.delenv("XRAYCORE_ROOTS")
    assert list_folders() == []
