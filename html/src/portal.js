/* What pages can do with JavaScript beyond what they do without. No text stands here: words come from
 * the page. */
import { tables } from "./tables.js";

const all = (selector, root = document) => [...root.querySelectorAll(selector)];

document.documentElement.classList.add("js");
tables(document);

/* A form that came back: the focus goes to what is wrong (autofocus does it where it is known). */
document.querySelector("[data-focus]")?.focus();

/* What is wrong, with the label of the field before it: "Name: Bitte ..." */
for (const link of all(".note__fields a")) {
  const label = document.querySelector(`label[for="${CSS.escape(link.hash.slice(1))}"]`)?.firstChild?.textContent.trim();
  if (label && !link.textContent.startsWith(label)) link.prepend(`${label}: `);
}

/* A form is sent once, however often it is clicked. */
for (const form of all("form[data-once]")) {
  form.addEventListener("submit", (event) => {
    if (form.dataset.sent) {
      event.preventDefault();
      return;
    }
    form.dataset.sent = "1";
    for (const button of all("button[type=submit]", form)) button.setAttribute("aria-disabled", "true");
  });
}

/* Back by the browser's button: forms can be sent again. */
addEventListener("pageshow", (event) => {
  if (!event.persisted) return;
  for (const form of all("form[data-sent]")) {
    delete form.dataset.sent;
    for (const button of all("[aria-disabled]", form)) button.removeAttribute("aria-disabled");
  }
});

/* The menu closes as one expects. */
for (const menu of all("details[data-menu]")) {
  document.addEventListener("click", (event) => {
    if (menu.open && !menu.contains(event.target)) menu.open = false;
  });
  menu.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !menu.open) return;
    menu.open = false;
    menu.querySelector("summary").focus();
  });
}

/* Passwords can be looked at. */
for (const button of all("[data-show]")) {
  const input = document.getElementById(button.getAttribute("aria-controls"));
  button.hidden = false;
  button.addEventListener("click", () => {
    const shown = input.type === "text";
    input.type = shown ? "password" : "text";
    button.setAttribute("aria-pressed", String(!shown));
  });
  input.form?.addEventListener("submit", () => {
    input.type = "password";
  });
}

/* The code of an invitation stands behind the # and never reaches the server unasked. */
const redeem = document.querySelector("form[data-redeem]");
if (redeem && location.hash.length > 1) {
  let code = "";
  try {
    code = decodeURIComponent(location.hash.slice(1));
  } catch {
    code = "";
  }
  if (/^[\w-]{4,128}$/.test(code)) {
    redeem.elements.code.value = code;
    history.replaceState(null, "", location.pathname + location.search);
    redeem.querySelector("button[type=submit]").focus();
  }
}
/* Reading it in the other language must not lose it: a redirect keeps what stands behind the #. */
document.querySelector("form.language")?.addEventListener("submit", (event) => {
  const code = redeem?.elements.code.value.trim();
  if (code) event.currentTarget.action += `#${encodeURIComponent(code)}`;
});

for (const button of all("[data-print]")) {
  button.hidden = false;
  button.addEventListener("click", () => print());
}

/* Choosing in a filter shows the result at once; empty fields stay out of the address. */
for (const form of all("form[data-filter]")) {
  form.addEventListener("submit", () => {
    for (const field of all("input, select", form)) field.disabled = field.value === "";
  });
  for (const select of all("select", form)) {
    let keyboard = false;
    select.addEventListener("keydown", (event) => {
      keyboard = event.key.startsWith("Arrow") || event.key.length === 1;
    });
    select.addEventListener("pointerdown", () => {
      keyboard = false;
    });
    select.addEventListener("change", () => {
      if (keyboard) return; /* with the keyboard one walks through the choices: Enter sends */
      if (select.name === "client") {
        const matter = form.elements.matter;
        if (matter) matter.value = "";
      }
      form.requestSubmit();
    });
  }
}

/* "/" goes to the search; arrows walk through a list. */
const typing = (element) => element.closest("input, textarea, select, [contenteditable]") !== null;

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target)) return;
  if (event.key === "/") {
    const search = document.querySelector("main [data-search]") || document.getElementById("search");
    if (!search) return;
    event.preventDefault();
    search.focus();
    search.select();
    return;
  }
  if (event.key !== "ArrowDown" && event.key !== "ArrowUp") return;
  const list = event.target.closest("[data-rows]") || document.querySelector("main [data-rows] a")?.closest("[data-rows]");
  if (!list || !(list.contains(event.target) || event.target === document.body || event.target.id === "main")) return;
  const rows = all("tbody tr, :scope > li", list).map((row) => row.querySelector("a, button")).filter(Boolean);
  const here = rows.findIndex((target) => target.closest("tr, li").contains(event.target));
  const next = here < 0 ? 0 : here + (event.key === "ArrowDown" ? 1 : -1);
  if (next < 0 || next >= rows.length) return;
  event.preventDefault();
  rows[next].focus();
});

if (document.querySelector("form[data-upload]")) {
  const { start } = await import("./upload.js");
  for (const form of all("form[data-upload]")) start(form);
}
