"use strict";
// All of it adds to a page that is whole without it: sorting, a filter, values read off curves, light and dark.

const collator = new Intl.Collator("en", { numeric: true });

function sortBy(heading, table) {
  const column = heading.cellIndex;
  const falling = heading.ariaSort === "ascending";
  const key = row => {
    const cell = row.cells[column];
    const text = cell.textContent.trim();
    return { row, number: cell.dataset.value === undefined ? null : Number(cell.dataset.value),
      text, missing: text === "–" || text === "" };
  };
  const order = (a, b) => {
    if (a.missing !== b.missing) return a.missing ? 1 : -1;
    const way = falling ? -1 : 1;
    if (a.number !== null && b.number !== null) return way * (a.number - b.number);
    if ((a.number === null) !== (b.number === null)) return a.number === null ? 1 : -1;
    return way * collator.compare(a.text, b.text);
  };
  const body = table.tBodies[0];
  body.append(...[...body.rows].map(key).sort(order).map(({ row }) => row));
  for (const other of heading.parentElement.cells) other.removeAttribute("aria-sort");
  heading.ariaSort = falling ? "descending" : "ascending";
}

for (const table of document.querySelectorAll(".scroll > table")) {
  if (table.tBodies[0].rows.length < 2) continue;
  for (const heading of table.tHead.rows[0].cells) {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...heading.childNodes);
    heading.append(button);
    button.addEventListener("click", () => sortBy(heading, table));
  }
}

const FILTERED = "#filter?";
const filter = document.getElementById("filter");
if (filter) {
  const rows = [...document.querySelectorAll(".claim")];
  const apply = () => {
    const { verdict, paper, words } = filter.elements;
    const sought = words.value.trim().toLowerCase();
    for (const row of rows) {
      row.hidden = (verdict.value !== "" && row.dataset.verdict !== verdict.value)
        || (paper.value !== "" && row.dataset.paper !== paper.value)
        || !row.textContent.toLowerCase().includes(sought);
    }
    const active = verdict.value || paper.value || sought;
    for (const group of document.querySelectorAll(".group, .untested")) {
      group.hidden = !group.querySelector(".claim:not([hidden])");
      if (group.tagName === "DETAILS") group.open = active && !group.hidden;
    }
    const left = rows.filter(row => !row.hidden).length;
    filter.querySelector("output").textContent = active ? `${left} of ${rows.length} claims` : "";
  };
  const set = wanted => {
    for (const name of ["verdict", "paper", "words"]) filter.elements[name].value = wanted.get(name) ?? "";
    apply();
  };
  // The address holds what is filtered by, so that a link can be sent to somebody.
  const remember = () => {
    const given = [...new FormData(filter)].filter(([, value]) => value !== "");
    const hash = given.length ? `${FILTERED}${new URLSearchParams(given)}` : "#all-claims";
    history.replaceState(null, "", hash);
  };
  filter.hidden = false;
  filter.addEventListener("input", () => { apply(); remember(); });
  filter.addEventListener("submit", event => event.preventDefault());
  for (const count of document.querySelectorAll("a[data-words]"))
    count.href = `${FILTERED}${new URLSearchParams({ verdict: count.dataset.verdict, words: count.dataset.words })}`;
  filter.restore = () => {
    if (!location.hash.startsWith(FILTERED)) return false;
    set(new URLSearchParams(location.hash.slice(FILTERED.length)));
    document.getElementById("all-claims").scrollIntoView();
    return true;
  };
}

// A link into what is folded or filtered away shows it.
function reveal() {
  if (filter?.restore()) return;
  const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (!target) return;
  if (target.closest("[hidden]")) {
    const wanted = location.hash;
    filter.reset();
    filter.dispatchEvent(new Event("input"));
    history.replaceState(null, "", wanted);
  }
  for (let part = target; part; part = part.parentElement) if (part.tagName === "DETAILS") part.open = true;
  target.scrollIntoView();
}
addEventListener("hashchange", reveal);
reveal();

// Pointing at a curve tells its value there. A drawing describes its panels, and its own coordinates are the curves.

const REACH = 20; // CSS pixels
const FEW = 20; // points: with no more, what a line shows between them was not measured

function openDrawing(image) {
  const text = decodeURIComponent(image.src.slice(image.src.indexOf(",") + 1));
  const svg = new DOMParser().parseFromString(text, "image/svg+xml");
  const about = svg.getElementsByTagName("dc:description")[0];
  return { svg, about: about ? JSON.parse(about.textContent) : {} };
}

function parseDrawing(image) {
  const { svg, about } = openDrawing(image);
  if (!about.panels) return null;
  const [, , width, height] = svg.documentElement.getAttribute("viewBox").split(" ").map(Number);
  const panels = about.panels.map(({ box, x, y, curves }) => {
    const [left, low, wide, high] = [box[0] * width, box[1] * height, box[2] * width, box[3] * height];
    return {
      x: { start: left, end: left + wide, axis: x },
      y: { start: height - low, end: height - low - high, axis: y },
      curves: Object.entries(curves).map(([id, { label, points }]) => (
        { label, pieces: piecesOf(svg.getElementById(id), points <= FEW) })),
    };
  });
  return { width, panels };
}

// Lists of points, each joined where a reading between them has a meaning.
function piecesOf(group, apart) {
  const marks = [...group.querySelectorAll("use")].map(mark => [[+mark.getAttribute("x"), +mark.getAttribute("y")]]);
  if (marks.length) return marks;
  const lines = [...group.querySelectorAll(":scope > path")].map(path => path.getAttribute("d"));
  return lines.flatMap(line => line.split("M").slice(1)).flatMap(piece => {
    const numbers = piece.match(/-?[\d.]+(?:e[-+]?\d+)?/g).map(Number);
    const points = numbers.flatMap((value, at) => at % 2 ? [] : [[value, numbers[at + 1]]]);
    return apart ? points.map(point => [point]) : [points];
  });
}

function nearestOn([ax, ay], [bx, by], [x, y]) {
  const [dx, dy] = [bx - ax, by - ay];
  const part = Math.min(1, Math.max(0, ((x - ax) * dx + (y - ay) * dy) / (dx * dx + dy * dy) || 0));
  return [ax + part * dx, ay + part * dy];
}

function valueAt(place, { start, end, axis: [scale, low, high, names] }) {
  const part = (place - start) / (end - start);
  const value = scale === "log" ? low * (high / low) ** part : low + (high - low) * part;
  if (!names) return three(value);
  const away = name => Math.abs(names[name] - value); // marks stand a little beside their tick
  return Object.keys(names).reduce((one, other) => (away(other) < away(one) ? other : one));
}

function readAt(drawing, place, reach) {
  let best = { distance: reach };
  for (const panel of drawing.panels) {
    const between = (value, { start, end }) => (value - start) * (value - end) <= 0;
    if (!between(place[0], panel.x) || !between(place[1], panel.y)) continue;
    for (const { label, pieces } of panel.curves)
      for (const piece of pieces)
        for (let at = 0; at < Math.max(1, piece.length - 1); at++) {
          const point = nearestOn(piece[at], piece[at + 1] ?? piece[at], place);
          const distance = Math.hypot(point[0] - place[0], point[1] - place[1]);
          if (distance < best.distance) best = { distance, point, label, panel };
        }
  }
  return best.point && best;
}

const reading = document.createElement("div");
reading.className = "reading";
reading.hidden = true;
reading.setAttribute("aria-hidden", "true"); // a figure's text and its table say it in words
document.body.append(reading);
const silence = () => { reading.hidden = true; };
const three = value => String(Number(value.toPrecision(3))).replaceAll("-", "\u2212");

for (const image of document.querySelectorAll(".card img")) {
  let drawing;
  const tell = event => {
    drawing ??= parseDrawing(image);
    const frame = image.getBoundingClientRect();
    const scale = frame.width / (drawing?.width ?? 1);
    const place = [(event.clientX - frame.left) / scale, (event.clientY - frame.top) / scale];
    const found = drawing && readAt(drawing, place, REACH / scale);
    reading.hidden = !found;
    if (!found) return;
    const { point, label, panel } = found;
    const values = `${valueAt(point[0], panel.x)}, ${valueAt(point[1], panel.y)}`;
    reading.textContent = label ? `${label}: ${values}` : values;
    const [left, top] = [frame.left + point[0] * scale, frame.top + point[1] * scale];
    reading.style.left = `${left}px`;
    reading.style.top = `${top}px`;
    reading.classList.toggle("leftwards", left > innerWidth / 2);
  };
  image.addEventListener("pointermove", tell);
  image.addEventListener("pointerdown", tell);
  image.addEventListener("pointerleave", silence);
}
addEventListener("scroll", silence, { capture: true, passive: true });
addEventListener("keydown", event => { if (event.key === "Escape") silence(); });

// A figure is in the page, so it can be kept though its file is not there.
for (const image of document.querySelectorAll("img[data-file]")) {
  const name = image.closest("figure").querySelector("figcaption .file code");
  const link = document.createElement("a");
  link.href = image.src;
  link.download = image.dataset.file;
  name.replaceWith(link);
  link.append(name);
  const larger = document.createElement("button");
  larger.type = "button";
  larger.textContent = "Enlarge";
  larger.addEventListener("click", () => {
    const large = image.parentElement.classList.toggle("large");
    larger.textContent = large ? "Reduce" : "Enlarge";
  });
  link.parentElement.append(" ", larger);
}

// Traversals: a slider moves every unit of a figure through its values, each as one larger image.

const FRAME = 64; // CSS pixels

function made(tag, known, ...parts) {
  const element = Object.assign(document.createElement(tag), known);
  element.append(...parts);
  return element;
}

function traverse(image) {
  const { svg, about } = openDrawing(image);
  const moves = [], groups = [];
  for (const [id, { title, side, step, rows }] of Object.entries(about.strips)) {
    const picture = svg.getElementById(id);
    const scale = FRAME / side;
    const cells = Object.entries(rows).map(([top, label]) => {
      const frame = made("span", { className: "frame" });
      frame.style.backgroundImage = `url("${picture.getAttribute("href")}")`;
      frame.style.backgroundSize = `${scale * picture.getAttribute("width")}px auto`;
      moves.push(column => { frame.style.backgroundPosition = `${-scale * step * column}px ${-scale * top}px`; });
      return made("li", {}, frame, label);
    });
    groups.push(made("p", {}, title), made("ul", {}, ...cells));
  }
  const last = Object.values(about.strips)[0].columns - 1;
  const slider = made("input", { type: "range", min: 0, max: last, value: last >> 1 });
  const move = () => {
    slider.setAttribute("aria-valuetext", `image ${+slider.value + 1} of ${last + 1}`);
    for (const show of moves) show(slider.value);
  };
  slider.addEventListener("input", move);
  move();
  image.closest(".card").after(
    made("div", { className: "traversal" }, made("label", {}, "Value of every unit ", slider), ...groups));
}

for (const image of document.querySelectorAll(".card img")) if (image.src.includes("strips-")) traverse(image);

const unfold = document.getElementById("unfold");
if (unfold) {
  const parts = [...document.querySelectorAll("main details")];
  const label = () => { unfold.textContent = parts.every(part => part.open) ? "Fold all" : "Unfold all"; };
  unfold.hidden = false;
  unfold.addEventListener("click", () => {
    const open = !parts.every(part => part.open);
    for (const part of parts) part.open = open;
    label();
  });
  label();
}

const theme = document.getElementById("theme");
if (theme) {
  const root = document.documentElement;
  const system = matchMedia("(prefers-color-scheme: dark)");
  const dark = () => (root.dataset.theme ?? (system.matches ? "dark" : "light")) === "dark";
  const label = () => { theme.textContent = dark() ? "Light colours" : "Dark colours"; };
  theme.hidden = false;
  theme.addEventListener("click", () => { root.dataset.theme = dark() ? "light" : "dark"; label(); });
  system.addEventListener("change", label);
  label();
}

const contents = document.getElementById("contents");
if (contents) {
  const narrow = matchMedia("(max-width: 67.99rem)");
  const fold = () => { contents.open = !narrow.matches; };
  narrow.addEventListener("change", fold);
  contents.addEventListener("click", event => { if (narrow.matches && event.target.closest("a")) fold(); });
  fold();
}
