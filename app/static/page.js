// The page around the canvas: engine and document in the bar, keys, clicks, start. It talks to
// Python through XREAL.tell (one Gradio event). Loaded after reports.js.
(() => {
  "use strict";
  const XREAL = (window.XREAL = window.XREAL || {});
  const page = XREAL.page;
  const { $, say, ask } = page;
  const VERBS = ["Generate", "Insert", "Erase", "Outpaint", "Upscale"];
  let engine = { state: "loading" };
  let drawn = { empty: true };

  const canvas = () => XREAL.canvas || null;
  const summary = (page.summary = () => (canvas() ? canvas().summary() : drawn));
  page.engine = () => engine;

  // To Python, with the revision of the drawing that the answer will be made from. One after another:
  // an answer must not be overtaken by the one before it. What is told before the page's framework
  // listens waits for it.
  const UNANSWERED_MS = 10000; // a server that is gone answers nothing; the next is tried all the same
  const waiting = [];
  let asking = 0; // timer of the one that is on its way

  page.tell = tell;
  function tell(told) {
    waiting.push(told);
    next();
  }
  function next() {
    if (asking || !waiting.length || !XREAL.tell) return;
    asking = setTimeout(page.answered, UNANSWERED_MS);
    const now = summary();
    XREAL.tell({ ...waiting.shift(), doc: now.doc, rev: now.rev });
  }
  page.answered = () => {
    clearTimeout(asking);
    asking = 0;
    next();
  };

  // ---- the engine and the document ---------------------------------------------------------

  let again = 0;
  let looks = 0; // an answer that is overtaken by a newer question says nothing any more

  async function look() {
    clearTimeout(again);
    const mine = ++looks;
    try {
      const before = engine, answer = await (await ask("/api/desk")).json();
      if (mine !== looks) return;
      engine = answer;
      const chip = $("#engine-status");
      if (chip) {
        chip.dataset.state = engine.state;
        chip.title = engine.sentence || engine.device || "";
      }
      say("engine-name", engine.name);
      say("document-title", engine.title);
      if (page.saved) page.saved(engine);
      if (engine.job && !page.job()) page.follow(engine.job, "Running");
      // The models have arrived, or others were chosen on the Models page.
      const other = before.state === "loading" || before.name !== engine.name;
      if (other) page.forgetWords();
      if (other && engine.state !== "loading") tell({ kind: "loaded" });
      if (other && engine.state !== "loading") document.dispatchEvent(new Event("engine"));
    } catch {
      again = setTimeout(look, 1000);
      return;
    }
    page.describe();
    if (engine.state === "loading") again = setTimeout(look, 400);
  }
  page.look = look;
  document.addEventListener("visibilitychange", () => document.hidden || look());

  // ---- keys and clicks --------------------------------------------------------------------

  function choose(name) {
    const radio = [...document.querySelectorAll("#verb input")].find((r) => r.value === name);
    if (radio) radio.click();
  }

  const clicks = {
    ...page.clicks,
    "bar-keys": () => canvas() && canvas().keys(),
    "new-patient": () => page.newPatient(),
    "same-seed": () => page.sameSeed(),
    retry: () => page.runWith({ retry: Number(summary().state) }),
    accept: () => tell({ kind: "accept", state: Number(summary().state) }),
    discard: () => tell({ kind: "discard", state: Number(summary().state) }),
  };

  document.addEventListener("click", (event) => {
    const button = event.target.closest && event.target.closest("button");
    if (!button) return;
    const refused = button.getAttribute("aria-disabled") === "true" && !page.extra;
    if (button.id === "run" && (refused || page.job())) {
      event.preventDefault();
      event.stopImmediatePropagation();
      if (!page.job()) say("run-status", page.reason() || "");
      return;
    }
    if (button.id === "stop") page.stop();
    else if (clicks[button.id]) clicks[button.id]();
    else if (page.clicks[button.id]) page.clicks[button.id]();
  }, true);

  document.addEventListener("xreal", (event) => {
    const told = event.detail || {};
    if (told.kind === "changed") {
      drawn = told.summary || drawn;
      page.mirror(drawn);
      page.describe();
    } else if (told.kind === "only" || told.kind === "again") page.runWith({ [told.kind]: told.bit });
    else if (told.kind === "run") page.run();
    else if (told.kind === "stop") page.stop();
    else if (told.kind === "export") page.openExport();
    else if (told.kind === "save") page.saveProject();
    else if (told.kind === "template") page.openTemplates();
    else if (told.kind === "verb") choose(VERBS.find((v) => v.toLowerCase() === told.verb.toLowerCase()));
    else if (told.kind === "report") $("#report textarea")?.focus();
    else if (told.kind === "theme") clicks["bar-theme"]();
    else if (told.kind === "fold") page.foldAsk();
    else if (told.kind === "accept" || told.kind === "discard") {
      if ($("#proposal")?.hidden === false) clicks[told.kind]();
    }
  });

  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented) return;
    const key = event.key.toLowerCase();
    const ctrl = event.ctrlKey || event.metaKey;
    if (ctrl && key === "enter") page.run();
    else if (ctrl && key === "o") page.clicks["bar-open"]();
    else if (ctrl && key === "e") page.openExport();
    else if (key === "escape" && page.dismiss()) { /* a message is gone */ }
    else if (key === "escape" && page.job() && !document.querySelector("dialog[open]")) page.stop();
    else return;
    event.preventDefault();
  });

  // Gradio labels its groups of radios by a span only; say it to assistive software as well.
  function nameGroups() {
    let all = true;
    for (const [id, name] of [["verb", "Verb"], ["quality", "Quality"], ["change", "Change"], ["keep", "Keep"], ["method", "Method"]]) {
      const group = document.querySelector(`#${id} > .wrap:not([data-testid])`);
      if (group) {
        group.setAttribute("role", "radiogroup");
        group.setAttribute("aria-label", name);
      } else all = all && (id === "quality" || id === "method"); // made when Details is opened
    }
    const ask = $("#ask");
    if (ask && !ask.dataset.verb) page.verb("Generate");
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
    page.verb("Generate");
    look();
  };
  begin();
})();
