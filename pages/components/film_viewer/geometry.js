// What panels of the same group share, and where a film lies on a panel. Goes before panel.js.

const EVENT = "xraycore:view";
const MAX_ZOOM = 12;
const LEAST_WINDOW = 0.02;
const views = (window.xraycoreViews ??= {});
const FRESH = { zoom: 1, x: 0, y: 0, low: 0, high: 1, invert: false, turn: 0, flip: false, preset: "" };

// Films by id, for all panels that show them; the oldest go.
const films = (window.xraycoreFilms ??= new Map());
const MOST_FILMS = 24;
function keepFilm(id, url) {
  films.delete(id);
  films.set(id, url);
  if (films.size > MOST_FILMS) films.delete(films.keys().next().value);
  // A panel may be drawn before the one that its film comes with.
  for (const group of Object.keys(views)) window.dispatchEvent(new CustomEvent(EVENT, { detail: group }));
}

const viewOf = (group) => (views[group] ??= {
  ...FRESH, cursor: null, plain: false, lungs: false, magnify: false, tool: "move", draft: null,
});

function clamp(view) {
  view.zoom = Math.min(MAX_ZOOM, Math.max(1, view.zoom));
  view.x = Math.min(0, Math.max(1 - view.zoom, view.x));
  view.y = Math.min(0, Math.max(1 - view.zoom, view.y));
}

// Where the film lies in the stage, and the way from a place on the stage to one on the film.
function geometry(stage, aspect, view) {
  const { width, height } = stage.getBoundingClientRect();
  const film = width / height > aspect ? [height * aspect, height] : [width, width / aspect];
  const lying = view.turn % 2 === 1;
  const fit = lying ? Math.min(width / film[1], height / film[0]) : 1;
  const [cos, sin] = [[1, 0], [0, 1], [-1, 0], [0, -1]][view.turn];
  const toFilm = ([u, v]) => {
    const x = (((u - view.x) / view.zoom - 0.5) * width) / fit;
    const y = (((v - view.y) / view.zoom - 0.5) * height) / fit;
    const [a, b] = [x * cos + y * sin, y * cos - x * sin];
    return [(view.flip ? -a : a) / film[0] + 0.5, b / film[1] + 0.5];
  };
  const toStage = ([s, t]) => {
    const a = (s - 0.5) * film[0] * (view.flip ? -1 : 1);
    const b = (t - 0.5) * film[1];
    const [x, y] = [(a * cos - b * sin) * fit, (a * sin + b * cos) * fit];
    return [(x / width + 0.5) * view.zoom + view.x, (y / height + 0.5) * view.zoom + view.y];
  };
  return { film, fit, toFilm, toStage };
}

// Contrast and brightness that map [low, high] to [0, 1], as the browser's filters do it.
function windowFilter({ low, high, invert }) {
  const slope = 1 / (high - low);
  const contrast = 1 + 2 * low * slope;
  return `brightness(${slope / contrast}) contrast(${contrast})${invert ? " invert(1)" : ""}`;
}

// The box between two places, as far as it lies on the film.
const rectangle = ([s, t], [p, q]) => [Math.min(s, p), Math.min(t, q), Math.max(s, p), Math.max(t, q)]
  .map((value) => Math.min(1, Math.max(0, value)));
const inside = ([s, t]) => s >= 0 && s <= 1 && t >= 0 && t <= 1;
