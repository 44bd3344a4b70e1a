"""No page has Streamlit read as Markdown, or as HTML, what a file or a person says."""

import ast

import pytest

from pages.shared.layout import plain, plain_option
from tests.conftest import ROOT
from tests.pages.drawn_text import Module


@pytest.mark.parametrize(
    "file", sorted((ROOT / "pages").rglob("*.py")), ids=lambda file: str(file.relative_to(ROOT))
)
def test_what_is_drawn_is_ours_or_plain(file):
    """Wrap it in `pages.shared.layout.plain`; numbers need a format such as `{count:,}`."""
    assert not [f"line {line}: {text}" for line, text in Module(file).foreign()]


def test_templates_escape():
    for file in (*(ROOT / "pages").rglob("*.py"), *(ROOT / "xraycore").rglob("*.py")):
        if "jinja2" not in (source := file.read_text()):
            continue
        for call in ast.walk(ast.parse(source)):
            if isinstance(call, ast.Call) and getattr(call.func, "id", "") == "Environment":
                given = {one.arg: ast.unparse(one.value) for one in call.keywords}
                assert given.get("autoescape") == "True", f"{file}, line {call.lineno}"


@pytest.mark.parametrize(
    "code",
    [
        "def draw(film): st.caption(film.name)",
        "def draw(film): st.caption(f'Film {film.name}')",
        "def draw(film):\n    text = film.name\n    st.error('no ' + text)",
        "def draw(names):\n    for name in names:\n        st.button(name)",
        "def draw(film): st.button('Open', help=film.name)",
        "def draw(film): st.html(f'<b>{film.name}</b>')",
        "def draw(film): st.table(film.rows)",
        "def draw(names): st.pills('Films', names)",
        "def draw(names): st.pills('Films', names, format_func=lambda name: name.title)",
        "def title(film):\n    return film.name\n\ndef draw(film): st.title(title(film))",
        "def draw(film): page_header(film.name, '')",
        "def draw(film): st.caption(f'{film.name:>3}')",
        "def draw(a, b):\n    for one, two in zip(a, ('x', 'y')):\n        st.caption(one)",
    ],
)
def test_foreign_text_is_found(tmp_path, code):
    file = tmp_path / "page.py"
    file.write_text(code)
    assert list(Module(file).foreign())


@pytest.mark.parametrize(
    "code",
    [
        "def draw(film): st.caption(f'**{plain(film.name)}**, {film.size:,} px')",
        "TITLES = {'a': 'A'}\n\ndef draw(key): st.caption(TITLES[key])",
        "def draw(a):\n    for one, two in zip(a, ('x', 'y')):\n        st.caption(two)",
        "def title(film):\n    return plain(film.name)\n\ndef draw(film): st.title(title(film))",
        "def draw(names): st.pills('Films', names, format_func=plain_option)",
        "def draw(film): st.selectbox('Film', film.names)",
        "def draw(time): st.caption(f'Read {time:%H:%M}')",
    ],
)
def test_our_own_is_let_through(tmp_path, code):
    file = tmp_path / "page.py"
    file.write_text(code)
    assert not list(Module(file).foreign())


def test_text_stays_in_one_line_and_in_sight():
    assert plain("a\nb\u202ec\x00") == "a b c"
    assert plain("*a*_[b](c)") == r"\*a\*\_\[b\](c)"
    assert plain("&lt;") == r"\&lt;"
    assert [plain(text) for text in ("# a", "- b", "12. c", "3) d", "=== e")] == [
        *(r"\# a", r"\- b", r"12\. c", r"3\) d", r"\=== e")
    ]
    # What Streamlit looks for once escapes are undone is broken up by a character without width.
    for text in (":material/home:", "www.a.org", "http://a.org", "a@b.org", "->", ":smile:"):
        assert text not in plain(text).replace("\\", "")
        assert plain(text).replace("\\", "").replace("\u2060", "") == text


def test_names_that_are_what_they_look_like_stand_in_links_as_they_are():
    for name in ("VGG16, run xception-longer_2", "Normal / Pneumonia", "COVID-19", "ab.2"):
        assert plain_option(name) == name
    for name in ("a _b_", "_a_", "a -- b", "www.a.org", "a:b:", "[a](b)", "1. <b>"):
        assert plain_option(name) != name
