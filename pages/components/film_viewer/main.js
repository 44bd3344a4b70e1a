// One film panel. Panels of the same group share one view (zoom, pan, window, turn, tools) through
// window events, so that any number of them, anywhere on the page, shows the same place of the film
// in the same way. Nothing here asks the server; only a click on a film that can be clicked does.

const ZOOM_STEP = 1.25;

function mount(panel) {
  const find = (name) => panel.querySelector(`.${name}`);
  const [stage, layers, turned, frame] = ["stage", "layers", "turned", "frame"].map(find);
  const [cursor, ruler, length, marks] = ["cursor", "ruler", "length", "marks"].map(find);
  const [badge, toolbar] = ["badge", "toolbar"].map(find);
  const state = { group: "", film: "", subject: "", aspect: 1, spacing: null, click: null, drag: null, aim: null };

  const view = () => viewOf(state.group);
  const share = () => window.dispatchEvent(new CustomEvent(EVENT, { detail: state.group }));
  const place = (event) => {
    const box = stage.getBoundingClientRect();
    return [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height];
  };
  // On a film that can be clicked, the tool that moves it gives way to the click.
  const toolOf = (now) => (now.tool === "move" ? state.click ?? "move" : now.tool);
  const onFilmAt = (point) => geometry(stage, state.aspect, view()).toFilm(point);

  const drawRuler = (now, { toStage }) => {
    ruler.toggleAttribute("hidden", !now.ruler);
    length.hidden = !now.ruler;
    if (!now.ruler) return;
    const [[s, t], [p, q]] = now.ruler;
    const line = ruler.firstElementChild;
    for (const [name, value] of [["x1", s], ["y1", t], ["x2", p], ["y2", q]]) line.setAttribute(name, 1000 * value);
    const [wide, high, unit, where] = state.spacing;
    const far = Math.hypot((p - s) * wide, (q - t) * high);
    length.textContent = (unit === "mm" && far >= 10 ? `${(far / 10).toFixed(1)} cm` : `${far.toFixed(0)} ${unit}`) + where;
    const [u, v] = toStage([p, q]);
    length.style.left = `${u * 100}%`;
    length.style.top = `${v * 100}%`;
  };

  state.draw = () => {
    const now = view();
    const shape = geometry(stage, state.aspect, now);
    frame.style.width = `${shape.film[0]}px`;
    frame.style.height = `${shape.film[1]}px`;
    layers.style.transform = `translate(${now.x * 100}%, ${now.y * 100}%) scale(${now.zoom})`;
    turned.style.transform = `scale(${shape.fit}) rotate(${90 * now.turn}deg) scaleX(${now.flip ? -1 : 1})`;
    const film = find("film");
    film.style.filter = windowFilter(now);
    if (film.dataset.id !== state.film && films.has(state.film)) {
      film.dataset.id = state.film;
      film.src = films.get(state.film);
    }
    panel.classList.toggle("plain", now.plain);
    panel.classList.toggle("lungs", now.lungs);
    find("outline").setAttribute("d", now.outline?.subject === state.subject ? now.outline.path : "");
    stage.dataset.tool = toolOf(now);
    stage.classList.toggle("zoomed", now.zoom > 1);
    if (state.aim) state.drawAim();
    cursor.hidden = !now.cursor;
    if (now.cursor) {
      const [u, v] = shape.toStage(now.cursor);
      cursor.style.left = `${u * 100}%`;
      cursor.style.top = `${v * 100}%`;
    }
    drawRuler(now, shape);
    const said = turnedBy(now);
    // Not at every move of the mouse: a screen reader would say it each time.
    if (badge.textContent !== said) badge.textContent = said;
    for (const button of toolbar.querySelectorAll("[aria-pressed]")) {
      const name = button.dataset.name;
      button.setAttribute("aria-pressed", name === now.tool || now[name] === true);
    }
  };

  const zoomAt = (factor, [u, v]) => {
    const now = view();
    const before = now.zoom;
    now.zoom = Math.min(MAX_ZOOM, Math.max(1, before * factor));
    now.x = u - ((u - now.x) * now.zoom) / before;
    now.y = v - ((v - now.y) * now.zoom) / before;
    clamp(now);
    share();
  };
  const act = (name) => {
    const now = view();
    if (name === "in") return zoomAt(ZOOM_STEP, [0.5, 0.5]);
    if (name === "out") return zoomAt(1 / ZOOM_STEP, [0.5, 0.5]);
    if (name === "reset") Object.assign(now, FRESH, { ruler: null });
    else if (name === "rotate") now.turn = (now.turn + 1) % 4;
    else if (TOGGLES.includes(name)) now[name] = !now[name];
    else {
      now.tool = now.tool === name ? "move" : name;
      if (name !== "ruler") now.ruler = null;
      if (state.aim) drop();
    }
    share();
  };
  // By how far was dragged, in shares of the panel: sideways for contrast, down for darker.
  const setWindow = (start, [across, down]) => {
    const now = view();
    const wide = Math.max(LEAST_WINDOW, (start.high - start.low) * Math.exp(-2 * across));
    const middle = Math.min(1, Math.max(0, (start.low + start.high) / 2 + down));
    now.low = Math.max(0, middle - wide / 2);
    now.high = Math.min(1, Math.max(now.low + LEAST_WINDOW, middle + wide / 2));
    now.low = Math.min(now.low, now.high - LEAST_WINDOW);
    share();
  };
  const drawMark = ([left, top, right, bottom]) => {
    const box = marks.querySelector(".new") ?? marks.appendChild(
      document.createElementNS("http://www.w3.org/2000/svg", "rect"));
    box.classList.add("new");
    const sides = { x: left, y: top, width: right - left, height: bottom - top };
    for (const [name, value] of Object.entries(sides)) box.setAttribute(name, 1000 * value);
  };
  const dropMark = () => marks.querySelector(".new")?.remove();
  // The mark stays until the page answers with all boxes, which it does not if it refuses this one.
  const tellBox = (box) => {
    const mark = marks.querySelector(".new");
    mark?.classList.replace("new", "told");
    setTimeout(() => mark?.remove(), 2000);
    state.tell("box", box);
  };
  const drop = () => { state.aim = null; dropMark(); };

  toolbar.innerHTML = [...TOOLS, ...ACTIONS].map(([name, title, path]) => {
    const pressed = TOGGLES.includes(name) || TOOLS.some(([tool]) => tool === name) ? `aria-pressed="false"` : "";
    return `<button type="button" data-name="${name}" title="${title}" aria-label="${title}" ${pressed}>${icon(path)}</button>`;
  }).join("");
  toolbar.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (button) act(button.dataset.name);
  });
  const parts = { stage, state, view, share, place, onFilmAt, toolOf, act, zoomAt, setWindow };
  const marking = { drawMark, dropMark, tellBox, drop };
  listenToPointers({ ...parts, ...marking });
  listenToKeys({ ...parts, ...marking });
  // Of all the panels that a film is mirrored on, the one in use says so.
  panel.addEventListener("focusin", () => badge.setAttribute("aria-live", "polite"));
  panel.addEventListener("focusout", () => badge.setAttribute("aria-live", "off"));
  const hear = (event) => {
    // A panel that was taken off the page would be kept, its film with it, by what it listens to.
    if (!panel.isConnected) window.removeEventListener(EVENT, hear);
    else if (event.detail === state.group) state.draw();
  };
  state.hear = hear;
  new ResizeObserver(() => state.draw()).observe(stage);
  return state;
}

// Lines in shares of the film, as one path on the grid of 1000 x 1000.
function path(lines) {
  return (lines ?? []).map((line) =>
    `M${line.map(([s, t]) => `${(1000 * s).toFixed(1)} ${(1000 * t).toFixed(1)}`).join("L")}Z`).join("");
}

export default function ({ data, parentElement, setTriggerValue }) {
  const panel = parentElement.querySelector(".panel");
  const state = (panel.viewer ??= mount(panel));
  const find = (name) => panel.querySelector(`.${name}`);
  Object.assign(state, { group: data.group, aspect: data.filmAspect, spacing: data.spacing, click: data.click });
  state.tell = setTriggerValue;
  // Again at every drawing, which adds nothing but for a panel that was away.
  window.addEventListener(EVENT, state.hear);
  // How one film was turned, measured and zoomed says nothing of the next.
  const view = viewOf(data.group);
  if (view.subject !== data.subject) {
    if (view.subject) Object.assign(view, FRESH, { ruler: null });
    view.subject = data.subject;
    window.dispatchEvent(new CustomEvent(EVENT, { detail: data.group }));
  }
  find("stage").style.aspectRatio = data.aspect;
  find("stage").setAttribute("aria-label", data.label);
  find("stage").setAttribute("aria-description", (BY_KEYS[data.click] ?? "") + ALL_KEYS);
  find("toolbar").hidden = !data.toolbar;
  const [, title, shape] = CLICKS[data.click] ?? TOOLS[0];
  const first = find("toolbar").firstElementChild;
  if (first.title !== title) {
    Object.assign(first, { title, innerHTML: icon(shape) });
    first.setAttribute("aria-label", title);
  }
  const heat = find("heat");
  heat.hidden = !data.heat;
  if (data.heat && heat.getAttribute("src") !== data.heat) heat.src = data.heat;
  heat.style.opacity = data.opacity;
  find("contour").setAttribute("d", path(data.contour));
  // The lungs of a film are outlined on all its panels, also on one that was drawn before they were known.
  if (state.subject !== data.subject) {
    state.aim = null;
    clearTimeout(state.waiting);
  }
  Object.assign(state, { film: data.filmId, subject: data.subject });
  if (data.film) keepFilm(data.filmId, data.film);
  if (data.lungs) {
    view.outline = { subject: data.subject, path: path(data.lungs) };
    window.dispatchEvent(new CustomEvent(EVENT, { detail: data.group }));
  }
  find("marks").innerHTML = (data.marks ?? []).map(([left, top, right, bottom]) =>
    `<rect x="${1000 * left}" y="${1000 * top}" width="${1000 * (right - left)}" height="${1000 * (bottom - top)}"/>`).join("");
  state.draw();
}
