"""What a visitor of a served app may do and see, by a page's address and by its callbacks."""

import pytest
from streamlit.testing.v1 import AppTest

from pages.shared import access as gate
from tests.conftest import ROOT
from xraycore.access import Access, Mode, Role, User

PAGES = ("compare", "explain", "data", "metrics", "review", "learn", "train", "about")
LOOKING = {"compare", "explain", "data", "metrics", "learn", "about"}
OPENS = {
    Role.VIEWER: LOOKING,
    Role.READER: {*LOOKING, "review"},
    Role.STUDY_LEAD: {*LOOKING, "review"},
    Role.OPERATOR: {*LOOKING, "train"},
    Role.ANYBODY: {"compare", "explain", "metrics", "learn", "about"},
    Role.INVITED: {"review"},
}


@pytest.fixture
def served(monkeypatch, tmp_path):
    """`served(role)`: the app as somebody with that role is served it."""
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("XRAYCORE_ROOTS", str(tmp_path / "offered"))
    monkeypatch.setenv("XRAYCORE_DATABASE", f"sqlite:///{tmp_path / 'reviews.sqlite3'}")
    (tmp_path / "offered" / "films").mkdir(parents=True)

    def as_(*roles: Role, name: str = "ada") -> None:
        # At the bottom, not by the names that modules have of it: those would stay patched.
        user = User(name, name.capitalize(), frozenset(roles), "sign-in")
        mode = Mode.OPEN if Role.ANYBODY in roles else Mode.OIDC
        monkeypatch.setattr(gate, "_access", Access(mode))
        monkeypatch.setattr(Access, "user", lambda *_, **__: user)

    return as_


def open_page(name: str, **link: str) -> AppTest:
    app = AppTest.from_file(str(ROOT / "pages" / name / "page.py"), default_timeout=60)
    for key, value in link.items():
        app.query_params[key] = value
    return app.run()


def said(app: AppTest) -> str:
    kinds = (app.markdown, app.caption, app.info, app.warning, app.error, app.subheader)
    return "\n".join(one.value for kind in kinds for one in kind).replace("\\", "")


@pytest.mark.parametrize("role", OPENS)
@pytest.mark.parametrize("page", ["train", "review", "data", "learn", "about"])
def test_a_page_opens_to_whom_it_is_for(served, role, page):
    served(role)
    app = open_page(page)
    assert not app.exception
    opened = "You may not" not in said(app) and "here nobody may" not in said(app)
    assert opened == (page in OPENS[role])
    if not opened:
        assert not [button for button in app.button if button.key != "sign-out"]
        assert not app.title


@pytest.mark.parametrize(
    "dataset", ["/etc/passwd", "/etc", "{offered}/../secret", "{offered}/link"]
)
@pytest.mark.parametrize("role", [Role.VIEWER, Role.OPERATOR])
@pytest.mark.parametrize("page", ["data", "train"])
def test_an_address_opens_no_other_folder(served, tmp_path, role, page, dataset):
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret" / "labels.csv").write_text("patient Ada,1\n")
    (tmp_path / "offered" / "link").symlink_to(tmp_path / "secret")
    served(role)
    app = open_page(page, dataset=dataset.replace("{offered}", str(tmp_path / "offered")))
    assert not app.exception
    text = said(app)
    assert "root:" not in text and "patient Ada" not in text
    if role is Role.OPERATOR:
        assert "may not be named here" in text


def test_a_viewer_chooses_of_a_list(served, tmp_path):
    served(Role.VIEWER)
    app = open_page("data")
    assert not [field for field in app.text_input if field.key == "dataset"]
    (field,) = (one for one in app.selectbox if one.key == "dataset")
    assert "films" in field.options


def test_a_callback_asks_again_of_whom_a_role_was_taken(served, monkeypatch):
    served(Role.OPERATOR)
    called = []
    act = gate.acts(gate.Action.TRAIN)(lambda: called.append(1))
    told = []
    monkeypatch.setattr(gate.st, "error", lambda text, **_: told.append(text))
    act()
    served(Role.VIEWER)
    act()
    assert called == [1]
    assert "for operator, and you are viewer" in told[0].replace("\\", "")


def test_a_part_that_draws_itself_again_asks_again(served):
    """Who has signed out in another tab gets the whole page anew, which asks him to sign in."""

    def script():
        import streamlit as st

        from pages.shared.access import fragment
        from xraycore.access import Action

        @fragment(Action.TRAIN, run_every=1)
        def part(word):
            st.markdown(word)

        st.session_state["runs"] = st.session_state.get("runs", 0) + 1
        if st.session_state["runs"] < 3:
            part("of operators")
        else:
            st.markdown("the gate")

    served(Role.OPERATOR)
    app = AppTest.from_function(script).run()
    assert [one.value for one in app.markdown] == ["of operators"]
    served(Role.VIEWER)
    app.run()
    assert [one.value for one in app.markdown] == ["the gate"]


@pytest.mark.parametrize(("role", "brings"), [(Role.VIEWER, False), (Role.OPERATOR, True)])
def test_only_operators_bring_data_sets_that_stay_on_the_servers_disk(served, role, brings):
    served(role)
    app = open_page("data")
    assert not app.exception
    assert bool(app.file_uploader) == brings
