// Example projects: small synthetic documents, offered on an empty page and below the templates.
// Loaded after gallery.js.
(() => {
  "use strict";
  const XREAL = (window.XREAL = window.XREAL || {});
  const page = XREAL.page;
  const { $ } = page;

  function make(tag, properties, ...inside) {
    const node = Object.assign(document.createElement(tag), properties);
    node.append(...inside);
    return node;
  }

  function button({ name, title, about, verb }) {
    const image = make("img", { src: `/api/examples/${name}.png`, alt: "", loading: "lazy" });
    const made = make("button", { type: "button", title: `${about}. Synthetic` }, image,
      make("span", {}, make("b", {}, title), make("small", {}, about)));
    made.addEventListener("click", () => open(name, verb));
    return made;
  }

  // The document at work is saved first and is among the recent ones afterwards.
  async function open(name, verb) {
    if ($("#templates-dialog").open) $("#templates-dialog").close();
    if (page.save) await page.save();
    page.tell({ kind: "example", name });
    [...document.querySelectorAll("#verb input")].find((radio) => radio.value === verb)?.click();
    if (XREAL.canvas) XREAL.canvas.focus();
  }

  async function begin() {
    const first = $("#editor .first");
    if (!first || !$("#templates-dialog .examples")) return void setTimeout(begin, 100);
    const known = await (await page.ask("/api/examples")).json().catch(() => []);
    if (!known.length) return;
    const below = $("#templates-dialog .examples");
    below.querySelector(".three").replaceChildren(...known.map(button));
    below.hidden = false;
    const group = make("div", { className: "examples" }, make("h3", {}, "Or look at an example (synthetic)"),
      make("div", { className: "three" }, ...known.map(button)));
    group.setAttribute("role", "group");
    group.setAttribute("aria-label", "Examples");
    first.append(group);
  }
  begin().catch(() => {}); // without the server there is nothing to open, either
})();
