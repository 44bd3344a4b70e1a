// A panel that stands alone, as the pages other than the reading room show films.

export default function ({ data, parentElement, setTriggerValue }) {
  const panel = parentElement.querySelector(".panel");
  const state = (panel.viewer ??= mountPanel(panel));
  const find = (name) => panel.querySelector(`.${name}`);
  state.tell = setTriggerValue;
  // How one film was turned, measured and zoomed says nothing of the next.
  const view = viewOf(data.group);
  if (view.subject !== data.subject) {
    if (view.subject) Object.assign(view, FRESH, { draft: null });
    view.subject = data.subject;
    window.dispatchEvent(new CustomEvent(EVENT, { detail: data.group }));
  }
  find("stage").style.aspectRatio = data.aspect;
  find("toolbar").hidden = !data.toolbar;
  const title = CLICKS[data.click] ?? NAMES.move;
  const first = find("toolbar").firstElementChild;
  if (first.title !== title) {
    Object.assign(first, { title, innerHTML: icon(CLICKS[data.click] ? data.click : "move") });
    first.setAttribute("aria-label", title);
  }
  showPanel(panel, state, data);
  find("marks").innerHTML = (data.marks ?? []).map(([left, top, right, bottom]) =>
    `<rect x="${1000 * left}" y="${1000 * top}" width="${1000 * (right - left)}" height="${1000 * (bottom - top)}"/>`).join("");
  state.draw();
}
