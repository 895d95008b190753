"use strict";
const data = JSON.parse(document.getElementById("data").textContent);
const at = Object.fromEntries(data.columns.map((name, place) => [name, place]));
const rows = data.rows.map((cells, place) => ({
  get: (name) => cells[at[name]],
  place,
  text: cells.filter((cell) => typeof cell === "string").join("\n").toLowerCase(),
}));
const rank = Object.fromEntries(data.verdicts.map((verdict, place) => [verdict, place]));
const verdictOf = (row) => row.get("verdict") || "failed";

// What the table shows: title, what a click sorts by (and whether the largest comes first), and how a cell is filled.
const columns = [
  { title: "Scan", fill: picture },
  { title: "Page", by: "name", fill: page },
  { title: "Digitization", by: "probability", fill: verdict },
  { title: "Layout", by: "layout", fill: (row) => words(row.get("layout")) },
  { title: "Rate", by: "heart_rate", down: true, fill: (row) => number(row, "heart_rate", "/min") },
  { title: "Statements", by: "present", fill: statements },
  { title: "PR, QRS, QTc", by: "qtc", down: true, fill: intervals },
  { title: "Axis", by: "axis", down: true, fill: (row) => number(row, "axis", "\u00b0") },
  ...data.own.map((name) => ({ title: name, by: name, fill: (row) => words(own(row, name)) })),
  { title: "Remarks", by: "warnings", fill: remarks },
];

function own(row, name) {
  const cell = row.get(name);
  return typeof cell === "boolean" ? (cell ? "yes" : "") : cell;
}

function element(tag, text, kind) {
  const made = document.createElement(tag);
  if (text !== undefined && text !== null) made.textContent = text;
  if (kind) made.className = kind;
  return made;
}

function words(text) {
  return [element("span", text === null || text === undefined ? "" : String(text))];
}

function number(row, name, unit) {
  const value = row.get(name);
  return words(value === null ? "" : Math.round(value) + unit);
}

function address(file) {
  return "./" + file.split("/").map(encodeURIComponent).join("/");
}

const blocks = new Map();
function picture(row) {
  const block = Math.floor(row.place / data.block);
  if (!blocks.has(block)) {
    const held = document.getElementsByClassName("block")[block];
    if (!held) return [];
    blocks.set(block, JSON.parse(held.textContent));
  }
  const encoded = blocks.get(block)[row.place % data.block];
  if (!encoded) return [];
  const made = element("img");
  made.src = "data:image/webp;base64," + encoded;
  made.alt = "";
  return [made];
}

function page(row) {
  const name = row.get("name");
  const source = row.get("file") + (row.get("page") > 1 ? ", page " + row.get("page") : "");
  const target = row.get("html") || row.get("report");
  const link = element(target ? "a" : "span", name || row.get("file").split("/").pop(), "name");
  if (target) link.href = address(target);
  return [link, element("small", source)];
}

function verdict(row) {
  const kind = verdictOf(row);
  const chance = row.get("probability");
  const badge = element("span", kind, "verdict " + kind);
  return [badge, element("small", chance === null ? "" : "right with " + Math.round(100 * chance) + "%")];
}

function statements(row) {
  const present = (row.get("present") || "").split("; ").filter(Boolean);
  const made = element("span", present.join(", "));
  made.title = present.map((code) => data.statements[code] || code).join("\n");
  return [made];
}

function intervals(row) {
  const values = ["pr", "qrs", "qtc"].map((name) => row.get(name));
  return values.every((value) => value === null)
    ? []
    : words(values.map((value) => (value === null ? "-" : Math.round(value))).join(", ") + " ms");
}

function remarks(row) {
  const text = [row.get("error"), row.get("reasons"), row.get("warnings")].filter(Boolean).join("; ");
  const made = element("span", text);
  made.title = text;
  return [made];
}

const find = document.getElementById("find");
const order = document.getElementById("order");
const table = document.getElementById("table");
const body = table.tBodies[0];
const shown = document.getElementById("shown");
const hidden = new Set();
const narrow = matchMedia("(max-width: 60rem)");
let sorting = { by: null, down: false };
let seen = rows;

// Numbers of the table's columns, compared; anything else is looked for as text.
const COMPARED = /^(\w+)(<=|>=|<|>|=)(-?\d+(?:\.\d+)?)$/;
const SAYS = {
  "<": (a, b) => a < b,
  ">": (a, b) => a > b,
  "<=": (a, b) => a <= b,
  ">=": (a, b) => a >= b,
  "=": (a, b) => a === b,
};
function condition(word) {
  const parts = COMPARED.exec(word);
  if (parts && data.numbers.includes(parts[1].toLowerCase())) {
    const [, name, sign, value] = parts;
    return (row) => {
      const cell = row.get(name.toLowerCase());
      return cell !== null && SAYS[sign](cell, Number(value));
    };
  }
  if (word in at && rows.some((row) => typeof row.get(word) === "boolean")) return (row) => row.get(word);
  return (row) => row.text.includes(word);
}

function compare(a, b) {
  const left = a.get(sorting.by);
  const right = b.get(sorting.by);
  const none = [left, right].map((value) => value === null || value === "");
  if (none[0] || none[1]) return none[0] - none[1] || a.place - b.place;
  const less = typeof left === "number" ? left - right : String(left).localeCompare(String(right));
  return (sorting.down ? -less : less) || a.place - b.place;
}

function choose() {
  const conditions = find.value.toLowerCase().split(/\s+/).filter(Boolean).map(condition);
  seen = rows.filter((row) => !hidden.has(verdictOf(row)) && conditions.every((holds) => holds(row)));
  if (sorting.by !== null) seen.sort(compare);
  shown.textContent = seen.length === rows.length ? "" : seen.length + " shown.";
  table.setAttribute("aria-rowcount", seen.length + 1);
  for (const head of table.tHead.rows[0].cells) {
    const sorted = head.dataset.by && head.dataset.by === sorting.by;
    head.setAttribute("aria-sort", sorted ? (sorting.down ? "descending" : "ascending") : "none");
  }
  drawn = null;
  draw();
}

let drawn = null;
function draw(all = false) {
  const height = parseFloat(getComputedStyle(table).getPropertyValue("--row"));
  const top = -body.getBoundingClientRect().top;
  const step = 10;
  const first = all ? 0 : Math.max(0, Math.floor(top / height / step) * step - step);
  const end = all ? seen.length : Math.min(seen.length, first + Math.ceil(innerHeight / height) + 3 * step);
  const key = first + " " + end + " " + narrow.matches;
  if (key === drawn) return;
  drawn = key;
  const held = document.activeElement && body.contains(document.activeElement) ? document.activeElement.href : null;
  const lines = [spacer(first * height)];
  for (let place = first; place < end; place += 1) lines.push(line(seen[place], place));
  lines.push(spacer((seen.length - end) * height));
  body.replaceChildren(...lines);
  if (held) [...body.querySelectorAll("a")].find((link) => link.href === held)?.focus({ preventScroll: true });
}

function spacer(height) {
  const made = element("tr", null, "spacer");
  made.setAttribute("aria-hidden", "true");
  made.style.height = height + "px";
  return made;
}

function line(row, place) {
  const made = element("tr", null, "page");
  made.setAttribute("aria-rowindex", place + 2);
  for (const { title, fill } of columns) {
    const cell = element("td");
    cell.dataset.title = title;
    const box = element("div");
    box.append(...fill(row));
    if (!box.textContent && !box.firstElementChild?.src) cell.className = "none";
    cell.append(box);
    made.append(cell);
  }
  return made;
}

function sortBy(by, down) {
  sorting = { by, down };
  order.value = by === null ? "" : by + (down ? " down" : "");
  choose();
}

const head = element("tr");
for (const { title, by, down } of columns) {
  const cell = element("th");
  cell.scope = "col";
  if (by) {
    const button = element("button", title);
    button.type = "button";
    button.addEventListener("click", () => sortBy(by, sorting.by === by ? !sorting.down : Boolean(down)));
    cell.dataset.by = by;
    cell.append(button);
  } else cell.textContent = title;
  head.append(cell);
}
table.tHead.append(head);

order.append(new Option("worst first", ""));
for (const { title, by } of columns) {
  if (by) order.append(new Option(title + ", ascending", by), new Option(title + ", descending", by + " down"));
}
order.addEventListener("change", () => {
  const [by, down] = order.value.split(/ (?=down$)/);
  sortBy(by || null, Boolean(down));
});

for (const kind of data.verdicts) {
  const count = rows.filter((row) => verdictOf(row) === kind).length;
  if (!count) continue;
  const label = element("label", null, "chip");
  const box = element("input");
  box.type = "checkbox";
  box.checked = true;
  box.addEventListener("change", () => {
    if (box.checked) hidden.delete(kind);
    else hidden.add(kind);
    choose();
  });
  label.append(box, element("span", kind, "verdict " + kind), " " + count);
  document.getElementById("verdicts").append(label);
}
let waiting = 0;
find.addEventListener("input", () => {
  clearTimeout(waiting);
  waiting = setTimeout(choose, 80);
});
let asked = false;
for (const [what, when] of [[window, "scroll"], [window, "resize"], [narrow, "change"]]) {
  what.addEventListener(when, () => {
    if (asked) return;
    asked = true;
    requestAnimationFrame(() => {
      asked = false;
      draw();
    });
  });
}
addEventListener("beforeprint", () => draw(true));
addEventListener("afterprint", () => draw());
// Thumbnails of the first rows are still to come when this runs.
addEventListener("DOMContentLoaded", () => {
  drawn = null;
  draw();
});
choose();
