// What a mouse, a pen and fingers do on a film. Goes before panel.js.

const NARROW = 4; // A drag of fewer screen pixels is a click.
const FINGER = 20; // As `NEAR`, of a finger.
// In milliseconds; the longest that systems take by default.
const DOUBLE_CLICK = 500;
// A finger that goes so many screen pixels to the side, in fewer milliseconds, turns to another film.
const SWIPE = 60;
const SWIFT = 700;

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
    const { x, y, low, high, draft, notes } = state.drag;
    Object.assign(view(), { x, y, low, high, draft, notes, cursor: null });
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
  // Of a note that is dragged: all of its points, or one.
  const dragNote = ({ note: [index, corner], from, notes }, to) => {
    const [across, down] = [to[0] - from[0], to[1] - from[1]];
    view().notes = notes.map((one, i) => (i !== index ? one : {
      ...one,
      points: one.points.map((end, j) => (corner < 0 || j === corner ? [end[0] + across, end[1] + down] : end)),
    }));
  };

  stage.addEventListener("wheel", (event) => {
    // Else the page scrolls, as a reader who only passes over the film means it to.
    if (!event.ctrlKey && !state.wheel && !stage.matches(":focus")) return;
    event.preventDefault();
    panel.zoomAt(Math.exp(-event.deltaY * 0.002), place(event));
  }, { passive: false });
  stage.addEventListener("dblclick", (event) => {
    if (event.target.tagName === "INPUT" || DRAWN[view().tool]) return;
    clearTimeout(state.waiting);
    panel.act("reset");
  });
  stage.addEventListener("contextmenu", (event) => event.preventDefault());
  stage.addEventListener("pointerdown", (event) => {
    // Whoever types a text there means no tool.
    if (event.target.tagName === "INPUT") return;
    if (state.aim) panel.drop();
    held.set(event.pointerId, [event.clientX, event.clientY]);
    stage.setPointerCapture(event.pointerId);
    if (held.size > 1) {
      takeBack();
      return;
    }
    const now = view();
    const [u, v] = place(event);
    let tool = event.shiftKey || event.button === 2 ? "window"
      : event.ctrlKey || event.button === 1 ? "move" : toolOf(now);
    const from = onFilm(event);
    state.drag = { ...now, u, v, from, at: [event.clientX, event.clientY], since: event.timeStamp };
    if (tool === "move" && now.notes?.length) {
      const { toStage } = geometry(stage, state.aspect, now);
      const near = event.pointerType === "touch" ? FINGER : NEAR;
      const note = noteAt(now.notes, toStage, stage.getBoundingClientRect(), [u, v], near);
      now.chosen = note?.[0] ?? null;
      if (note) {
        tool = "note";
        state.drag.note = note;
      }
    }
    // The second arm of an angle, after the first.
    if (tool === "angle" && now.draft?.points.length === 3) {
      tool = "arm";
      now.draft = { ...now.draft, points: [...now.draft.points.slice(0, 2), from] };
    }
    else if (DRAWN[tool] > 1) now.draft = { kind: tool, points: [from, from] };
    state.drag.tool = tool;
    share();
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
    const there = onFilm(event);
    if (drag?.tool === "window") panel.setWindow(drag, [u - drag.u, v - drag.v]);
    else if (drag?.tool === "note") dragNote(drag, there);
    else if (drag?.tool === "box") panel.drawMark(rectangle(drag.from, there));
    else if (drag && DRAWN[drag.tool] > 1) now.draft = { kind: drag.tool, points: [drag.from, there] };
    else if (now.draft?.kind === "angle" && now.draft.points.length === 3 && (drag || event.pointerType === "mouse")) {
      now.draft = { ...now.draft, points: [...now.draft.points.slice(0, 2), there] };
    } else if (drag && !DRAWN[drag.tool]) {
      now.x = drag.x + u - drag.u;
      now.y = drag.y + v - drag.v;
      clamp(now);
    }
    now.cursor = there;
    share();
  });
  stage.addEventListener("pointerup", (event) => {
    const { drag } = state;
    held.delete(event.pointerId);
    state.drag = null;
    if (!drag) return;
    const now = view();
    const [across, down] = [event.clientX - drag.at[0], event.clientY - drag.at[1]];
    const moved = Math.hypot(across, down) > NARROW;
    const there = onFilm(event);
    // A film that is zoomed is moved by it.
    const swift = event.pointerType === "touch" && event.timeStamp - drag.since < SWIFT;
    if (swift && drag.tool === "move" && now.zoom === 1 && Math.abs(across) > SWIPE && Math.abs(across) > 2 * Math.abs(down)) {
      state.swiped?.(across < 0 ? 1 : -1);
    }
    if (drag.tool === "note") {
      if (moved) panel.setNotes(now.notes);
    } else if (drag.tool === "arm") panel.keepDraft();
    else if (drag.tool === "text") panel.type(there);
    else if (DRAWN[drag.tool]) {
      if (!moved) now.draft = null;
      else if (drag.tool === "angle") now.draft = { kind: "angle", points: [drag.from, there, there] };
      else if (now.keeps) panel.keepDraft();
      share();
    } else if (drag.tool === "move" && !moved && event.button === 0) state.clicked?.();
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
