// One film panel. Panels of the same group share one view (zoom, pan, window, turn, tools) through
// window events, so that any number of them, anywhere on the page, shows the same place of the film
// in the same way. Nothing here asks the server; only a click on a film that can be clicked does.

const NARROW = 4; // A drag of fewer screen pixels is a click.
const AIM_STEP = 0.02; // Of the panel, that an arrow key moves a box or a point.

const TOOLS = [
  ["move", "Move: drag the film; the wheel zooms", "M12 3v18M3 12h18M9 6l3-3 3 3M9 18l3 3 3-3M6 9l-3 3 3 3M18 9l3 3-3 3"],
  ["window", "Window (w): drag sideways for contrast, up and down for brightness; or drag with Shift", "M12 3a9 9 0 1 0 0 18zM12 3a9 9 0 0 1 0 18M15 8h4M15 12h6M15 16h4"],
  ["ruler", "Ruler (m): drag from one point to another", "M3 16L16 3l5 5L8 21zM7 12l2 2M10 9l3 3M13 6l2 2"],
];
const ACTIONS = [
  ["invert", "Invert (i): black for white", "M12 3a9 9 0 1 0 0 18a9 9 0 0 0 0-18M12 3v18M12 7l5-2M12 12l8-3M12 17l8-4"],
  ["flip", "Mirror (f)", "M12 3v18M8 7l-5 10h5zM16 7l5 10h-5z"],
  ["rotate", "Turn by a quarter (r)", "M20 12a8 8 0 1 1-3-6.2M20 3v4h-4"],
  ["lungs", "Outline of the lungs (l)", "M10 4v6C6 9 4 14 4 19c4 1 6-1 6-4M14 4v6c4-1 6 4 6 9-4 1-6-1-6-4"],
  ["reset", "Show all, as it was (0)", "M4 9V4h5M20 9V4h-5M4 15v5h5M20 15v5h-5"],
];
// What stands in the place of the tool that moves.
const CLICKS = {
  box: ["move", "Box: drag on the film; Ctrl and drag moves it", "M4 6h16v12H4z"],
  point: ["move", "Point: click on the film; drag moves it", "M12 3v6M12 15v6M3 12h6M15 12h6"],
};
const BY_KEYS = {
  box: "Enter begins a box, arrow keys move it, Shift and arrow keys size it; Enter sets it, Escape drops it",
  point: "Enter begins a point, arrow keys move it; Enter sets it, Escape drops it",
};
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const KEYS = { i: "invert", f: "flip", r: "rotate", l: "lungs", 0: "reset" };

// What must be said on the film itself: a mirrored one looks like another patient.
const turnedBy = ({ flip, turn }) =>
  [flip && "Mirrored", turn && `Turned ${90 * turn}°`].filter(Boolean).join(" · ");

function icon(path) {
  return `<svg viewBox="0 0 24 24" aria-hidden="true"><path d="${path}"/></svg>`;
}

function mount(panel) {
  const find = (name) => panel.querySelector(`.${name}`);
  const [stage, layers, turned, frame] = ["stage", "layers", "turned", "frame"].map(find);
  const [cursor, ruler, length, marks, toolbar] = ["cursor", "ruler", "length", "marks", "toolbar"].map(find);
  const badge = find("badge");
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
  const onFilm = (event) => onFilmAt(place(event));

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
    if (state.aim) drawAim();
    cursor.hidden = !now.cursor;
    if (now.cursor) {
      const [u, v] = shape.toStage(now.cursor);
      cursor.style.left = `${u * 100}%`;
      cursor.style.top = `${v * 100}%`;
    }
    drawRuler(now, shape);
    badge.textContent = turnedBy(now);
    badge.hidden = !badge.textContent;
    for (const button of toolbar.querySelectorAll("button")) {
      const name = button.dataset.name;
      button.setAttribute("aria-pressed", name === now.tool || (name !== "reset" && now[name] === true));
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
    if (name === "reset") Object.assign(now, FRESH, { ruler: null });
    else if (name === "rotate") now.turn = (now.turn + 1) % 4;
    else if (["invert", "flip", "lungs"].includes(name)) now[name] = !now[name];
    else {
      now.tool = now.tool === name ? "move" : name;
      if (name !== "ruler") now.ruler = null;
    }
    share();
  };
  const setWindow = (start, [u, v]) => {
    const now = view();
    const wide = Math.max(LEAST_WINDOW, (start.high - start.low) * Math.exp(-2 * (u - start.u)));
    const middle = Math.min(1, Math.max(0, (start.low + start.high) / 2 + (v - start.v)));
    now.low = Math.max(0, middle - wide / 2);
    now.high = Math.min(1, Math.max(now.low + LEAST_WINDOW, middle + wide / 2));
    now.low = Math.min(now.low, now.high - LEAST_WINDOW);
    share();
  };

  toolbar.innerHTML = [...TOOLS, ...ACTIONS].map(([name, title, path]) =>
    `<button type="button" data-name="${name}" title="${title}" aria-label="${title}">${icon(path)}</button>`).join("");
  toolbar.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (button) act(button.dataset.name);
  });
  stage.addEventListener("wheel", (event) => {
    event.preventDefault();
    zoomAt(Math.exp(-event.deltaY * 0.002), place(event));
  }, { passive: false });
  stage.addEventListener("dblclick", () => act("reset"));
  stage.addEventListener("contextmenu", (event) => event.preventDefault());
  stage.addEventListener("pointerdown", (event) => {
    if (state.aim) drop();
    const now = view();
    const [u, v] = place(event);
    const tool = event.shiftKey || event.button === 2 ? "window"
      : event.ctrlKey || event.button === 1 ? "move" : toolOf(now);
    state.drag = { ...now, u, v, tool, from: onFilm(event), at: [event.clientX, event.clientY] };
    if (tool === "ruler") now.ruler = [state.drag.from, state.drag.from];
    stage.setPointerCapture(event.pointerId);
  });
  stage.addEventListener("pointermove", (event) => {
    const now = view();
    const { drag } = state;
    const [u, v] = place(event);
    if (drag?.tool === "window") setWindow(drag, [u, v]);
    else if (drag?.tool === "ruler") now.ruler = [drag.from, onFilm(event)];
    else if (drag?.tool === "box") drawMark(rectangle(drag.from, onFilm(event)));
    else if (drag) {
      now.x = drag.x + u - drag.u;
      now.y = drag.y + v - drag.v;
      clamp(now);
    }
    now.cursor = onFilm(event);
    share();
  });
  const rectangle = ([s, t], [p, q]) => [Math.min(s, p), Math.min(t, q), Math.max(s, p), Math.max(t, q)]
    .map((value) => Math.min(1, Math.max(0, value)));
  const drawMark = ([left, top, right, bottom]) => {
    const box = marks.querySelector(".new") ?? marks.appendChild(
      document.createElementNS("http://www.w3.org/2000/svg", "rect"));
    box.classList.add("new");
    const sides = { x: left, y: top, width: right - left, height: bottom - top };
    for (const [name, value] of Object.entries(sides)) box.setAttribute(name, 1000 * value);
  };
  const inside = ([s, t]) => s >= 0 && s <= 1 && t >= 0 && t <= 1;
  const aimedAt = () => [state.aim[0], state.aim.at(-1)].map(onFilmAt);
  // The mark stays until the page answers with all boxes, which it does not if it refuses this one.
  const tellBox = (box) => {
    const mark = marks.querySelector(".new");
    mark?.classList.replace("new", "told");
    setTimeout(() => mark?.remove(), 2000);
    state.tell("box", box);
  };
  const drop = () => { state.aim = null; marks.querySelector(".new")?.remove(); };
  // What a pointer does on a film that can be clicked, by keys; whether the key was for that. `aim`
  // holds the corners of the box, or the point, in shares of the panel.
  const aimed = ({ key, shiftKey, repeat }) => {
    if (key === "Enter" && repeat) return true;
    if (key === "Enter" && !state.aim) state.aim = state.click === "box" ? [[0.4, 0.4], [0.6, 0.6]] : [[0.5, 0.5]];
    else if (!state.aim) return false;
    else if (key === "Escape") { drop(); view().cursor = null; share(); return true; }
    else if (ARROWS[key]) {
      for (const corner of shiftKey ? state.aim.slice(-1) : state.aim) {
        for (const axis of [0, 1]) corner[axis] = Math.min(1, Math.max(0, corner[axis] + AIM_STEP * ARROWS[key][axis]));
      }
    } else if (key !== "Enter") return false;
    else {
      const [first, last] = aimedAt();
      state.aim = null;
      if (state.click === "box") tellBox(rectangle(first, last));
      else if (inside(first)) state.tell("point", first);
      return true;
    }
    share();
    return true;
  };
  // Wherever the film went meanwhile: what Enter sets is what is shown.
  const drawAim = () => {
    const [first, last] = aimedAt();
    if (state.click === "box") drawMark(rectangle(first, last));
    else view().cursor = first;
  };
  stage.addEventListener("pointerup", (event) => {
    const { drag } = state;
    state.drag = null;
    if (!drag) return;
    const moved = Math.hypot(event.clientX - drag.at[0], event.clientY - drag.at[1]) > NARROW;
    const there = onFilm(event);
    if (drag.tool === "ruler" && !moved) { view().ruler = null; share(); }
    if (drag.tool === "point" && !moved && inside(there)) state.tell("point", there);
    if (drag.tool === "box" && moved) tellBox(rectangle(drag.from, there));
    else marks.querySelector(".new")?.remove();
  });
  stage.addEventListener("pointercancel", () => { state.drag = null; });
  stage.addEventListener("pointerleave", () => { view().cursor = null; share(); });
  stage.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const now = view();
    if (state.click && aimed(event)) { /* It was about the box or the point. */ }
    else if (event.key === " ") { now.plain = true; share(); }
    else if (event.key === "+" || event.key === "=") zoomAt(1.25, [0.5, 0.5]);
    else if (event.key === "-") zoomAt(0.8, [0.5, 0.5]);
    else if (event.key === "w") act("window");
    else if (event.key === "m") act("ruler");
    else if (KEYS[event.key]) act(KEYS[event.key]);
    else if (ARROWS[event.key]) {
      now.x -= 0.1 * ARROWS[event.key][0];
      now.y -= 0.1 * ARROWS[event.key][1];
      clamp(now);
      share();
    } else return;
    event.preventDefault();
  });
  const shown = () => { view().plain = false; share(); };
  stage.addEventListener("keyup", (event) => { if (event.key === " ") shown(); });
  stage.addEventListener("blur", () => { if (state.aim) drop(); shown(); });
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
  find("stage").setAttribute("aria-description", BY_KEYS[data.click] ?? "");
  find("toolbar").hidden = !data.toolbar;
  const [, title, shape] = CLICKS[data.click] ?? TOOLS[0];
  const first = find("toolbar").firstElementChild;
  if (first.title !== title) {
    Object.assign(first, { title, innerHTML: icon(shape) });
    first.setAttribute("aria-label", title);
  }
  const heat = find("heat");
  find("film").alt = data.label;
  heat.hidden = !data.heat;
  if (data.heat && heat.getAttribute("src") !== data.heat) heat.src = data.heat;
  heat.style.opacity = data.opacity;
  find("contour").setAttribute("d", path(data.contour));
  // The lungs of a film are outlined on all its panels, also on one that was drawn before they were known.
  if (state.subject !== data.subject) state.aim = null;
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
