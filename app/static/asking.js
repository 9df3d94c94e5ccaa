// What the request panel asks for: which verb, why it cannot run yet, the words of the chosen
// finding. Loaded after runs.js.
(() => {
  "use strict";
  const XREAL = (window.XREAL = window.XREAL || {});
  const page = XREAL.page;
  const { $, say } = page;
  let verb = "Generate";

  const canvas = () => XREAL.canvas || null;
  const summary = () => page.summary();

  page.verb = (name) => {
    verb = name;
    const panel = $("#ask");
    if (panel) panel.dataset.verb = name.toLowerCase();
    const button = $("#run");
    if (button) button.textContent = name;
    if (canvas()) {
      const keeps = name === "Outpaint" && $("#keep input:checked")?.value === "Painted area";
      canvas().area(name === "Erase" ? "erase" : keeps ? "keep" : null);
    }
    describe();
  };

  // The words of the chosen finding, typed or picked in the request panel.
  page.name = (words) => {
    const chosen = summary().selected;
    if (canvas() && chosen !== null && chosen !== undefined) canvas().words(chosen, words || "");
    return words || "";
  };

  page.reason = reason;
  function reason() {
    const engine = page.engine();
    const now = summary();
    const picture = now.picture;
    if (engine.state === "failed") return engine.sentence;
    const cannot = engine.can && engine.can[verb.toLowerCase()];
    if (cannot) return cannot;
    if (verb !== "Generate" && !picture) return "Open or generate a picture first.";
    if (verb === "Insert" && !(now.findings || []).some((f) => f.pixels)) {
      return "Paint a region for A first.";
    }
    if (verb === "Erase" && !now.erase) return "Paint over what should go.";
    if (verb === "Outpaint") {
      const painted = $("#keep input:checked")?.value === "Painted area";
      const sides = ["top", "right", "left", "bottom"].map((s) => $(`#add-${s} input`)?.value || 0);
      if (painted && !now.keep) return "Paint the area to keep.";
      if (!painted && !sides.some((s) => Number(s) > 0)) return "Add at least one side.";
    }
    if (verb === "Upscale" && Math.max(now.w || 0, now.h || 0) >= 1024) {
      return "The picture is already 1024 px.";
    }
    return null;
  }

  page.describe = describe;
  function describe() {
    const engine = page.engine();
    const button = $("#run");
    if (!button) return;
    const why = reason();
    button.setAttribute("aria-disabled", why ? "true" : "false");
    button.title = why || `${verb} (Ctrl+Enter)`;
    let text = why;
    if (!text) {
      const seconds = engine.seconds && engine.seconds[verb.toLowerCase()];
      const nothing = verb === "Generate" && summary().empty && !$("#report textarea")?.value.trim();
      text = nothing ? "Nothing asked: the model chooses everything." : "";
      if (seconds) text += `${text ? " " : ""}About ${Math.max(1, Math.round(seconds))} s here.`;
      if (engine.state === "loading") text = "The models are loading; the first run waits for them.";
    }
    say("why", text);
    const state = String(summary().state);
    const proposal = $("#proposal");
    if (proposal) proposal.hidden = !(engine.proposals || []).includes(state);
  }

  // The Words box shows the words of the finding that is chosen on the canvas.
  page.mirror = (now) => {
    const box = $("#words textarea");
    if (!box || document.activeElement === box) return;
    const finding = (now.findings || []).find((f) => f.bit === now.selected);
    const words = finding ? finding.words : "";
    if (box.value === words) return;
    box.value = words;
  };

  // A slider of the anatomy was let go, or a key moved it: one change of the drawing each.
  document.addEventListener("change", (event) => {
    if (!event.target.closest || !event.target.closest("#shape")) return;
    setTimeout(() => {
      const told = { kind: "shape" };
      for (const name of ["ratio", "volume", "rotation", "habitus", "view"]) {
        told[name] = Number($(`#shape-${name} input[type=range]`).value);
      }
      page.tell(told);
    });
  });

  document.addEventListener("input", (event) => {
    if (event.target.closest && event.target.closest("#ask")) describe();
  });
  document.addEventListener("change", (event) => {
    if (event.target.closest && event.target.closest("#keep")) page.verb(verb);
    if (event.target.closest && event.target.closest("#ask")) describe();
  });
})();
