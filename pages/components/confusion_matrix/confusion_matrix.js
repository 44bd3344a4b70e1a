// A confusion matrix whose cells are buttons: rows the truth, columns the model's answer.

function cell(tag, text, attributes = {}) {
  const element = document.createElement(tag);
  element.textContent = text;
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  return element;
}

export default function ({ data, parentElement, setTriggerValue }) {
  const table = parentElement.querySelector("table");
  const { classes, counts, selected } = data;
  const corner = cell("th", "Truth \u2193  Model says \u2192", { class: "corner" });
  const head = document.createElement("tr");
  head.append(corner, ...classes.map((name) => cell("th", name, { scope: "col" })));
  const rows = counts.map((row, truth) => {
    const total = row.reduce((sum, count) => sum + count, 0);
    const line = document.createElement("tr");
    line.append(cell("th", classes[truth], { scope: "row" }));
    row.forEach((count, said) => {
      const share = total ? count / total : 0;
      const percent = total ? `${(100 * share).toFixed(share > 0 && share < 0.1 ? 1 : 0)} %` : "\u2013";
      const button = cell("button", "", {
        type: "button",
        "aria-pressed": String(selected?.[0] === truth && selected?.[1] === said),
        "aria-label": `${classes[truth]} called ${classes[said]}: ${count} films`,
      });
      button.className = truth === said ? "right" : "wrong";
      button.style.setProperty("--share", share.toFixed(3));
      button.disabled = !count;
      button.append(cell("span", count.toLocaleString("en"), { class: "count" }));
      button.append(cell("span", percent, { class: "percent" }));
      button.addEventListener("click", () => setTriggerValue("cell", [truth, said]));
      const place = document.createElement("td");
      place.append(button);
      line.append(place);
    });
    return line;
  });
  table.setAttribute("aria-label", data.label);
  // Whoever opened a cell by keyboard goes on from there, though its button is another by now.
  const focused = parentElement.getRootNode().activeElement?.closest("td");
  const [row, column] = table.contains(focused ?? null)
    ? [focused.parentElement.rowIndex, focused.cellIndex]
    : [];
  table.replaceChildren(head, ...rows);
  table.rows[row]?.cells[column]?.querySelector("button")?.focus({ preventScroll: true });
}
