// The tools of a film panel: what each is called, drawn as and told to screen readers. Goes before
// viewer.js.

const TOOLS = [
  ["move", "Move: drag the film; once it was clicked the wheel zooms, as Ctrl and the wheel or two fingers always do", "M12 3v18M3 12h18M9 6l3-3 3 3M9 18l3 3 3-3M6 9l-3 3 3 3M18 9l3 3-3 3"],
  ["window", "Window (w): drag sideways for contrast, up and down for brightness, or press arrow keys; or drag with Shift", "M12 3a9 9 0 1 0 0 18zM12 3a9 9 0 0 1 0 18M15 8h4M15 12h6M15 16h4"],
  ["ruler", "Ruler (m): drag from one point to another; or Enter lays one, arrow keys move it, with Shift its end", "M3 16L16 3l5 5L8 21zM7 12l2 2M10 9l3 3M13 6l2 2"],
];
const ACTIONS = [
  ["in", "Zoom in (+)", "M12 5v14M5 12h14"],
  ["out", "Zoom out (−)", "M5 12h14"],
  ["invert", "Invert (i): black for white", "M12 3a9 9 0 1 0 0 18a9 9 0 0 0 0-18M12 3v18M12 7l5-2M12 12l8-3M12 17l8-4"],
  ["flip", "Mirror (f)", "M12 3v18M8 7l-5 10h5zM16 7l5 10h-5z"],
  ["rotate", "Turn by a quarter (r)", "M20 12a8 8 0 1 1-3-6.2M20 3v4h-4"],
  ["lungs", "Outline of the lungs (l)", "M10 4v6C6 9 4 14 4 19c4 1 6-1 6-4M14 4v6c4-1 6 4 6 9-4 1-6-1-6-4"],
  ["reset", "Show all, as it was (0)", "M4 9V4h5M20 9V4h-5M4 15v5h5M20 15v5h-5"],
];
const TOGGLES = ["invert", "flip", "lungs"];
// What stands in the place of the tool that moves.
const CLICKS = {
  box: ["move", "Box: drag on the film; Ctrl and drag moves it", "M4 6h16v12H4z"],
  point: ["move", "Point: click on the film; drag moves it", "M12 3v6M12 15v6M3 12h6M15 12h6"],
};
// What screen readers tell of the keys, on every panel and on one that can be clicked.
const ALL_KEYS = "Plus and minus zoom, arrow keys move, 0 shows all as it was. After W, left and right change the contrast, up and down the brightness. After M, Enter lays a ruler, arrow keys move it, Shift and arrow keys its end. I inverts, F mirrors, R turns, L outlines the lungs; the space bar, held, hides the heat.";
const BY_KEYS = {
  box: "Enter begins a box, arrow keys move it, Shift and arrow keys size it; Enter sets it, Escape drops it. ",
  point: "Enter begins a point, arrow keys move it; Enter sets it, Escape drops it. ",
};
const KEYS = { "+": "in", "=": "in", "-": "out", w: "window", m: "ruler", i: "invert", f: "flip", r: "rotate", l: "lungs", 0: "reset" };
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

// What must be said on the film itself: a mirrored one looks like another patient.
const turnedBy = ({ flip, turn }) =>
  [flip && "Mirrored", turn && `Turned ${90 * turn}°`].filter(Boolean).join(" · ");

function icon(path) {
  return `<svg viewBox="0 0 24 24" aria-hidden="true"><path d="${path}"/></svg>`;
}
