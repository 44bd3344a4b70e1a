import streamlit as st

from pages.shared.access import enter
from pages.shared.layout import page_header, plain
from xraycore.access import Action


def main() -> None:
    """The study of the link, or all of them."""
    # SQLAlchemy and what draws heat take a second to import: the title is there before them.
    with st.spinner("Opening the studies …"):
        from pages.review.routing import open_repository, read_link
        from pages.review.studies import show_start
        from pages.review.study import show_study
        from xraycore.reader_study import ReaderStudyError
    try:
        repository = open_repository()
        study, reader = read_link(repository)
        if study is None:
            show_start(repository)
        else:
            show_study(repository, study, reader)
    except ReaderStudyError as error:
        st.error(f"The studies cannot be read. {plain(str(error))}", icon=":material/database_off:")
        st.button("Try again", key="again")


enter(Action.ANSWER, Action.LEAD)
purpose = (
    "Readers mark the finding on the film and judge where a network's heat lies "
    "(heatmap reading study)."
)
page_header("Review", "" if "study" in st.query_params else purpose)
main()
