// The tools of a film panel: what each is called, drawn as and told to screen readers; and the keys
// that do the same. Goes before pointers.js.

const ICONS = {
  move: "M12 3v18M3 12h18M9 6l3-3 3 3M9 18l3 3 3-3M6 9l-3 3 3 3M18 9l3 3-3 3",
  box: "M4 6h16v12H4z",
  point: "M12 3v6M12 15v6M3 12h6M15 12h6",
  window: "M12 3a9 9 0 1 0 0 18zM12 3a9 9 0 0 1 0 18M15 8h4M15 12h6M15 16h4",
  length: "M3 16L16 3l5 5L8 21zM7 12l2 2M10 9l3 3M13 6l2 2",
  angle: "M4 19L18 5M4 19h17M13 19a9 9 0 0 0-3-6",
  arrow: "M5 19L18 6M10 5h9v9",
  text: "M5 6V4h14v2M12 4v16M9 20h6",
  magnify: "M10 4a6 6 0 1 0 0 12a6 6 0 0 0 0-12M15 15l6 6M10 7v6M7 10h6",
  preset: "M4 7h10M18 7h2M16 5v4M4 12h3M11 12h9M9 10v4M4 17h8M16 17h4M14 15v4",
  in: "M12 5v14M5 12h14",
  out: "M5 12h14",
  invert: "M12 3a9 9 0 1 0 0 18a9 9 0 0 0 0-18M12 3v18M12 7l5-2M12 12l8-3M12 17l8-4",
  flip: "M12 3v18M8 7l-5 10h5zM16 7l5 10h-5z",
  rotate: "M20 12a8 8 0 1 1-3-6.2M20 3v4h-4",
  lungs: "M10 4v6C6 9 4 14 4 19c4 1 6-1 6-4M14 4v6c4-1 6 4 6 9-4 1-6-1-6-4",
  reset: "M4 9V4h5M20 9V4h-5M4 15v5h5M20 15v5h-5",
};
const NAMES = {
  move: "Move: drag the film; the wheel zooms",
  window: "Window: drag sideways for contrast, up and down for brightness, or press arrow keys",
  length: "Ruler: drag from one point to another; or Enter lays one, arrow keys move it, with Shift its end",
  angle: "Angle: drag the first arm to the corner, then click the end of the second",
  arrow: "Arrow: drag from its tail to its head",
  text: "Text: click where it belongs, type, Enter",
  magnify: "Magnifier: shows what is under the pointer larger",
  preset: "Next window: as stored, lungs, mediastinum, this film's own range",
  in: "Zoom in",
  out: "Zoom out",
  invert: "Invert: black for white",
  flip: "Mirror",
  rotate: "Turn by a quarter",
  lungs: "Outline of the lungs",
  reset: "Show all, as it was",
};
// What each tool draws on the film: of so many points.
const DRAWN = { length: 2, angle: 3, arrow: 2, text: 1 };
const TOOLS = ["move", "window", "length", "angle", "arrow", "text"];
const TOGGLES = ["invert", "flip", "lungs", "magnify"];
// On the toolbar of a panel that stands alone; the reading room has all.
const FEW = ["move", "window", "length", "in", "out", "invert", "flip", "rotate", "lungs", "reset"];
// What stands in the place of the tool that moves.
const CLICKS = {
  box: "Box: drag on the film; Ctrl and drag moves it",
  point: "Point: click on the film; drag moves it",
};
// What screen readers tell of the keys, on every panel and on one that can be clicked.
const ALL_KEYS = "Plus and minus zoom, arrow keys move, 0 shows all as it was. After W, left and right change the contrast, up and down the brightness. After M, Enter lays a ruler, arrow keys move it, Shift and arrow keys its end. I inverts, F mirrors, R turns, L outlines the lungs; the space bar, held, hides the heat.";
const BY_KEYS = {
  box: "Enter begins a box, arrow keys move it, Shift and arrow keys size it; Enter sets it, Escape drops it. ",
  point: "Enter begins a point, arrow keys move it; Enter sets it, Escape drops it. ",
};
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

const DEFAULT_KEYS = {
  in: "+", out: "-", window: "w", length: "m", angle: "a", arrow: "d", text: "t", magnify: "z",
  preset: "p", invert: "i", flip: "f", rotate: "r", lungs: "l", reset: "0",
};
const KEYS_KEPT = "xraycore:keys";
// What this browser's user has changed of them.
function changedKeys() {
  try {
    return JSON.parse(localStorage.getItem(KEYS_KEPT)) ?? {};
  } catch {
    return {};
  }
}
const keysOf = (defaults) => {
  const changed = changedKeys();
  return Object.fromEntries(Object.entries(defaults).map(([name, key]) => [name, changed[name] ?? key]));
};
const actionOf = (key, keys) => Object.keys(keys).find((name) => keys[name] === (key === "=" ? "+" : key));

const WINDOWS = [["as stored", 0, 1], ["lungs", 0, 0.6], ["mediastinum", 0.35, 1]];

// What must be said on the film itself: a mirrored one looks like another patient.
const turnedBy = ({ flip, turn, preset }) =>
  [flip && "Mirrored", turn && `Turned ${90 * turn}°`, preset && `Window: ${preset}`].filter(Boolean).join(" · ");

function icon(name) {
  return `<svg viewBox="0 0 24 24" aria-hidden="true"><path d="${ICONS[name]}"/></svg>`;
}

function toolButtons(names) {
  const keys = keysOf(DEFAULT_KEYS);
  return names.map((name) => {
    const title = NAMES[name] + (keys[name] ? ` (${keys[name].replace("-", "−")})` : "");
    const pressed = TOOLS.includes(name) || TOGGLES.includes(name) ? `aria-pressed="false"` : "";
    return `<button type="button" data-name="${name}" title="${title}" aria-label="${title}" ${pressed}>${icon(name)}</button>`;
  }).join("");
}
