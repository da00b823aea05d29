"use strict";
// Sort a table by a click on a column's head: first descending for numbers, ascending for texts, then the other way.
for (const table of document.querySelectorAll("table[data-sortable]")) {
  const heads = [...table.tHead.rows[0].cells];
  const body = table.tBodies[0];
  heads.forEach((head, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const numeric = head.classList.contains("n");
      const before = head.getAttribute("aria-sort");
      const down = before ? before === "ascending" : numeric;
      heads.forEach((other) => other.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", down ? "descending" : "ascending");
      const key = (row) => {
        const cell = row.cells[column];
        const text = cell.dataset.v ?? cell.textContent.trim();
        return numeric ? (text === "" ? -Infinity : Number(text)) : text;
      };
      const compare = (a, b) => (numeric ? a - b || 0 : a.localeCompare(b, undefined, { numeric: true }));
      const rows = [...body.rows].map((row) => [key(row), row]);
      rows.sort((a, b) => (down ? compare(b[0], a[0]) : compare(a[0], b[0])));
      body.append(...rows.map((pair) => pair[1]));
    });
  });
}
// Show in the navigation which section is being read.
const links = new Map([...document.querySelectorAll("nav a")].map((a) => [a.hash.slice(1), a]));
const mark = () => {
  // The last one that began above a third of the window; at the top of the page the first one, however tall that is.
  const begun = (id) => document.getElementById(id).getBoundingClientRect().top < innerHeight / 3;
  const here = scrollY > 0 ? [...links.keys()].filter(begun).pop() : links.keys().next().value;
  links.forEach((a, id) => a.classList.toggle("here", id === here));
};
addEventListener("scroll", mark, { passive: true });
addEventListener("resize", mark, { passive: true });
mark();
// On paper nothing can be unfolded.
window.addEventListener("beforeprint", () => document.querySelectorAll("details").forEach((d) => (d.open = true)));
