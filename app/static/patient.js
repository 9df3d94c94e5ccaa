// Whose film the next Generate gives: the server compares what is drawn and asked with the last
// generated picture; here its line is shown while one draws, and another patient can be asked for.
// Loaded after details.js.
(() => {
  "use strict";
  const XREAL = (window.XREAL = window.XREAL || {});
  const page = XREAL.page;
  const { $, say } = page;
  const PAUSE_MS = 300;
  let timer = 0, fills = 0, turn = 0;
  let asked = ""; // what the line that is shown was asked about
  let found = null; // the server's answer
  let another = null; // the document in which another patient is wanted

  const canvas = () => XREAL.canvas || null;
  const report = () => $("#report textarea")?.value ?? "";
  const wanted = () => page.asked() === "Generate" && !page.job() && canvas() &&
    (page.engine().generated || page.engine().kept);

  // After every change of the drawing, the words, the panel and the history.
  page.showPatient = () => {
    if (!wanted()) return hide();
    show();
    clearTimeout(timer);
    timer = setTimeout(() => look().catch(() => {}), PAUSE_MS);
  };
  page.filled = () => {
    fills++;
    page.describe();
  };

  async function look() {
    const { doc, rev, state } = page.summary(), engine = page.engine();
    if (!wanted() || canvas().drawing.open() || doc !== engine.doc) return;
    const about = JSON.stringify([doc, rev, state, report(), fills, engine.seed, engine.kept, engine.last, engine.name]);
    if (about === asked) return;
    const mine = ++turn, known = page.onServer?.({ doc, rev });
    const { head, packed } = known ? { head: { doc, rev, state } } : await canvas().packed();
    const body = new Blob([JSON.stringify({ ...head, job: "patient", report: report() }) + "\n", ...(known ? [] : [packed])]);
    const answer = await (await page.ask("/api/patient", { method: "POST", body })).json();
    if (mine !== turn) return;
    asked = about;
    found = answer;
    if (wanted()) show();
  }

  function hide() {
    clearTimeout(timer);
    turn++;
    asked = "";
    const line = $("#patient");
    if (line) line.hidden = true;
  }

  const isAnother = () => another !== null && another === page.summary().doc;

  function show() {
    const line = $("#patient");
    if (!line || !found) return;
    const pressed = isAnother();
    say("patient-is", pressed ? "New patient: another seed is drawn." : found.text);
    line.hidden = !pressed && !found.text;
    $("#new-patient").hidden = !pressed && found.offer !== "new";
    $("#new-patient").setAttribute("aria-pressed", String(pressed));
    $("#same-seed").hidden = pressed || found.offer !== "keep";
  }

  page.newPatient = () => {
    another = isAnother() ? null : page.summary().doc;
    if (another && page.engine().kept) page.tell({ kind: "unkept" });
    show();
  };
  page.sameSeed = () => page.tell({ kind: "seed", seed: found.seed });

  // What goes along with a run; a new patient is asked for once, until one was made.
  page.patientAsked = () => (isAnother() && page.asked() === "Generate" ? { patient: "new" } : {});
  page.patientMade = (view) => {
    if (view.state === "done" || view.pictures?.length || view.results?.length) another = null;
    found = null;
  };
})();
