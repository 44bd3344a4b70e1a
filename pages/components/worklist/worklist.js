// The list of open films. Only the rows in sight are drawn, so that hundreds scroll well; what is
// filtered and sorted is known to the browser alone, as is what comes before and after a film.

const ROW = 60; // Height of a row in CSS pixels.
const SPARE = 6; // Rows that are drawn above and below those in sight.
const SETTLE = 120; // Milliseconds: who holds an arrow key means the film where he stops.
const PATIENCE = 2500; // Milliseconds until the server is believed that another film is shown.
const NEIGHBOUR = "xraycore:neighbour"; // From the viewer: previous or next.
const KEPT = "xraycore:worklist";
const FILTERS = {
  all: ["All films", () => true],
  opacity: ["Opacity", (row) => row.tone === "opacity"],
  none: ["No opacity", (row) => row.tone === "none"],
  unsure: ["Cannot tell", (row) => row.tone === "unsure"],
  silent: ["No answer", (row) => row.tone === "silent"],
  warned: ["Warned about", (row) => row.warnings.length > 0],
  known: ["Truth known", (row) => row.truth !== ""],
};
const RANK = { opacity: 0, unsure: 1, none: 2, silent: 3, waiting: 4 };
const ORDERS = {
  opened: ["As opened", () => 0],
  apart: ["Most apart", (a, b) => (b.apart ?? -1) - (a.apart ?? -1)],
  answer: ["By answer", (a, b) => RANK[a.tone] - RANK[b.tone]],
  name: ["By name", (a, b) => a.title.localeCompare(b.title, undefined, { numeric: true })],
};
const TRIANGLE = '<svg viewBox="0 0 24 24" aria-hidden="true"><path d="M12 4L2.5 20h19zM12 10v5M12 17.5v.5"/></svg>';
// Thumbnails by film, for as long as the page lives.
const pictures = (window.xraycoreThumbnails ??= new Map());

function mountList(root) {
  const find = (name) => root.querySelector(`.${name}`);
  const [list, space, search, filter, order] = ["list", "space", "find input", "filter", "order"].map(find);
  const work = { rows: [], shown: [], at: null, tell: null, left: null, since: 0 };
  for (const [field, options] of [[filter, FILTERS], [order, ORDERS]]) {
    for (const [value, [title]] of Object.entries(options)) field.add(new Option(title, value));
  }
  try {
    const kept = JSON.parse(sessionStorage.getItem(KEPT)) ?? {};
    Object.assign(search, { value: kept.search ?? "" });
    Object.assign(filter, { value: kept.filter in FILTERS ? kept.filter : "all" });
    Object.assign(order, { value: kept.order in ORDERS ? kept.order : "opened" });
  } catch { /* What was kept is none of ours. */ }

  const make = (row) => {
    const line = document.createElement("div");
    line.className = "row";
    line.id = `film-${row.id}`;
    line.setAttribute("role", "option");
    line.innerHTML = `<img alt=""><div><div class="name"></div><div class="summary"></div></div>
      <div class="marks"><span class="dot ${row.tone}"></span>${row.warnings.length ? `<span class="warn">${TRIANGLE}</span>` : ""}</div>`;
    const image = line.querySelector("img");
    if (pictures.has(row.id)) image.src = pictures.get(row.id);
    line.querySelector(".name").textContent = line.title = row.title;
    const answer = line.querySelector(".summary");
    answer.textContent = row.answer;
    if (row.truth) {
      const truth = answer.appendChild(document.createElement("span"));
      truth.className = "truth";
      truth.textContent = ` · truth: ${row.truth}`;
    }
    if (row.warnings.length) {
      const warn = line.querySelector(".warn");
      warn.title = row.warnings.join("\n");
      warn.append(row.warnings.length);
      warn.setAttribute("role", "img");
      warn.setAttribute("aria-label", `Warnings: ${row.warnings.join(" ")}`);
    }
    line.addEventListener("click", () => pick(row.id, 0));
    return line;
  };
  const place = (line, row, index) => {
    line.setAttribute("aria-setsize", work.shown.length);
    line.setAttribute("aria-posinset", index + 1);
    line.setAttribute("aria-selected", row.id === work.at);
    line.style.top = `${index * ROW}px`;
  };
  // The rows that are drawn: one that stays in sight stays as it is, with its picture.
  const drawn = new Map();
  const draw = () => {
    const first = Math.max(0, Math.floor(list.scrollTop / ROW) - SPARE);
    const last = Math.ceil((list.scrollTop + list.clientHeight) / ROW) + SPARE;
    space.style.height = `${work.shown.length * ROW}px`;
    const wanted = work.shown.slice(first, last);
    for (const [row, line] of drawn) {
      if (!wanted.includes(row)) { line.remove(); drawn.delete(row); }
    }
    space.querySelector(".empty")?.remove();
    wanted.forEach((row, n) => {
      if (!drawn.has(row)) drawn.set(row, make(row));
      const line = drawn.get(row);
      place(line, row, first + n);
      if (space.children[n] !== line) space.insertBefore(line, space.children[n] ?? null);
    });
    if (!work.shown.length) space.innerHTML = '<div class="empty">No film matches.</div>';
    const here = space.querySelector('[aria-selected="true"]');
    if (here) list.setAttribute("aria-activedescendant", here.id);
    else list.removeAttribute("aria-activedescendant");
  };
  const choose = () => {
    const word = search.value.trim().toLowerCase();
    const matches = (row) => [row.title, row.answer, row.truth, ...row.warnings].join(" ").toLowerCase().includes(word);
    work.shown = work.rows.filter((row) => FILTERS[filter.value][1](row) && (!word || matches(row)));
    work.shown.sort(ORDERS[order.value][1]);
    draw();
    count();
  };
  const count = () => {
    const some = work.shown.length < work.rows.length ? `${work.shown.length} of ` : "";
    const films = `${some}${work.rows.length} film${work.rows.length === 1 ? "" : "s"}`;
    const minutes = work.left === null ? null : Math.max(0, Math.ceil((work.left - (Date.now() - work.since) / 1000) / 60));
    const text = minutes === null ? `${films} · kept until this tab is closed` : `${films} · forgotten after ${minutes} min without use`;
    if (find("count").textContent !== text) find("count").textContent = text;
    find("forget").textContent = "Forget now";
  };
  const reveal = () => {
    const index = work.shown.findIndex((row) => row.id === work.at);
    if (index < 0) return;
    const [top, bottom] = [index * ROW, (index + 1) * ROW];
    if (top < list.scrollTop) list.scrollTop = top;
    else if (bottom > list.scrollTop + list.clientHeight) list.scrollTop = bottom - list.clientHeight;
  };
  // The row is marked at once; the film comes when the choice has settled.
  const pick = (id, wait = SETTLE) => {
    work.at = id;
    reveal();
    draw();
    clearTimeout(work.waiting);
    work.asked = Date.now();
    work.waiting = setTimeout(() => work.tell("pick", id), wait);
  };
  const go = (by) => {
    const index = work.shown.findIndex((row) => row.id === work.at);
    const next = work.shown[index < 0 ? 0 : Math.min(work.shown.length - 1, Math.max(0, index + by))];
    if (next && next.id !== work.at) pick(next.id);
  };

  const page = () => Math.max(1, Math.floor(list.clientHeight / ROW) - 1);
  const MOVES = { ArrowDown: () => 1, ArrowUp: () => -1, PageDown: page, PageUp: () => -page(), Home: () => -1e6, End: () => 1e6 };
  list.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (MOVES[event.key]) go(MOVES[event.key]());
    else if (event.key === "Delete") work.tell("close", work.at);
    else return;
    event.preventDefault();
    event.stopPropagation();
  });
  list.addEventListener("scroll", () => requestAnimationFrame(draw), { passive: true });
  const keep = () => {
    sessionStorage.setItem(KEPT, JSON.stringify({ search: search.value, filter: filter.value, order: order.value }));
    choose();
    reveal();
  };
  for (const field of [search, filter, order]) field.addEventListener("input", keep);
  search.addEventListener("keydown", (event) => {
    if (event.key === "ArrowDown") { list.focus(); event.preventDefault(); }
  });
  find("shut").addEventListener("click", () => work.tell("close", work.at));
  find("forget").addEventListener("click", () => {
    const button = find("forget");
    if (button.dataset.sure) work.tell("forget", "all");
    else {
      button.dataset.sure = "yes";
      button.textContent = "Forget all films and drawings?";
      setTimeout(() => { delete button.dataset.sure; button.textContent = "Forget now"; }, 4000);
    }
  });
  const hear = (event) => {
    if (!root.isConnected) window.removeEventListener(NEIGHBOUR, hear);
    else go(event.detail);
  };
  new ResizeObserver(draw).observe(list);
  const clock = setInterval(() => (root.isConnected ? count() : clearInterval(clock)), 15_000);

  work.show = (data) => {
    window.addEventListener(NEIGHBOUR, hear);
    root.style.setProperty("--list", data.height);
    for (const row of data.rows) if (row.picture) pictures.set(row.id, row.picture);
    // What was chosen here a moment ago is not taken back by a run that began before.
    const moved = work.at !== data.current && Date.now() - (work.asked ?? 0) > PATIENCE;
    Object.assign(work, { rows: data.rows, left: data.left, since: Date.now() });
    if (moved) {
      clearTimeout(work.waiting);
      work.at = data.current;
    }
    find("progress").textContent = data.progress;
    choose();
    if (moved) { reveal(); draw(); }
    const lost = data.rows.filter((row) => !pictures.has(row.id)).map((row) => row.id);
    if (lost.length) work.tell("lost", lost);
  };
  return work;
}

export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".work");
  root.listing ??= mountList(root);
  root.listing.send = setTriggerValue;
  root.listing.tell = (name, value) => inTurn(name, () => root.listing.send(name, value));
  root.listing.show(data);
}
