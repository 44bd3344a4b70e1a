// What a mouse, a pen and fingers do on a film. Goes before viewer.js.

const NARROW = 4; // A drag of fewer screen pixels is a click.
// In milliseconds; the longest that systems take by default.
const DOUBLE_CLICK = 500;

function listenToPointers(panel) {
  const { stage, state, view, share, place, onFilmAt, toolOf } = panel;
  const onFilm = (event) => onFilmAt(place(event));
  // Where each finger, or the mouse that is held down, was last, in screen pixels.
  const held = new Map();

  // A double click shows all: its first click must not paint.
  const tellPoint = (point) => {
    clearTimeout(state.waiting);
    state.waiting = setTimeout(() => state.tell("point", point), DOUBLE_CLICK);
  };
  // What the first finger began before a second came.
  const takeBack = () => {
    if (!state.drag) return;
    const { x, y, low, high, ruler } = state.drag;
    Object.assign(view(), { x, y, low, high, ruler, cursor: null });
    state.drag = null;
    panel.dropMark();
    share();
  };
  const pinch = (event) => {
    const [[, still]] = [...held].filter(([id]) => id !== event.pointerId);
    const [before, after] = [held.get(event.pointerId), [event.clientX, event.clientY]];
    const apart = (finger) => Math.max(1, Math.hypot(finger[0] - still[0], finger[1] - still[1]));
    const middle = (finger) =>
      place({ clientX: (finger[0] + still[0]) / 2, clientY: (finger[1] + still[1]) / 2 });
    const [[u, v], [p, q]] = [middle(after), middle(before)];
    const now = view();
    now.x += u - p;
    now.y += v - q;
    panel.zoomAt(apart(after) / apart(before), [u, v]);
  };

  stage.addEventListener("wheel", (event) => {
    // Else the page scrolls, as a reader who only passes over the film means it to.
    if (!event.ctrlKey && !stage.matches(":focus")) return;
    event.preventDefault();
    panel.zoomAt(Math.exp(-event.deltaY * 0.002), place(event));
  }, { passive: false });
  stage.addEventListener("dblclick", () => {
    clearTimeout(state.waiting);
    panel.act("reset");
  });
  stage.addEventListener("contextmenu", (event) => event.preventDefault());
  stage.addEventListener("pointerdown", (event) => {
    if (state.aim) panel.drop();
    held.set(event.pointerId, [event.clientX, event.clientY]);
    stage.setPointerCapture(event.pointerId);
    if (held.size > 1) {
      takeBack();
      return;
    }
    const now = view();
    const [u, v] = place(event);
    const tool = event.shiftKey || event.button === 2 ? "window"
      : event.ctrlKey || event.button === 1 ? "move" : toolOf(now);
    state.drag = { ...now, u, v, tool, from: onFilm(event), at: [event.clientX, event.clientY] };
    if (tool === "ruler") now.ruler = [state.drag.from, state.drag.from];
  });
  stage.addEventListener("pointermove", (event) => {
    if (held.size > 1) {
      if (held.size === 2 && held.has(event.pointerId)) pinch(event);
      held.set(event.pointerId, [event.clientX, event.clientY]);
      return;
    }
    const now = view();
    const { drag } = state;
    const [u, v] = place(event);
    if (drag?.tool === "window") panel.setWindow(drag, [u - drag.u, v - drag.v]);
    else if (drag?.tool === "ruler") now.ruler = [drag.from, onFilm(event)];
    else if (drag?.tool === "box") panel.drawMark(rectangle(drag.from, onFilm(event)));
    else if (drag) {
      now.x = drag.x + u - drag.u;
      now.y = drag.y + v - drag.v;
      clamp(now);
    }
    now.cursor = onFilm(event);
    share();
  });
  stage.addEventListener("pointerup", (event) => {
    const { drag } = state;
    held.delete(event.pointerId);
    state.drag = null;
    if (!drag) return;
    const moved = Math.hypot(event.clientX - drag.at[0], event.clientY - drag.at[1]) > NARROW;
    const there = onFilm(event);
    if (drag.tool === "ruler" && !moved) { view().ruler = null; share(); }
    if (drag.tool === "point" && !moved && inside(there)) tellPoint(there);
    if (drag.tool === "box" && moved) panel.tellBox(rectangle(drag.from, there));
    else panel.dropMark();
  });
  stage.addEventListener("pointercancel", (event) => {
    held.delete(event.pointerId);
    state.drag = null;
  });
  stage.addEventListener("pointerleave", () => { view().cursor = null; share(); });
}
