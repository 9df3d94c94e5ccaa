// First steps: six short notes beside what they speak of. Nothing is covered but the picture, the
// page stays usable, and whoever begins to work has seen enough. Loaded after dialogs.js.
(() => {
  "use strict";
  const XREAL = (window.XREAL = window.XREAL || {});
  const page = XREAL.page;
  const SEEN = "xreal-tour";
  const STEPS = [
    { at: ".xc .rail", side: "left", title: "Tools", text: "Brush and eraser draw the chosen label, the shapes fill areas of it. The letter on a tool is its key while the picture has the focus." },
    { at: ".xc .draw", side: "left", title: "What is drawn", text: "Four organs and any number of findings. Choose one here, then draw it on the picture. Template gives you a whole thorax to change." },
    { at: ".xc .view", side: "bottom", title: "The picture", text: "The patient's right is on your left. The right mouse button changes window and level, the wheel zooms." },
    { at: "#report textarea", side: "right", title: "In words", text: "Write a sentence as in a report. What the model knows of it is drawn; what it does not know is named." },
    { at: "#runbar", side: "right", title: "Make the picture", text: "One press draws it, in seconds here. Stop ends it at once. The same seed gives the same picture." },
    { at: ".xc .film", side: "bottom", title: "History", text: "Every picture and every stage of it stays here. Choose one to go on from it, pin another to compare." },
  ];
  let card = null;
  let step = 0;

  function make(tag, properties, ...inside) {
    const node = Object.assign(document.createElement(tag), properties);
    node.append(...inside);
    return node;
  }

  function remembered() {
    try {
      return localStorage.getItem(SEEN) !== null;
    } catch {
      return true; // a browser that remembers nothing would show it at every visit
    }
  }

  function build() {
    const button = (text, act, name) => {
      const made = make("button", { type: "button", className: "btn" }, text);
      if (name) made.setAttribute("aria-label", name);
      made.addEventListener("click", act);
      return made;
    };
    const next = button("Next", () => (step + 1 < STEPS.length ? show(step + 1) : end()));
    next.classList.add("pri");
    const built = make("section", { id: "tour" },
      make("h2", { className: "tour-title" }), make("p", { className: "tour-text" }),
      make("div", { className: "line" }, make("span", { className: "mute grow tour-count" }),
        button("Skip", () => end(), "Skip the tour"), button("Back", () => show(step - 1)), next));
    built.setAttribute("aria-label", "First steps");
    built.addEventListener("keydown", (event) => {
      if (event.key === "Escape") end();
      else if (event.key === "ArrowRight") next.click();
      else if (event.key === "ArrowLeft" && step) show(step - 1);
      else return;
      event.preventDefault();
      event.stopPropagation();
    });
    return built;
  }

  function show(number) {
    step = Math.max(0, Math.min(number, STEPS.length - 1));
    const { title, text } = STEPS[step];
    card.querySelector(".tour-title").textContent = title;
    card.querySelector(".tour-text").textContent = text;
    card.querySelector(".tour-count").textContent = `${step + 1} of ${STEPS.length}`;
    const [, back, next] = card.querySelectorAll("button");
    back.setAttribute("aria-disabled", String(step === 0));
    next.textContent = step + 1 < STEPS.length ? "Next" : "Done";
    place();
  }

  // Inside the viewport, at the edge that is nearest to what is spoken of: no control is covered.
  function place() {
    for (const marked of document.querySelectorAll(".tour-at")) marked.classList.remove("tour-at");
    const { at, side } = STEPS[step];
    const target = document.querySelector(at);
    const view = document.querySelector(".xc .view")?.getBoundingClientRect();
    if (!target || !view) return;
    target.classList.add("tour-at");
    const box = target.getBoundingClientRect();
    const wide = card.offsetWidth, tall = card.offsetHeight, gap = 12;
    const beside = Math.min(Math.max(box.top, view.top + 48), view.bottom - tall - gap);
    const top = side === "bottom" ? view.bottom - tall - gap : beside;
    const left = side === "left" ? view.left + gap : side === "right" ? view.right - wide - gap : view.left + (view.width - wide) / 2;
    Object.assign(card.style, { top: `${Math.max(44, top)}px`, left: `${Math.max(8, left)}px` });
  }

  function end() {
    if (!card) return;
    for (const marked of document.querySelectorAll(".tour-at")) marked.classList.remove("tour-at");
    const held = card.contains(document.activeElement);
    card.remove();
    card = null;
    for (const [kind, listener] of away) document.removeEventListener(kind, listener, true);
    window.removeEventListener("resize", place);
    try {
      localStorage.setItem(SEEN, "seen");
    } catch {
      // it will not begin by itself in such a browser
    }
    if (held && XREAL.canvas) XREAL.canvas.focus();
  }

  const outside = (event) => {
    if (card && !card.contains(event.target)) end();
  };
  const typed = (event) => {
    if (!["Tab", "Shift", "Control", "Alt", "Meta"].includes(event.key)) outside(event);
  };
  const away = [["pointerdown", outside], ["keydown", typed], ["drop", outside]];

  // The tour from its beginning; ``quiet`` leaves the focus where it is.
  page.tour = (quiet) => {
    if (card) end();
    card = build();
    document.querySelector("#bar header").after(card);
    show(0);
    for (const [kind, listener] of away) document.addEventListener(kind, listener, true);
    window.addEventListener("resize", place);
    if (quiet !== true) card.querySelectorAll("button")[2].focus();
  };

  // Once, on the first visit, and only before anything was drawn or opened.
  function begin() {
    if (remembered()) return;
    if (!XREAL.canvas || !page.summary || !document.querySelector("#report textarea")) return void setTimeout(begin, 200);
    if (page.summary().empty && !page.summary().picture && !document.querySelector("dialog[open]")) page.tour(true);
  }
  setTimeout(begin, 300);
})();
