// Details: the line of the closed panel, the seconds of each quality, the model's own values, and
// only those controls that the models can obey. Loaded after asking.js.
(() => {
  "use strict";
  const XREAL = (window.XREAL = window.XREAL || {});
  const page = XREAL.page;
  const { $ } = page;

  // Changes the words of a node without taking the node away from the page's framework.
  const write = (node, text) => {
    const words = node && [...node.childNodes].find((n) => n.nodeType === 3 && n.data.trim());
    if (words && words.data !== text) words.data = text;
  };

  page.quality = () => page.checked("quality") || page.engine().quality || "Standard";

  page.showDetails = () => {
    const engine = page.engine(), verb = page.asked().toLowerCase();
    const quality = page.quality();
    const usual = ((engine.defaults || {})[verb] || {})[quality] || {};
    const steps = page.number("steps") || usual.steps;
    const exact = !!$("#exact input")?.checked;
    const box = $("#seed input"); // there once Details was opened
    const seed = box ? box.value : engine.seed;
    const line = ["Details: " + (exact ? "exact" : quality), steps ? `${steps} steps` : "", seed || seed === 0 ? `seed ${seed}` : ""];
    write($("#details>button>span:first-child") || $("#details>button span"), line.filter(Boolean).join(", "));
    ownValue("steps", usual.steps);
    const painted = (page.summary().findings || []).some((f) => f.pixels);
    ownValue("guidance", verb === "generate" && !painted ? usual.unpainted : usual.guidance);
    seconds((engine.seconds || {})[verb] || {});
    show("method", verb === "generate" && (engine.ways || []).length > 1);
    show("exact", !!engine.exact && verb !== "segment");
    show("sampler", verb !== "upscale" && !exact);
    show("guidance", verb !== "upscale");
  };

  // "12 (model's own)" under a slider of which nothing is asked (panel.css shows it).
  function ownValue(id, value) {
    const block = $(`#${id}`), slider = $(`#${id} input[type=range]`);
    if (!block || value === undefined || value === null) return;
    const own = `${value} (model's own)`, asked = page.number(id);
    if (asked) delete block.dataset.own;
    else block.dataset.own = own;
    if (slider) slider.setAttribute("aria-valuetext", asked ? String(asked) : own);
  }

  function seconds(of) {
    for (const label of document.querySelectorAll("#quality label")) {
      const input = label.querySelector("input"), text = label.querySelector("span");
      if (!input || !text) continue;
      const takes = of[input.value];
      write(text, input.value + (takes ? ` ${Math.max(1, Math.round(takes))} s` : ""));
    }
  }

  function show(id, wanted) {
    const block = $(`#${id}`);
    if (block) block.classList.toggle("not-obeyed", !wanted);
  }

  // Its contents are made when it is opened.
  document.addEventListener("click", (event) => {
    if (event.target.closest && event.target.closest("#details>button")) setTimeout(page.describe, 100);
  });

  // The seed in the corner of the picture is taken for the next run.
  document.addEventListener("click", (event) => {
    const corner = event.target.closest && event.target.closest(".hud-seed");
    if (!corner) return;
    const seed = corner.textContent.replace(/\D/g, "");
    if (seed) page.tell({ kind: "seed", seed: Number(seed) });
  });
})();
