// The page around the canvas: runs, dialogs, theme, keys. It talks to Python through the routes
// of app/server.py and through XREAL.tell (one Gradio event); to the canvas through XREAL.canvas.
(() => {
  "use strict";
  const XREAL = (window.XREAL = window.XREAL || {});
  const page = XREAL.page;
  const { $, say, ask } = page;
  const POLL_MS = 200;
  const LOST_MS = 15000; // a run that the server does not know by then will not come
  const VERBS = ["Generate", "Insert", "Erase", "Outpaint", "Upscale"];
  let job = null; // id of the run that is followed, from the press of the button to its end
  let sent = 0; // when it was pressed
  let engine = { state: "loading" };
  let verb = "Generate";
  let drawn = { empty: true };

  const canvas = () => XREAL.canvas || null;
  const summary = (page.summary = () => (canvas() ? canvas().summary() : drawn));
  const number = () =>
    crypto.randomUUID
      ? crypto.randomUUID()
      : Array.from(crypto.getRandomValues(new Uint8Array(16)), (b) =>
          b.toString(16).padStart(2, "0")).join("");

  // ---- runs ------------------------------------------------------------------------------

  // Before Gradio sends the run: the newest drawing, a job id, and the finding that is chosen.
  page.send = async (values) => {
    const id = number();
    const chosen = summary().selected;
    follow(id, "Sending the drawing");
    try {
      values[0] = await canvas().flush(id);
    } catch (fault) {
      ended({ state: "failed", sentence: "The drawing could not be sent. " + fault.message });
      throw fault;
    }
    values[1] = JSON.stringify({ job: id, selected: chosen === undefined ? null : chosen });
    return values;
  };

  function follow(id, text) {
    job = id;
    sent = performance.now();
    document.body.dataset.run = "running";
    if (canvas()) canvas().note(null);
    progress(text, "", 0);
    poll(id);
  }

  async function poll(id) {
    if (id !== job) return;
    let view = null;
    try {
      view = await (await ask("/api/jobs/" + id)).json();
    } catch {
      say("run-status", "Connection lost. Trying again.");
    }
    if (id !== job) return;
    if (view && ["done", "stopped", "failed"].includes(view.state)) return ended(view);
    if (view) show(view);
    setTimeout(() => poll(id), view ? POLL_MS : 1000);
  }

  function show(view) {
    if (view.state === "unknown") {
      if (performance.now() - sent > LOST_MS) {
        ended({ state: "failed", sentence: "The run did not arrive. Nothing is lost; try again." });
      }
      return;
    }
    if (view.state === "queued") {
      const many = view.ahead === 1 ? "1 run ahead" : view.ahead + " runs ahead";
      progress("Waiting: " + many, left(view.seconds_left), 0);
      return;
    }
    const which = view.variations > 1 ? `Picture ${view.variation} of ${view.variations}, ` : "";
    const stage = view.stage ? view.stage[0].toUpperCase() + view.stage.slice(1) : "Starting";
    const step = view.total ? `, step ${view.done} of ${view.total}` : "";
    const fraction = view.total ? view.done / view.total : 0;
    progress(which + (which ? stage.toLowerCase() : stage) + step, left(view.seconds_left), fraction);
    stages(view.stages, view.stage);
    if (view.preview && canvas()) {
      canvas().preview(view.preview, `Preview${step}`, fraction);
    }
  }

  function left(seconds) {
    return seconds === null || seconds === undefined ? "" : `${Math.max(1, Math.round(seconds))} s left`;
  }

  function progress(text, rest, fraction) {
    say("run-status", text);
    say("run-left", rest);
    const bar = $("#run-lines .bar");
    if (!bar) return;
    bar.hidden = false;
    bar.setAttribute("aria-valuenow", String(Math.round(fraction * 100)));
    bar.firstElementChild.style.width = `${Math.max(2, fraction * 100)}%`;
  }

  function stages(finished, now) {
    const line = $("#run-lines .stages");
    if (!line) return;
    line.hidden = !finished.length;
    line.replaceChildren(
      ...finished.map(([name, seconds]) => chip(`\u2713 ${name} ${seconds.toFixed(1)} s`, "ok")),
      chip(`\u25CF ${now}`, "now"),
    );
  }

  function chip(text, kind) {
    const span = document.createElement("span");
    span.textContent = text;
    span.className = kind;
    return span;
  }

  function ended(view) {
    const id = job;
    job = null;
    document.body.dataset.run = "idle";
    const bar = $("#run-lines .bar");
    if (bar) bar.hidden = true;
    const line = $("#run-lines .stages");
    if (line) line.hidden = true;
    say("run-left", "");
    const seconds = ((performance.now() - sent) / 1000).toFixed(1);
    say("run-status", view.state === "done" ? `Done in ${seconds} s.` : view.sentence);
    if (canvas()) canvas().preview(null);
    if (canvas() && view.state !== "done") {
      const failed = view.state === "failed";
      canvas().note({
        tone: failed ? "bad" : "",
        title: failed ? "The picture could not be made." : view.sentence,
        text: failed ? view.sentence : "The drawing is as it was. Finished pictures are in the history.",
        buttons: [{ label: "Run again", kind: "run" }],
      });
    }
    tell({ kind: "ended", job: id });
    look();
    describe();
  }

  // To Python, with the revision of the drawing that the answer will be made from.
  const tell = (page.tell = (told) => {
    const now = summary();
    if (XREAL.tell) XREAL.tell({ ...told, doc: now.doc, rev: now.rev });
  });

  // A slider of the anatomy was let go, or a key moved it: one change of the drawing each.
  document.addEventListener("change", (event) => {
    if (!event.target.closest || !event.target.closest("#shape")) return;
    setTimeout(() => {
      const told = { kind: "shape" };
      for (const name of ["ratio", "volume", "rotation", "habitus", "view"]) {
        told[name] = Number($(`#shape-${name} input[type=range]`).value);
      }
      tell(told);
    });
  });

  page.note = (note) => {
    if (!note) return;
    say("run-status", note.text);
    if (canvas()) canvas().note({ tone: note.tone, title: note.text, text: "", buttons: [] });
  };

  page.stop = () => {
    if (!job) return;
    say("run-status", "Stopping");
    ask(`/api/jobs/${job}/stop`, { method: "POST" }).catch(() => {});
  };

  page.run = () => {
    const button = $("#run");
    if (button && !job) button.click();
  };

  // ---- what can be asked -----------------------------------------------------------------

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

  function reason() {
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

  function describe() {
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
    const reads = $("#reads .lead");
    if (reads && engine.reads) {
      reads.textContent = engine.free_text
        ? "This model reads free text."
        : `This model knows: ${engine.reads.join(", ")}. Other words are named and left out.`;
    }
    const state = String(summary().state);
    const proposal = $("#proposal");
    if (proposal) proposal.hidden = !(engine.proposals || []).includes(state);
    const exportable = (engine.exportable || []).includes(state);
    const out = $("#bar-export");
    if (out) {
      out.setAttribute("aria-disabled", exportable ? "false" : "true");
      out.title = exportable ? "Export the picture with its recipe (Ctrl+E)" : "Nothing to export yet";
    }
  }

  // ---- the engine and the document ---------------------------------------------------------

  let again = 0;

  async function look() {
    clearTimeout(again);
    try {
      const before = engine.state;
      engine = await (await ask("/api/desk")).json();
      const chip = $("#engine-status");
      if (chip) {
        chip.dataset.state = engine.state;
        chip.title = engine.sentence || engine.device || "";
      }
      say("engine-name", engine.name);
      say("document-title", engine.title);
      say("document-state", engine.document);
      if (engine.job && !job) {
        sent = performance.now();
        follow(engine.job, "Running");
      }
      if (before === "loading" && engine.state !== "loading") tell({ kind: "loaded" });
    } catch {
      again = setTimeout(look, 1000);
      return;
    }
    describe();
    if (engine.state === "loading") again = setTimeout(look, 400);
  }
  page.look = look;

  // ---- keys and clicks --------------------------------------------------------------------

  function choose(name) {
    const radio = [...document.querySelectorAll("#verb input")].find((r) => r.value === name);
    if (radio) radio.click();
  }

  const clicks = {
    ...page.clicks,
    "bar-open": () => canvas() && canvas().open(),
    "bar-keys": () => canvas() && canvas().keys(),
    accept: () => tell({ kind: "accept" }),
    discard: () => tell({ kind: "discard" }),
  };

  document.addEventListener("click", (event) => {
    const button = event.target.closest && event.target.closest("button");
    if (!button) return;
    if (button.id === "run" && (button.getAttribute("aria-disabled") === "true" || job)) {
      event.preventDefault();
      event.stopImmediatePropagation();
      if (!job) say("run-status", reason() || "");
      return;
    }
    if (button.id === "stop") page.stop();
    else if (clicks[button.id]) clicks[button.id]();
  }, true);

  document.addEventListener("xreal", (event) => {
    const told = event.detail || {};
    if (told.kind === "changed") {
      drawn = told.summary || drawn;
      mirror(drawn);
      describe();
    } else if (told.kind === "run") page.run();
    else if (told.kind === "stop") page.stop();
    else if (told.kind === "export") page.openExport();
    else if (told.kind === "template") page.openTemplates();
    else if (told.kind === "verb") choose(VERBS.find((v) => v.toLowerCase() === told.verb.toLowerCase()));
    else if (told.kind === "report") $("#report textarea")?.focus();
    else if (told.kind === "theme") clicks["bar-theme"]();
    else if (told.kind === "fold") document.body.classList.toggle("folded");
    else if (told.kind === "accept" || told.kind === "discard") {
      if ($("#proposal")?.hidden === false) clicks[told.kind]();
    }
  });

  // The Words box shows the words of the finding that is chosen on the canvas.
  function mirror(now) {
    const box = $("#words textarea");
    if (!box || document.activeElement === box) return;
    const finding = (now.findings || []).find((f) => f.bit === now.selected);
    const words = finding ? finding.words : "";
    if (box.value === words) return;
    box.value = words;
  }

  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented) return;
    const key = event.key.toLowerCase();
    const ctrl = event.ctrlKey || event.metaKey;
    if (ctrl && key === "enter") page.run();
    else if (ctrl && key === "o") clicks["bar-open"]();
    else if (ctrl && key === "e") page.openExport();
    else if (key === "escape" && job && !document.querySelector("dialog[open]")) page.stop();
    else return;
    event.preventDefault();
  });

  document.addEventListener("input", (event) => {
    if (event.target.closest && event.target.closest("#ask")) describe();
  });
  document.addEventListener("change", (event) => {
    if (event.target.closest && event.target.closest("#keep")) page.verb(verb);
    if (event.target.closest && event.target.closest("#ask")) describe();
  });

  // Gradio labels its groups of radios by a span only; say it to assistive software as well.
  function nameGroups() {
    let all = true;
    for (const [id, name] of [["verb", "Verb"], ["quality", "Quality"], ["change", "Change"], ["keep", "Keep"]]) {
      const group = document.querySelector(`#${id} > .wrap:not([data-testid])`);
      if (group) {
        group.setAttribute("role", "radiogroup");
        group.setAttribute("aria-label", name);
      } else all = all && id === "quality"; // made when Details is opened
    }
    const ask = $("#ask");
    if (ask && !ask.dataset.verb) page.verb(verb);
    return Boolean(all && ask && canvas());
  }

  let stored = "dark";
  try {
    stored = localStorage.getItem("xreal-theme") || "dark";
  } catch {
    // as above
  }
  document.addEventListener("DOMContentLoaded", () => page.theme(stored));
  const begin = () => {
    if (!nameGroups()) return setTimeout(begin, 50);
    new MutationObserver(nameGroups).observe($("#ask"), { childList: true, subtree: true });
    page.theme(stored);
    drawn = canvas().summary();
    page.verb(verb);
    look();
  };
  begin();
})();
