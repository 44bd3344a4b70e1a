// The legend of keys, where they can be changed, and the layout to start with. Goes before room.js.

const ROOM_KEYS = { one: "o", two: "b", grid: "g", full: "v", previous: ",", next: "." };
const ROOM_NAMES = {
  one: "One large film", two: "Two films side by side", grid: "All panels",
  full: "Full screen", previous: "Previous film of the list", next: "Next film of the list",
};
const FIXED = [
  ["1 … 9", "That panel of the bar"],
  ["← → ↑ ↓", "Previous and next film; moves a film that is zoomed, sets the window after its key"],
  ["Enter", "Lays, then keeps what the ruler, angle, arrow or text draws"],
  ["Enter, without a tool", "Chooses what is drawn, one after the other; arrows move it"],
  ["Delete", "Takes away what is chosen of it"],
  ["Space, held", "Hides the heat"],
  ["Escape", "Back to the layout before"],
  ["?", "This list"],
];
const START_COOKIE = "xraycore-layout";

function fillLegend(dialog, changed) {
  const keys = keysOf({ ...DEFAULT_KEYS, ...ROOM_KEYS });
  const names = { ...NAMES, ...ROOM_NAMES };
  const rows = Object.entries(keys).map(([name, key]) =>
    `<tr><td><button type="button" data-change="${name}" aria-label="Change the key of: ${names[name].split(":")[0]}"><kbd>${key}</kbd></button></td><td>${names[name]}</td></tr>`);
  const start = (document.cookie.match(/xraycore-layout=(\w+)/) ?? [])[1] ?? "1";
  const option = (value, title) => `<option value="${value}" ${start === value ? "selected" : ""}>${title}</option>`;
  dialog.innerHTML = `<form method="dialog"><header><h2>Keys</h2><button aria-label="Close" title="Close (Escape)">✕</button></header>
    <div class="columns"><table>${rows.join("")}</table><div><table>${FIXED.map(([key, name]) =>
    `<tr><td><kbd>${key}</kbd></td><td>${name}</td></tr>`).join("")}</table>
    <p>Select a key on the left, then press the one that you want instead. This browser remembers it.</p>
    <p><button type="button" data-reset>Keys as they came</button></p>
    <label>Start with <select data-start>${option("1", "one large film")}${option("2", "two films")}${option("grid", "all panels")}</select></label></div></div></form>`;
  dialog.querySelector("[data-start]").addEventListener("change", (event) => {
    document.cookie = `${START_COOKIE}=${event.target.value}; Path=/; Max-Age=31536000; SameSite=Lax`;
  });
  dialog.querySelector("[data-reset]").addEventListener("click", () => {
    localStorage.removeItem(KEYS_KEPT);
    fillLegend(dialog, changed);
    changed();
  });
  for (const button of dialog.querySelectorAll("[data-change]")) {
    button.addEventListener("click", () => {
      button.firstElementChild.textContent = "…";
      button.addEventListener("keydown", (event) => {
        event.preventDefault();
        event.stopPropagation();
        const taken = Object.entries(keysOf({ ...DEFAULT_KEYS, ...ROOM_KEYS })).find(([, key]) => key === event.key);
        const own = /^[^\d? ]$/.test(event.key) || event.key === DEFAULT_KEYS[button.dataset.change];
        if (own && (!taken || taken[0] === button.dataset.change)) {
          localStorage.setItem(KEYS_KEPT, JSON.stringify({ ...changedKeys(), [button.dataset.change]: event.key }));
          changed();
        }
        fillLegend(dialog, changed);
        dialog.querySelector(`[data-change="${button.dataset.change}"]`).focus();
      }, { once: true });
    });
  }
}
