// What the request panel asks for: which verb, which findings, why it cannot run yet, how long it
// will take. Loaded after runs.js.
(() => {
  "use strict";
  const XREAL = (window.XREAL = window.XREAL || {});
  const page = XREAL.page;
  const { $, say } = page;
  const LONGEST_WORDS = 300; // letters; app/canvas/drawing.py refuses longer ones
  let verb = "Generate";

  const canvas = () => XREAL.canvas || null;
  const summary = () => page.summary();
  page.asked = () => verb;
  page.checked = (id) => $(`#${id} input:checked`)?.value;
  page.number = (id) => Number($(`#${id} input[type=number]`)?.value) || 0;

  page.verb = (name) => {
    // What was done by one verb, and how many pixels it changed, is no news of another.
    if (name !== verb && $("#run-status")?.textContent.startsWith("Done")) say("run-status", "");
    verb = name;
    const panel = $("#ask");
    if (panel) panel.dataset.verb = name.toLowerCase();
    const button = $("#run");
    if (button) button.textContent = name;
    if (canvas()) {
      const keeps = name === "Outpaint" && page.checked("keep") === "Painted area";
      canvas().area(name === "Erase" ? "erase" : keeps ? "keep" : null);
    }
    describe();
  };

  // The finding that the panel shows: the chosen one, or the first that a run is about where an
  // organ is chosen in the list.
  page.finding = (now = summary()) => (now.findings || []).find((f) => f.bit === now.selected) || page.findings()[0];

  // The words of that finding, typed or picked in the request panel.
  page.name = (words) => {
    const finding = page.finding(), kept = (words || "").slice(0, LONGEST_WORDS);
    if (canvas() && finding) canvas().words(finding.bit, kept);
    return kept;
  };

  // The findings that a press of Insert is about, in the order of the list; as app/panels/insert.py
  // chooses them: what is painted and not in the picture yet, for Replace and Remove the chosen one.
  page.findings = () => {
    const now = summary(), painted = (now.findings || []).filter((f) => f.pixels);
    const chosen = painted.filter((f) => f.bit === now.selected);
    if ((page.checked("change") || "Insert") !== "Insert") return chosen.length ? chosen : painted;
    const holds = (page.engine().holds || {})[now.state] || [];
    const fresh = painted.filter((f) => !holds.some(([words, px]) => words === f.words.trim() && px === f.pixels));
    return fresh.length ? fresh : chosen.length ? chosen : painted;
  };

  page.reason = reason;
  function reason() {
    const engine = page.engine();
    const now = summary();
    if (engine.state === "failed" && !engine.again) return engine.sentence;
    const cannot = engine.can && engine.can[verb.toLowerCase()];
    if (cannot) return cannot;
    if (verb !== "Generate" && !now.picture) return "Open or generate a picture first.";
    if (verb === "Insert") return reasonToInsert();
    if (verb === "Erase" && !now.erase) return "Paint over what should go.";
    if (verb === "Outpaint") {
      const painted = page.checked("keep") === "Painted area";
      if (painted && !now.keep) return "Paint the area to keep.";
      if (!painted && !Object.values(page.sides()).some((n) => n > 0)) return "Add at least one side.";
    }
    if (verb === "Upscale" && Math.max(now.w || 0, now.h || 0) >= 1024) return "The picture is already 1024 px.";
    return null;
  }

  function reasonToInsert() {
    const asked = page.findings();
    if (!asked.length) return "Paint a region for A first.";
    if (page.checked("change") === "Remove") return null;
    const nameless = asked.find((f) => !f.words.trim());
    if (nameless) return `Say what ${nameless.letter} is: choose a finding, or type words.`;
    return asked.map((f) => page.refused(f.words)).find(Boolean) || null;
  }

  // "Result becomes state 6, a branch of 3."
  function becomes(count) {
    const engine = page.engine(), state = Number(summary().state) || 0, next = engine.next;
    if (!next || (verb === "Generate" && count === 1)) return next ? `Result becomes state ${next}.` : "";
    if ((verb === "Erase" || verb === "Outpaint") && count === 1) return "Result is a proposal.";
    const which = count > 1 ? `become states ${next} to ${next + count - 1}` : `becomes state ${next}`;
    const branch = verb !== "Generate" && state && engine.last && state !== engine.last ? `, a branch of ${state}` : "";
    return `${count > 1 ? "Results" : "Result"} ${which}${branch}.`;
  }

  function time() {
    const engine = page.engine(), seconds = engine.seconds && engine.seconds[verb.toLowerCase()];
    const one = seconds && seconds[page.quality()];
    const many = page.variations();
    const parts = verb === "Insert" ? Math.max(1, page.findings().length) : 1;
    if (!one) return many > 1 ? `${many} pictures, one after another.` : "";
    const all = Math.max(1, Math.round(one * many * parts));
    return many > 1 ? `${many} pictures one after another, about ${all} s.` : `About ${all} s here.`;
  }

  page.variations = () => Number(($("#variations input")?.value || "x 1").replace(/\D/g, "")) || 1;

  page.describe = describe;
  function describe() {
    const button = $("#run");
    if (!button || !page.engine) return; // page.js is still to come
    const engine = page.engine();
    const why = reason();
    button.setAttribute("aria-disabled", why ? "true" : "false");
    button.title = why || `${verb} (Ctrl+Enter)`;
    let text = why;
    if (!text) {
      const nothing = verb === "Generate" && summary().empty && !$("#report textarea")?.value.trim();
      const asked = verb === "Insert" ? page.findings() : [];
      const count = page.variations() * Math.max(1, asked.length);
      const order = asked.length > 1 ? `${asked.map((f) => f.letter).join(", ")} in this order.` : "";
      text = [nothing ? "Nothing asked: the model chooses everything." : "", order, time(), becomes(count)]
        .filter(Boolean).join(" ");
      if (engine.state === "loading") text = "The models are loading; the first run waits for them.";
    }
    say("why", text);
    const state = String(summary().state);
    const proposal = $("#proposal");
    if (proposal) proposal.hidden = !(engine.proposals || []).includes(state);
    if (page.showDetails) page.showDetails();
    if (page.showPatient) page.showPatient();
    if (page.showZones) page.showZones();
  }

  // The Words box shows the words of the finding that the panel is about.
  page.mirror = (now) => {
    const box = $("#words textarea");
    if (!box || document.activeElement === box) return;
    const finding = page.finding(now);
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
    if (event.target.matches && event.target.matches("#words textarea")) page.name(event.target.value);
    if (event.target.closest && event.target.closest("#ask")) describe();
  });
  document.addEventListener("change", (event) => {
    if (event.target.closest && event.target.closest("#keep")) page.verb(verb);
    if (event.target.closest && event.target.closest("#ask")) describe();
  });
})();
