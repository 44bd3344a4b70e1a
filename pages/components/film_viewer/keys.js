// What keys do on a film. Goes before viewer.js.

const AIM_STEP = 0.02; // Of the panel, that an arrow key moves a box, a point or a ruler.
const MOVE_STEP = 0.1; // Of the panel, that it moves the film.
const WINDOW_STEP = 0.05; // Of a drag across the whole panel, that it changes the window by.

function listenToKeys(panel) {
  const { stage, state, view, share, onFilmAt } = panel;

  // The ruler by keys: laid across the middle, then moved, with Shift at its end; whether the key
  // was for that.
  const measured = ({ key, shiftKey, repeat }) => {
    const now = view();
    if (now.tool !== "ruler") return false;
    if (key === "Enter") {
      if (!repeat) now.ruler = now.ruler ? null : [[0.4, 0.5], [0.6, 0.5]].map(onFilmAt);
    } else if (!now.ruler) return false;
    else if (key === "Escape") now.ruler = null;
    else if (ARROWS[key]) {
      const { toFilm, toStage } = geometry(stage, state.aspect, now);
      const moved = (end) => toFilm(toStage(end).map((at, axis) => at + AIM_STEP * ARROWS[key][axis]));
      const [first, last] = now.ruler;
      now.ruler = [shiftKey ? first : moved(first), moved(last)];
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
  stage.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const now = view();
    if (measured(event) || (state.click && aimed(event))) { /* It was about what is laid or aimed. */ }
    else if (event.key === " ") { now.plain = true; share(); }
    else if (KEYS[event.key]) panel.act(KEYS[event.key]);
    else if (ARROWS[event.key] && now.tool === "window") {
      panel.setWindow(now, ARROWS[event.key].map((step) => WINDOW_STEP * step));
    } else if (ARROWS[event.key]) {
      now.x -= MOVE_STEP * ARROWS[event.key][0];
      now.y -= MOVE_STEP * ARROWS[event.key][1];
      clamp(now);
      share();
    } else return;
    event.preventDefault();
  });
  const shown = () => { view().plain = false; share(); };
  stage.addEventListener("keyup", (event) => { if (event.key === " ") shown(); });
  stage.addEventListener("blur", () => { if (state.aim) panel.drop(); shown(); });
}
