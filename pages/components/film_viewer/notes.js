// What is drawn on a film: lengths, angles, arrows and texts, in shares of its width and height, so
// that they stay where they are however it is zoomed and turned. Goes before pointers.js.

const SVG = "http://www.w3.org/2000/svg";
const NEAR = 9; // Screen pixels from a note within which it is meant.

function lengthOf([[s, t], [p, q]], [wide, high, unit, where]) {
  const far = Math.hypot((p - s) * wide, (q - t) * high);
  return (unit === "mm" && far >= 10 ? `${(far / 10).toFixed(1)} cm` : `${far.toFixed(0)} ${unit}`) + where;
}

function angleOf([a, corner, b], [wide, high]) {
  const arm = ([s, t]) => Math.atan2((t - corner[1]) * high, (s - corner[0]) * wide);
  const turn = Math.abs(arm(a) - arm(b)) % (2 * Math.PI);
  return `${((Math.min(turn, 2 * Math.PI - turn) * 180) / Math.PI).toFixed(0)}°`;
}

function labelOf({ kind, points, text }, spacing) {
  if (kind === "length") return lengthOf(points, spacing);
  if (kind === "angle") return points.length === 3 ? angleOf(points, spacing) : "";
  return text ?? "";
}

function element(name, attributes, text = "") {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  if (text) made.textContent = text;
  return made;
}

// One note as SVG, on a stage of that size.
function drawNote(note, toStage, { width, height }, spacing, kind) {
  const group = element("g", { class: `note ${kind}` });
  const at = note.points.map((point) => toStage(point)).map(([u, v]) => [u * width, v * height]);
  const line = at.map((point) => point.map((one) => one.toFixed(1)).join(",")).join(" ");
  if (at.length > 1) {
    group.append(element("polyline", { points: line, class: "halo" }), element("polyline", { points: line }));
  }
  const [last, before] = [at.at(-1), at.at(-2)];
  if (note.kind === "arrow" && before) {
    const way = Math.atan2(last[1] - before[1], last[0] - before[0]);
    const wing = (by) => [last[0] - 12 * Math.cos(way + by), last[1] - 12 * Math.sin(way + by)];
    group.append(element("polygon", { points: [last, wing(0.4), wing(-0.4)].map((p) => p.join(",")).join(" ") }));
  } else {
    for (const [x, y] of at) group.append(element("circle", { cx: x, cy: y, r: 2.5 }));
  }
  const label = labelOf(note, spacing);
  if (label) {
    // Beside the tail of an arrow, the corner of an angle, the end of a ruler.
    const [x, y] = note.kind === "angle" ? at[1] : note.kind === "arrow" ? at[0] : last;
    const left = x > width - 90;
    const place = { x: x + (left ? -8 : 8), y: Math.min(height - 6, Math.max(16, y - 6)), "text-anchor": left ? "end" : "start" };
    group.append(element("text", { ...place, class: kind === "draft" ? "length" : "" }, label));
  }
  return group;
}

// Which note a place on the stage is on, and which of its points, -1 for all of it.
function noteAt(notes, toStage, { width, height }, [u, v], near = NEAR) {
  const far = ([s, t]) => {
    const [x, y] = toStage([s, t]);
    return Math.hypot((x - u) * width, (y - v) * height);
  };
  for (let index = notes.length - 1; index >= 0; index--) {
    const { points } = notes[index];
    const corner = points.findIndex((point) => far(point) <= near);
    if (corner >= 0) return [index, corner];
    for (let side = 1; side < points.length; side++) {
      const [a, b] = [points[side - 1], points[side]].map(toStage).map(([x, y]) => [x * width, y * height]);
      const [x, y] = [u * width, v * height];
      const long = Math.hypot(b[0] - a[0], b[1] - a[1]) || 1;
      const along = Math.min(1, Math.max(0, ((x - a[0]) * (b[0] - a[0]) + (y - a[1]) * (b[1] - a[1])) / long ** 2));
      if (Math.hypot(a[0] + along * (b[0] - a[0]) - x, a[1] + along * (b[1] - a[1]) - y) <= near) return [index, -1];
    }
  }
  return null;
}
