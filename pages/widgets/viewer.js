// One film panel. Panels of the same group share zoom, pan and cursor through window events, so
// that any number of them, anywhere on the page, shows the same place of the film.

const EVENT = "xraycore:view";
const MAX_ZOOM = 12;
const views = (window.xraycoreViews ??= {});

function clamp(view) {
  view.zoom = Math.min(MAX_ZOOM, Math.max(1, view.zoom));
  view.x = Math.min(0, Math.max(1 - view.zoom, view.x));
  view.y = Math.min(0, Math.max(1 - view.zoom, view.y));
  return view;
}

function mount(panel) {
  const stage = panel.querySelector(".stage");
  const layers = panel.querySelector(".layers");
  const cursor = panel.querySelector(".cursor");
  const state = { group: "", drag: null };

  const view = () => (views[state.group] ??= { zoom: 1, x: 0, y: 0, cursor: null, plain: false });
  const share = () => window.dispatchEvent(new CustomEvent(EVENT, { detail: state.group }));
  const place = (event) => {
    const box = stage.getBoundingClientRect();
    return [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height];
  };

  state.draw = () => {
    const { zoom, x, y, cursor: at, plain } = view();
    layers.style.transform = `translate(${x * 100}%, ${y * 100}%) scale(${zoom})`;
    panel.classList.toggle("plain", plain);
    stage.classList.toggle("zoomed", zoom > 1);
    cursor.hidden = !at;
    if (at) {
      cursor.style.left = `${(at[0] * zoom + x) * 100}%`;
      cursor.style.top = `${(at[1] * zoom + y) * 100}%`;
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
  const reset = () => { Object.assign(view(), { zoom: 1, x: 0, y: 0 }); share(); };
  const plain = (on) => { view().plain = on; share(); };

  stage.addEventListener("wheel", (event) => {
    event.preventDefault();
    zoomAt(Math.exp(-event.deltaY * 0.002), place(event));
  }, { passive: false });
  stage.addEventListener("dblclick", reset);
  stage.addEventListener("pointerdown", (event) => {
    const [u, v] = place(event);
    state.drag = { u, v, x: view().x, y: view().y };
    stage.setPointerCapture(event.pointerId);
  });
  stage.addEventListener("pointermove", (event) => {
    const [u, v] = place(event);
    const now = view();
    if (state.drag) {
      now.x = state.drag.x + u - state.drag.u;
      now.y = state.drag.y + v - state.drag.v;
      clamp(now);
    }
    now.cursor = [(u - now.x) / now.zoom, (v - now.y) / now.zoom];
    share();
  });
  for (const end of ["pointerup", "pointercancel"]) {
    stage.addEventListener(end, () => { state.drag = null; });
  }
  stage.addEventListener("pointerleave", () => { view().cursor = null; share(); });
  stage.addEventListener("keydown", (event) => {
    const step = 0.1;
    const now = view();
    const moves = { ArrowLeft: [step, 0], ArrowRight: [-step, 0], ArrowUp: [0, step], ArrowDown: [0, -step] };
    if (event.key === " ") plain(true);
    else if (event.key === "+" || event.key === "=") zoomAt(1.25, [0.5, 0.5]);
    else if (event.key === "-") zoomAt(0.8, [0.5, 0.5]);
    else if (event.key === "0") reset();
    else if (moves[event.key]) {
      now.x += moves[event.key][0];
      now.y += moves[event.key][1];
      clamp(now);
      share();
    } else return;
    event.preventDefault();
  });
  stage.addEventListener("keyup", (event) => { if (event.key === " ") plain(false); });
  stage.addEventListener("blur", () => plain(false));
  state.listener = (event) => { if (event.detail === state.group) state.draw(); };
  window.addEventListener(EVENT, state.listener);
  return state;
}

export default function ({ data, parentElement }) {
  const panel = parentElement.querySelector(".panel");
  const state = (panel.viewer ??= mount(panel));
  state.group = data.group;
  const stage = panel.querySelector(".stage");
  stage.style.aspectRatio = data.aspect;
  stage.setAttribute("aria-label", data.label);
  const film = panel.querySelector(".film");
  const heat = panel.querySelector(".heat");
  if (film.getAttribute("src") !== data.film) film.src = data.film;
  film.alt = data.label;
  heat.hidden = !data.heat;
  if (data.heat && heat.getAttribute("src") !== data.heat) heat.src = data.heat;
  heat.style.opacity = data.opacity;
  state.draw();
}
