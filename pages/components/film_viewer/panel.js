// One film panel. Panels of the same group share one view (zoom, pan, window, turn, tools) through
// window events, so that any number of them, anywhere on the page, shows the same place of the film
// in the same way. Nothing here asks the server; only a click on a film that can be clicked, and a
// note that is kept, do.

const ZOOM_STEP = 1.25;
const LENS = 2.5; // How much larger the magnifier shows the film than it is.

function mountPanel(panel) {
  const find = (name) => panel.querySelector(`.${name}`);
  const [stage, layers, turned, frame] = ["stage", "layers", "turned", "frame"].map(find);
  const [cursor, marks, badge, toolbar] = ["cursor", "marks", "badge", "toolbar"].map(find);
  const [notes, lens, glass] = ["notes", "lens", "glass"].map(find);
  const state = { group: "", film: "", subject: "", aspect: 1, spacing: null, click: null, drag: null, aim: null, tools: FEW };

  const view = () => viewOf(state.group);
  const share = () => window.dispatchEvent(new CustomEvent(EVENT, { detail: state.group }));
  const place = (event) => {
    const box = stage.getBoundingClientRect();
    return [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height];
  };
  // On a film that can be clicked, the tool that moves it gives way to the click.
  const toolOf = (now) => (now.tool === "move" ? state.click ?? "move" : now.tool);
  const onFilmAt = (point) => geometry(stage, state.aspect, view()).toFilm(point);

  const drawNotes = (now, { toStage }) => {
    const size = stage.getBoundingClientRect();
    const all = (now.notes ?? []).map((note, index) =>
      drawNote(note, toStage, size, state.spacing, index === now.chosen ? "chosen" : ""));
    if (now.draft) all.push(drawNote(now.draft, toStage, size, state.spacing, "draft"));
    notes.replaceChildren(...all);
  };
  // A round window around the pointer that shows the film, and its heat, larger.
  const drawLens = (now, shape) => {
    lens.hidden = !(now.magnify && now.cursor);
    if (lens.hidden) return;
    const [s, t] = now.cursor;
    const [u, v] = shape.toStage(now.cursor);
    lens.style.left = `${u * 100}%`;
    lens.style.top = `${v * 100}%`;
    const middle = lens.clientWidth / 2;
    const [wide, high] = shape.film;
    Object.assign(glass.style, {
      width: `${wide}px`,
      height: `${high}px`,
      transform: `translate(${middle}px, ${middle}px) scale(${now.zoom * LENS * shape.fit}) rotate(${90 * now.turn}deg) scaleX(${now.flip ? -1 : 1}) translate(${-s * wide}px, ${-t * high}px)`,
    });
    const [film, heat] = glass.children;
    if (film.src !== find("film").src) film.src = find("film").src;
    film.style.filter = find("film").style.filter;
    heat.hidden = find("heat").hidden || now.plain;
    if (!heat.hidden && heat.src !== find("heat").src) heat.src = find("heat").src;
    heat.style.opacity = find("heat").style.opacity;
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
    cursor.hidden = !now.cursor || now.magnify;
    if (now.cursor) {
      const [u, v] = shape.toStage(now.cursor);
      cursor.style.left = `${u * 100}%`;
      cursor.style.top = `${v * 100}%`;
    }
    drawNotes(now, shape);
    drawLens(now, shape);
    const said = turnedBy(now);
    // Not at every move of the mouse: a screen reader would say it each time.
    if (badge.textContent !== said) badge.textContent = said;
    for (const button of toolbar.querySelectorAll("[aria-pressed]")) {
      const name = button.dataset.name;
      button.setAttribute("aria-pressed", name === now.tool || now[name] === true);
    }
    state.drawn?.(now);
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
    if (name === "reset") Object.assign(now, FRESH, { draft: null });
    else if (name === "rotate") now.turn = (now.turn + 1) % 4;
    else if (name === "preset") {
      const all = [...WINDOWS, ...(now.own ? [["own range", ...now.own]] : [])];
      const at = all.findIndex(([, low, high]) => low === now.low && high === now.high);
      const [title, low, high] = all[(at + 1) % all.length];
      Object.assign(now, { low, high, preset: low || high < 1 ? title : "" });
    } else if (TOGGLES.includes(name)) now[name] = !now[name];
    else {
      now.tool = now.tool === name ? "move" : name;
      Object.assign(now, { draft: null, chosen: null });
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
    now.preset = "";
    share();
  };
  const drawMark = ([left, top, right, bottom]) => {
    const box = marks.querySelector(".new") ?? marks.appendChild(element("rect", {}));
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

  const setNotes = (all) => {
    view().notes = all;
    share();
    view().tellNotes?.(all);
  };
  const keepDraft = () => {
    const now = view();
    const note = now.draft;
    if (!note) return;
    if (note.kind === "text") return type(note.points[0]);
    now.draft = null;
    setNotes([...(now.notes ?? []), note]);
  };
  // A field where the text is to stand; Enter keeps what was typed.
  const type = (point) => {
    const field = document.createElement("input");
    const [u, v] = geometry(stage, state.aspect, view()).toStage(point);
    Object.assign(field, { className: "typing", maxLength: 80 });
    field.setAttribute("aria-label", "Text on the film");
    Object.assign(field.style, { left: `${u * 100}%`, top: `${v * 100}%` });
    const done = (keep) => {
      if (!field.isConnected) return;
      const text = field.value.trim();
      field.remove();
      view().draft = null;
      stage.focus({ preventScroll: true });
      if (keep && text) setNotes([...(view().notes ?? []), { kind: "text", points: [point], text }]);
      else share();
    };
    field.addEventListener("keydown", (event) => {
      event.stopPropagation();
      if (event.key === "Enter" || event.key === "Escape") done(event.key === "Enter");
    });
    field.addEventListener("blur", () => done(true));
    stage.append(field);
    field.focus();
  };

  toolbar.innerHTML = toolButtons(FEW);
  toolbar.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (button) act(button.dataset.name);
  });
  const parts = { stage, state, view, share, place, onFilmAt, toolOf, act, zoomAt, setWindow };
  const marking = { drawMark, dropMark, tellBox, drop, setNotes, keepDraft, type };
  listenToPointers({ ...parts, ...marking });
  listenToKeys({ ...parts, ...marking });
  Object.assign(state, { act, stage, setNotes });
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

// Shows on a panel what the server says of it; whatever the viewer holds of the film stays.
function showPanel(panel, state, data) {
  const find = (name) => panel.querySelector(`.${name}`);
  Object.assign(state, { group: data.group, aspect: data.filmAspect, spacing: data.spacing, click: data.click });
  // Again at every drawing, which adds nothing but for a panel that was away.
  window.addEventListener(EVENT, state.hear);
  find("stage").setAttribute("aria-label", data.label);
  find("stage").setAttribute("aria-description", (BY_KEYS[data.click] ?? "") + ALL_KEYS);
  const heat = find("heat");
  heat.hidden = !data.heat;
  if (data.heat && heat.getAttribute("src") !== data.heat) heat.src = data.heat;
  heat.style.opacity = data.opacity;
  find("contour").setAttribute("d", path(data.contour));
  if (state.subject !== data.subject) {
    state.aim = null;
    clearTimeout(state.waiting);
  }
  Object.assign(state, { film: data.filmId, subject: data.subject });
  if (data.film) keepFilm(data.filmId, data.film);
  // The lungs of a film are outlined on all its panels, also on one that was drawn before they were known.
  if (data.lungs) {
    viewOf(data.group).outline = { subject: data.subject, path: path(data.lungs) };
    window.dispatchEvent(new CustomEvent(EVENT, { detail: data.group }));
  }
}
