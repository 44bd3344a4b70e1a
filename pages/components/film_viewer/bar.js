// Below the films: which panel, and how heat is drawn. Goes before room.js.

function drawBar(bar, data, act) {
  const shown = (choice) => choice.options.find(([value]) => value === choice.value)?.[1] ?? "";
  const open = bar.querySelector("details")?.open;
  const focused = bar.getRootNode().activeElement?.dataset?.bar;
  const pills = data.panels.map((panel, index) => {
    const on = panel.id === data.shown && data.layout !== "grid";
    return `<button type="button" data-bar="panel-${index}" data-panel="${index}" aria-pressed="${on}" title="${panel.title} (${index + 1})"></button>`;
  }).join("");
  const fields = data.choices.map((choice, index) => `<label><span></span><select data-bar="choice-${index}" data-choice="${index}">${choice.options.map(([value], n) =>
    `<option value="${n}" ${value === choice.value ? "selected" : ""}></option>`).join("")}</select><small></small></label>`).join("");
  bar.innerHTML = `<div class="pills" role="toolbar" aria-label="What is shown">${pills}</div>
    ${data.choices.length ? `<label class="opacity">Heat <input type="range" data-bar="opacity" min="0" max="100" step="5" value="${data.opacity}" aria-label="Opacity of heat, per cent"><output>${data.opacity} %</output></label>
    <details ${open ? "open" : ""}><summary data-bar="more" title="Which heat, and how it is drawn"></summary><div class="more">${fields}</div></details>` : ""}`;
  // Titles are text, whatever is in them.
  data.panels.forEach((panel, index) => { bar.querySelector(`[data-panel="${index}"]`).textContent = panel.title; });
  data.choices.forEach((choice, index) => {
    const field = bar.querySelectorAll(".more label")[index];
    field.querySelector("span").textContent = choice.label;
    field.querySelector("small").textContent = choice.note;
    choice.options.forEach(([, title], n) => { field.querySelectorAll("option")[n].textContent = title; });
  });
  const summary = bar.querySelector("summary");
  if (summary) summary.textContent = shown(data.choices[1]);
  if (focused) bar.querySelector(`[data-bar="${focused}"]`)?.focus();
  const range = bar.querySelector("[type=range]");
  range?.addEventListener("input", () => act.fade(Number(range.value), bar.querySelector("output")));
  range?.addEventListener("change", () => act.step({ opacity: range.value }));
  for (const button of bar.querySelectorAll("[data-panel]")) {
    button.addEventListener("click", () => act.show(data.panels[button.dataset.panel].id));
  }
  for (const field of bar.querySelectorAll("[data-choice]")) {
    const choice = data.choices[field.dataset.choice];
    field.addEventListener("change", () => act.step({ [choice.name]: choice.options[field.value][0] }));
  }
}
