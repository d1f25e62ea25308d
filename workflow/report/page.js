"use strict";
// All of it adds to a page that is whole without it: sorting, a filter, light and dark.

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

const filter = document.getElementById("filter");
if (filter) {
  const rows = [...document.querySelectorAll(".claims tbody tr")];
  const apply = () => {
    const { verdict, paper, words } = filter.elements;
    const sought = words.value.trim().toLowerCase();
    for (const row of rows) {
      row.hidden = (verdict.value !== "" && row.dataset.verdict !== verdict.value)
        || (paper.value !== "" && row.dataset.paper !== paper.value)
        || !row.textContent.toLowerCase().includes(sought);
    }
    const active = verdict.value || paper.value || sought;
    for (const group of document.querySelectorAll(".group")) {
      const empty = part => !part.querySelector("tbody tr:not([hidden])");
      group.hidden = empty(group);
      for (const part of group.querySelectorAll(".scroll")) part.hidden = empty(part);
      for (const details of group.querySelectorAll("details")) details.open = active && !empty(details);
    }
    const left = rows.filter(row => !row.hidden).length;
    filter.querySelector("output").textContent = active ? `${left} of ${rows.length} claims` : "";
  };
  filter.hidden = false;
  filter.addEventListener("input", apply);
  filter.addEventListener("submit", event => event.preventDefault());
}

// A link into what is folded or filtered away shows it.
function reveal() {
  const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (!target) return;
  if (target.closest("[hidden]")) {
    filter.reset();
    filter.dispatchEvent(new Event("input"));
  }
  for (let part = target; part; part = part.parentElement) if (part.tagName === "DETAILS") part.open = true;
  target.scrollIntoView();
}
addEventListener("hashchange", reveal);
reveal();

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
