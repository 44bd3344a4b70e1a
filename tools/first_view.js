// What `tools.first_view` measures in the browser; run in a page before anything else.

// Also inside of the app's own components.
window.deep = (selector) => {
  const roots = [...document.querySelectorAll("*")].map((one) => one.shadowRoot).filter(Boolean);
  return [document, ...roots].flatMap((root) => [...root.querySelectorAll(selector)]);
};
const panels = () => window.deep(".room .panel");
const shown = () => panels().find((one) => !one.hidden);
const caption = (panel) => panel?.querySelector(".caption")?.textContent ?? "";
const heat = (panel) => panel?.querySelector(".heat[src]:not([hidden])");

// When what was seen first, in milliseconds since the page was asked for, and when each network first
// said what it sees, in the order in which they did.
window.seen = {};
window.order = {};
setInterval(() => {
  const note = (name, there) => { if (there) window.seen[name] ??= Math.round(performance.now()); };
  note("uploader", document.querySelector("[data-testid=stFileUploader]"));
  note("samples", document.querySelectorAll("[data-testid=stHtml] img").length > 5);
  note("film", panels().some((one) => !one.hidden && one.querySelector(".film").naturalWidth));
  note("says what it waits for", window.deep(".room .waiting .caption").length);
  note("answer", document.querySelector(".answer h2"));
  for (const one of panels().map(caption).filter((text) => text.includes("evidence for"))) {
    const [network] = one.split(" · ");
    window.order[network] ??= Math.round(performance.now());
  }
  const overlays = panels().filter(heat).length;
  note("first overlay", overlays);
  note("all overlays", overlays >= window.networks);
}, 25);

// Acts, and waits frame by frame until something holds: the milliseconds, or null after too many.
async function until(act, holds) {
  const begin = performance.now();
  act();
  while (!holds()) {
    if (performance.now() - begin > 30_000) return null;
    await new Promise(requestAnimationFrame);
  }
  return performance.now() - begin;
}

window.changeModel = (place) => {
  const [pill] = window.deep(`.room [data-panel="${place}"]`);
  const title = pill.textContent;
  return until(() => pill.click(), () => caption(shown()).startsWith(title) && heat(shown()));
};
window.changeMethod = (title) => {
  const named = (one) => one.textContent === title;
  const box = window.deep(".room select").find((one) => [...one.options].some(named));
  const choose = () => {
    box.value = [...box.options].find(named).value;
    box.dispatchEvent(new Event("change"));
  };
  return until(choose, () => caption(shown()).includes(title));
};
window.fadeTo = (percent) => {
  const [bar] = window.deep(".room .opacity input");
  const fade = () => {
    bar.value = percent;
    bar.dispatchEvent(new Event("input"));
  };
  return until(fade, () => heat(shown()).style.opacity === `${percent / 100}`);
};
window.nextFilm = () => {
  const film = () => window.deep(".room")[0].dataset.film;
  const before = film();
  const down = new KeyboardEvent("keydown", { key: "ArrowDown", bubbles: true });
  return until(
    () => document.body.dispatchEvent(down),
    () => film() !== before && shown().querySelector(".film").complete,
  );
};
// Milliseconds between frames while the worklist is scrolled up and down.
window.scrollList = async (seconds) => {
  const [list] = window.deep(".work .list");
  const frames = [];
  let [last, speed] = [performance.now(), 45];
  for (const end = last + 1000 * seconds; last < end;) {
    list.scrollTop += speed;
    const below = list.scrollHeight - list.clientHeight - list.scrollTop;
    if (list.scrollTop <= 0 || below <= 1) speed = -speed;
    const now = await new Promise(requestAnimationFrame);
    frames.push(now - last);
    last = now;
  }
  list.scrollTop = 0;
  return frames.slice(1);
};
