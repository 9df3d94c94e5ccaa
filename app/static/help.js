// The help card: what is below the keys (limits, version, licence, the tour again). The keys
// themselves are the canvas's, which knows which there are. Loaded after dialogs.js.
(() => {
  "use strict";
  const XREAL = (window.XREAL = window.XREAL || {});
  const page = XREAL.page;

  function make(tag, properties, ...inside) {
    const node = Object.assign(document.createElement(tag), properties);
    node.append(...inside);
    return node;
  }

  async function about() {
    const answer = await page.ask("/api/about");
    const { version, licence, limits } = await answer.json();
    const tour = make("button", { type: "button", className: "btn", id: "show-tour" }, "Show the tour");
    tour.addEventListener("click", () => {
      const card = document.querySelector(".keys-card");
      card.addEventListener("close", () => page.tour(), { once: true }); // after its focus went back
      card.close();
    });
    return make("section", { className: "about" },
      make("h3", {}, "What the models that ship cannot do"),
      make("ul", {}, ...limits.map((text) => make("li", {}, text))),
      make("div", { className: "row" }, make("p", {}, make("b", {}, "Not for diagnosis."), ` Every picture that leaves says that it is synthetic. XReal Studio ${version}, licence ${licence}; models that you bring in have their own, see Models.`), tour));
  }

  // Added when the card is first opened: the canvas builds it some time after this script runs.
  page.help = async () => {
    if (!XREAL.canvas) return;
    XREAL.canvas.keys();
    const card = document.querySelector(".keys-card");
    if (!card || card.querySelector(".about")) return;
    try {
      const section = await about();
      if (!card.querySelector(".about")) card.append(section);
    } catch {
      // without the server there are the keys; the next opening asks again
    }
  };

  // The card is opened by its key inside the canvas, too.
  new MutationObserver((changes) => {
    for (const { target } of changes) {
      if (target.open && target.classList?.contains("keys-card") && !target.querySelector(".about")) page.help();
    }
  }).observe(document.documentElement, { subtree: true, attributeFilter: ["open"] });
})();
