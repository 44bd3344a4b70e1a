// The reading room: panels of one film, shown alone, in twos or all. What is chosen here is shown at
// once where it can be, and told to the server, whose answer changes pictures but never takes one away.

const NEIGHBOUR = "xraycore:neighbour"; // To the worklist: previous or next.
const LAYOUT_BUTTONS = [["1", "1", "one"], ["2", "2", "two"], ["grid", "Grid", "grid"]];
const KEPT_VIEW = ["zoom", "x", "y", "low", "high", "invert", "turn", "flip", "preset", "lungs"];
const ROOM_TOOLS = [...TOOLS, "magnify", "preset", "invert", "flip", "rotate", "lungs", "in", "out", "reset"];

// How a film was looked at, for a reload of this tab: no pixels.
const placeOf = (film) => `xraycore:view:${film}`;
function keptPlace(film) {
  try {
    return JSON.parse(sessionStorage.getItem(placeOf(film))) ?? {};
  } catch {
    return {};
  }
}

function mountRoom(root) {
  const find = (name) => root.querySelector(`.${name}`);
  const room = { data: null, panels: new Map(), before: null, tell: null };
  const view = () => viewOf("room");
  const active = () => room.panels.get(room.data.shown)?.state ?? [...room.panels.values()][0].state;
  const step = (changes) => room.tell("step", changes);

  const arrange = () => {
    const { layout, shown, beside, panels } = room.data;
    root.dataset.layout = layout;
    for (const { id } of panels) {
      const { element } = room.panels.get(id);
      const at = layout === "grid" ? 1 : id === shown ? 2 : layout === "2" && id === beside ? 1 : 0;
      element.hidden = at === 0;
      element.style.order = layout === "2" ? at : 0;
    }
    for (const button of find("layouts").querySelectorAll("[data-layout]")) {
      button.setAttribute("aria-pressed", button.dataset.layout === layout);
    }
    const left = find("beside");
    left.hidden = layout !== "2";
    left.replaceChildren(...panels.map(({ id, title }, index) => new Option(`Left: ${title}`, index, false, id === beside)));
    drawBar(find("bar"), room.data, { step, show, fade });
    const scale = find("scale");
    const hot = layout !== "grid" && panels.some(({ id, heat }) => heat && (id === shown || (layout === "2" && id === beside)));
    scale.hidden = !(room.data.scale && hot);
    if (room.data.scale) {
      scale.querySelector("i").style.background = room.data.scale.gradient;
      [scale.children[1].textContent, scale.children[2].textContent] = [room.data.scale.full, "no heat"];
    }
  };
  const setLayout = (layout, shown = room.data.shown) => {
    if (layout === room.data.layout && shown === room.data.shown) return;
    if (layout === "1" && room.data.layout !== "1") room.before = room.data.layout;
    Object.assign(room.data, { layout, shown });
    arrange();
    step({ layout, panel: shown });
  };
  const show = (id) => {
    if (id === room.data.shown && room.data.layout !== "grid") return;
    setLayout(room.data.layout === "grid" ? "1" : room.data.layout, id);
    active().stage.focus({ preventScroll: true });
  };
  const fade = (percent, output) => {
    output.textContent = `${percent} %`;
    for (const heat of root.querySelectorAll(".heat")) heat.style.opacity = percent / 100;
  };
  const goFull = () => (root.getRootNode().fullscreenElement ? document.exitFullscreen() : root.requestFullscreen?.());
  const openLegend = () => {
    fillLegend(find("legend"), drawTools);
    find("legend").showModal();
  };
  const act = (name) => {
    if (name === "one" || name === "two" || name === "grid") setLayout({ one: "1", two: "2", grid: "grid" }[name]);
    else if (name === "full") goFull();
    else if (name === "help") openLegend();
    else window.dispatchEvent(new CustomEvent(NEIGHBOUR, { detail: name === "next" ? 1 : -1 }));
  };

  // Keys that are the room's own; whether it was one.
  const roomKey = (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return false;
    const now = view();
    const name = actionOf(event.key, keysOf(ROOM_KEYS));
    const busy = now.draft || now.notes?.[now.chosen] || now.tool === "window";
    if (event.key === "?") act("help");
    else if (/^[1-9]$/.test(event.key)) {
      if (room.data.panels[event.key - 1]) show(room.data.panels[event.key - 1].id);
    } else if (event.key === "PageDown" || event.key === "PageUp") act(event.key === "PageDown" ? "next" : "previous");
    else if (name) act(name);
    else if (event.key === "Escape" && !busy) {
      if (now.tool !== "move") active().act(now.tool);
      else if (room.data.layout === "1" && room.before) setLayout(room.before);
      else return false;
    } else if (ARROWS[event.key] && now.zoom === 1 && !busy) {
      act(event.key === "ArrowLeft" || event.key === "ArrowUp" ? "previous" : "next");
    } else return false;
    return true;
  };
  // Also where nothing has the focus, as after the page was opened.
  const onKey = (event) => {
    if (!root.isConnected) {
      window.removeEventListener("keydown", onKey);
      return;
    }
    const target = event.composedPath()[0];
    // The list of films beside it takes the arrows and leaves the other keys to the viewer.
    const ours = root.contains(target) || target === document.body || target.getAttribute?.("role") === "listbox";
    if (event.defaultPrevented || find("legend").open || !ours) return;
    if (/^(INPUT|SELECT|TEXTAREA)$/.test(target.tagName)) return;
    if (/^(BUTTON|SUMMARY)$/.test(target.tagName) && (event.key === " " || event.key === "Enter")) return;
    if (roomKey(event) || active().onKey(event)) event.preventDefault();
  };
  window.addEventListener("keydown", onKey);
  window.addEventListener("keyup", (event) => { if (event.key === " " && room.data) active().showHeat(); });

  const drawTools = () => {
    find("tools").innerHTML = toolButtons(ROOM_TOOLS);
    const keys = keysOf(ROOM_KEYS);
    find("layouts").innerHTML = `<select class="beside" aria-label="At the left of two films" title="At the left"></select>` + LAYOUT_BUTTONS.map(([layout, text, name]) =>
      `<button type="button" data-act="${name}" data-layout="${layout}" aria-pressed="false" title="${ROOM_NAMES[name]} (${keys[name]})" aria-label="${ROOM_NAMES[name]}">${text}</button>`).join("")
      + `<button type="button" data-act="full" title="Full screen (${keys.full})" aria-label="Full screen"><svg viewBox="0 0 24 24" aria-hidden="true"><path d="M4 9V4h5M20 9V4h-5M4 15v5h5M20 15v5h-5"/></svg></button>
      <button type="button" data-act="help" title="Keys (?)" aria-label="Keys">?</button>`;
    if (room.data) arrange();
  };
  drawTools();
  find("tools").addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (button) active().act(button.dataset.name);
  });
  find("layouts").addEventListener("change", (event) => {
    room.data.beside = room.data.panels[event.target.value].id;
    arrange();
    step({ beside: room.data.beside });
  });
  find("layouts").addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (button) act(button.dataset.act);
  });

  const addPanel = (id) => {
    const element = find("films").appendChild(root.querySelector("template").content.firstElementChild.cloneNode(true));
    const caption = element.querySelector(".view").appendChild(document.createElement("div"));
    caption.className = "caption";
    const state = mountPanel(element);
    Object.assign(state, { tools: ROOM_TOOLS, before: roomKey });
    state.clicked = () => { if (room.data.layout === "grid") setLayout("1", id); };
    state.swiped = (by) => act(by > 0 ? "next" : "previous");
    // In a grid the wheel leads to the other panels, until one was clicked.
    Object.defineProperty(state, "wheel", { get: () => room.data.layout !== "grid" });
    state.drawn = (now) => {
      for (const button of find("tools").querySelectorAll("[aria-pressed]")) {
        button.setAttribute("aria-pressed", button.dataset.name === now.tool || now[button.dataset.name] === true);
      }
    };
    room.panels.set(id, { element, state, caption });
  };

  const keepPlace = () => {
    clearTimeout(room.keeping);
    const film = room.data.film;
    const place = Object.fromEntries(KEPT_VIEW.map((name) => [name, view()[name]]));
    room.keeping = setTimeout(() => {
      try {
        sessionStorage.setItem(placeOf(film), JSON.stringify(place));
      } catch { /* It is full: the film is shown as it is after a reload. */ }
    }, 150);
  };
  const hear = (event) => {
    if (!root.isConnected) window.removeEventListener(EVENT, hear);
    else if (event.detail === "room" && room.data) keepPlace();
  };

  room.show = (data) => {
    window.addEventListener(EVENT, hear);
    window.addEventListener("keydown", onKey);
    const last = room.data;
    room.data = data;
    root.dataset.film = data.film;
    root.style.setProperty("--room", data.height);
    const now = view();
    Object.assign(now, { keeps: true, own: data.own });
    if (now.subject !== data.film) {
      Object.assign(now, FRESH, { lungs: now.lungs, draft: null, chosen: null }, keptPlace(data.film));
      Object.assign(now, { subject: data.film, notes: data.notes });
    } else if (!last) now.notes = data.notes;
    now.tellNotes = (notes) => room.tell("notes", { film: data.film, notes });
    for (const [id, { element }] of room.panels) {
      if (!data.panels.some((panel) => panel.id === id)) {
        element.remove();
        room.panels.delete(id);
      }
    }
    for (const panel of data.panels) {
      if (!room.panels.has(panel.id)) addPanel(panel.id);
      const { element, state, caption } = room.panels.get(panel.id);
      // Each other film moves by itself.
      const group = panel.other ? `room-${panel.id}` : "room";
      const other = viewOf(group);
      if (panel.other && other.subject !== panel.subject) Object.assign(other, FRESH, { subject: panel.subject });
      showPanel(element, state, { ...panel, group, lungs: panel.other ? null : data.lungs });
      state.tell = room.tell;
      caption.textContent = [panel.title, panel.waiting ? "is looking at the film …" : panel.caption].filter(Boolean).join(" · ");
      if (panel === data.panels[0] && data.facts) caption.textContent = data.facts;
      element.classList.toggle("waiting", panel.waiting);
    }
    // In the order of the bar.
    for (const { id } of data.panels) {
      const { element } = room.panels.get(id);
      if (find("films").children[data.panels.findIndex((one) => one.id === id)] !== element) find("films").append(element);
    }
    arrange();
    window.dispatchEvent(new CustomEvent(EVENT, { detail: "room" }));
    for (const { state } of room.panels.values()) state.draw();
    const lost = [...new Set(data.panels.map(({ filmId }) => filmId))].filter((id) => !films.has(id));
    if (lost.length) room.tell("lost", lost);
  };
  return room;
}

export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".room");
  root.reading ??= mountRoom(root);
  root.reading.send = setTriggerValue;
  root.reading.tell = (name, value) => inTurn(name, () => root.reading.send(name, value));
  // A copy: what is chosen is shown before the server knows.
  root.reading.show({ ...data });
}
