/* On a phone the rows of a table are cards, and Safari then forgets that they are a table's: their roles
 * say it. They stand here and not in the page, where each row would repeat them. */
const ROLES = {
  "thead, tbody": "rowgroup",
  tr: "row",
  "thead th": "columnheader",
  "tbody th": "rowheader",
  td: "cell",
};

export function tables(root) {
  for (const table of root.querySelectorAll(".table")) {
    table.setAttribute("role", "table");
    for (const [selector, role] of Object.entries(ROLES)) {
      for (const one of table.querySelectorAll(selector)) one.setAttribute("role", role);
    }
  }
}
