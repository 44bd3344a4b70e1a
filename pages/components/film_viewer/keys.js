// What keys do on a film. Goes before panel.js.

const AIM_STEP = 0.02; // Of the panel, that an arrow key moves a box, a point or what is drawn.
const MOVE_STEP = 0.1; // Of the panel, that it moves the film.
const WINDOW_STEP = 0.05; // Of a drag across the whole panel, that it changes the window by.
// Where Enter lays what is drawn, in shares of the panel.
const LAID = { length: [[0.4, 0.5], [0.6, 0.5]], arrow: [[0.4, 0.5], [0.6, 0.5]], angle: [[0.6, 0.5], [0.4, 0.5], [0.6, 0.4]], text: [[0.5, 0.5]] };

function listenToKeys(panel) {
  const { stage, state, view, share, onFilmAt } = panel;

  // What is drawn, by keys: laid across the middle, then moved, with Shift at its end; whether the
  // key was for that.
  const drawn = ({ key, shiftKey, repeat }) => {
    const now = view();
    if (!DRAWN[now.tool]) return false;
    if (key === "Enter") {
      if (repeat) return true;
      if (!now.draft) now.draft = { kind: now.tool, points: LAID[now.tool].map(onFilmAt) };
      else if (now.keeps) panel.keepDraft();
      else now.draft = null;
    } else if (!now.draft) return false;
    else if (key === "Escape") now.draft = null;
    else if (ARROWS[key]) {
      const { toFilm, toStage } = geometry(stage, state.aspect, now);
      const moved = (end) => toFilm(toStage(end).map((at, axis) => at + AIM_STEP * ARROWS[key][axis]));
      const { points } = now.draft;
      now.draft = { ...now.draft, points: points.map((end, i) => (shiftKey && i < points.length - 1 ? end : moved(end))) };
    } else return false;
    share();
    return true;
  };
  // A note is chosen, the next by each Enter; one that is chosen is moved or taken away.
  const chosen = ({ key, shiftKey }) => {
    const now = view();
    const count = now.notes?.length ?? 0;
    if (key === "Enter" && count && !state.click) {
      now.chosen = ((now.chosen ?? (shiftKey ? count : -1)) + (shiftKey ? count - 1 : 1)) % count;
      share();
      return true;
    }
    const note = now.notes?.[now.chosen];
    if (!note) return false;
    if (key === "Delete" || key === "Backspace") {
      panel.setNotes(now.notes.filter((_, index) => index !== now.chosen));
      now.chosen = null;
    } else if (key === "Escape") now.chosen = null;
    else if (ARROWS[key]) {
      const { toFilm, toStage } = geometry(stage, state.aspect, now);
      const moved = (end) => toFilm(toStage(end).map((at, axis) => at + AIM_STEP * ARROWS[key][axis]));
      panel.setNotes(now.notes.map((one, index) => (index === now.chosen ? { ...one, points: one.points.map(moved) } : one)));
    } else return false;
    share();
    return true;
  };
  const aimedAt = () => [state.aim[0], state.aim.at(-1)].map(onFilmAt);
  // What a pointer does on a film that can be clicked, by keys; whether the key was for that. `aim`
  // holds the corners of the box, or the point, in shares of the panel.
  const aimed = ({ key, shiftKey, repeat }) => {
    if (key === "Enter" && repeat) return true;
    if (key === "Enter" && !state.aim) state.aim = state.click === "box" ? [[0.4, 0.4], [0.6, 0.6]] : [[0.5, 0.5]];
    else if (!state.aim) return false;
    else if (key === "Escape") { panel.drop(); view().cursor = null; share(); return true; }
    else if (ARROWS[key]) {
      for (const corner of shiftKey ? state.aim.slice(-1) : state.aim) {
        for (const axis of [0, 1]) corner[axis] = Math.min(1, Math.max(0, corner[axis] + AIM_STEP * ARROWS[key][axis]));
      }
    } else if (key !== "Enter") return false;
    else {
      const [first, last] = aimedAt();
      state.aim = null;
      if (state.click === "box") panel.tellBox(rectangle(first, last));
      else if (inside(first)) state.tell("point", first);
      return true;
    }
    share();
    return true;
  };
  // Wherever the film went meanwhile: what Enter sets is what is shown.
  state.drawAim = () => {
    const [first, last] = aimedAt();
    if (state.click === "box") panel.drawMark(rectangle(first, last));
    else view().cursor = first;
  };
  // Whether the key did something.
  state.onKey = (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return false;
    const now = view();
    const action = actionOf(event.key, keysOf(DEFAULT_KEYS));
    if (drawn(event) || chosen(event) || (state.click && aimed(event))) return true;
    if (event.key === " ") { now.plain = true; share(); }
    else if (state.tools.includes(action)) panel.act(action);
    else if (ARROWS[event.key] && now.tool === "window") {
      panel.setWindow(now, ARROWS[event.key].map((step) => WINDOW_STEP * step));
    } else if (ARROWS[event.key]) {
      now.x -= MOVE_STEP * ARROWS[event.key][0];
      now.y -= MOVE_STEP * ARROWS[event.key][1];
      clamp(now);
      share();
    } else return false;
    return true;
  };
  stage.addEventListener("keydown", (event) => {
    // Whoever types a text means no tool.
    if (event.target !== stage) return;
    if (!state.before?.(event) && !state.onKey(event)) return;
    event.preventDefault();
    event.stopPropagation();
  });
  state.showHeat = () => { if (view().plain) { view().plain = false; share(); } };
  stage.addEventListener("keyup", (event) => { if (event.key === " ") state.showHeat(); });
  stage.addEventListener("blur", () => { if (state.aim) panel.drop(); state.showHeat(); });
}
