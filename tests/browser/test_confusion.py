"""The confusion matrix in a real Chromium: no app, only what the page is given."""

import pytest

from tests.conftest import ROOT

pytestmark = pytest.mark.browser

# As Streamlit does: in a shadow root, and drawn again after each answer.
DRAW = """async ([source, selected]) => {
  const url = URL.createObjectURL(new Blob([source], { type: "text/javascript" }));
  const host = document.querySelector("div");
  const root = host.shadowRoot ?? host.attachShadow({ mode: "open" });
  if (!root.firstChild) root.innerHTML = "<section><table></table></section>";
  const data = { classes: ["Normal", "Ill"], counts: [[5, 2], [1, 9]], label: "m", selected };
  const parentElement = root.querySelector("section");
  (await import(url)).default({ data, parentElement, setTriggerValue: () => {} });
}"""
FOCUSED = "() => document.querySelector('div').shadowRoot.activeElement?.ariaLabel"


def test_the_focus_stays_on_the_cell_that_was_opened(chromium):
    source = (ROOT / "pages/components/confusion_matrix/confusion_matrix.js").read_text()
    page = chromium.new_page()
    page.set_content("<div></div>")
    page.evaluate(DRAW, [source, None])
    assert page.evaluate(FOCUSED) is None
    page.get_by_role("button", name="Ill called Normal").focus()
    page.keyboard.press("Enter")
    page.evaluate(DRAW, [source, [1, 0]])
    assert page.evaluate(FOCUSED) == "Ill called Normal: 1 films"
    page.close()
