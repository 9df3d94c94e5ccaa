// The document is never lost: saved on the server two seconds after the last change, kept in this
// browser while the server cannot be reached, worked on in one tab at a time. Loaded after page.js.
(() => {
  "use strict";
  const XREAL = (window.XREAL = window.XREAL || {});
  const page = XREAL.page;
  const { $, say } = page;
  const AGAIN_MS = 1000, FULL_MS = 5000, ANSWER_MS = 30000;
  const LOST = "Connection lost. Trying again.";
  let changed = false; // something is not on the server yet
  let kept = false; // but it is in this browser
  let lost = false; // the server did not answer
  let fault = ""; // why it could not write
  let saved = null; // seconds since 1970
  let empty = true;
  let sentRev = null, sentDoc = null; // of the drawing that is on the server
  let saving = null, timer = 0;
  let readOnly = false;

  const canvas = () => XREAL.canvas || null;
  const owner = () => page.engine().owner;
  const report = () => $("#report textarea")?.value ?? "";

  // ---- what the bar says ---------------------------------------------------------------------

  function status() {
    const time = saved === null ? "" : new Date(saved * 1000).toLocaleTimeString("en-GB");
    say("document-state",
      readOnly ? "Read-only: open in another tab"
        : fault ? `Not saved: ${fault}`
        : lost && changed ? kept ? "Kept in this browser" : "Not saved yet"
        : changed ? "Changed, not saved yet"
        : empty || saved === null ? "Empty" : `Saved ${time}`);
    const nothing = empty && !changed;
    const wait = document.body.dataset.run === "running" || coming !== 0;
    for (const [id, what] of [["bar-save", "Save the project to a file (Ctrl+S)"], ["bar-export", "Export (Ctrl+E)"]]) {
      const button = document.getElementById(id);
      if (!button) continue;
      const still = wait && id === "bar-export";
      button.setAttribute("aria-disabled", String(nothing || still));
      button.title = nothing ? "Nothing to export yet" : still ? "The new picture is on its way" : what;
    }
  }

  // After a run its picture is on its way for a moment: what is exported then would be the old one.
  let coming = 0;
  const arrived = () => { clearTimeout(coming); coming = 0; status(); };
  new MutationObserver((changes) => {
    if (changes.some((one) => one.oldValue === "running") && document.body.dataset.run !== "running") {
      clearTimeout(coming);
      coming = page.brings ? setTimeout(arrived, 3000) : 0;
    }
    status();
  }).observe(document.body, { attributes: true, attributeFilter: ["data-run"], attributeOldValue: true });
  let shownState = null;
  document.addEventListener("xreal", (event) => {
    if (event.detail?.kind !== "changed" || event.detail.summary.state === shownState) return;
    shownState = event.detail.summary.state;
    if (coming) page.look().then(arrived);
  });

  // What the server says of itself; a change that it has not seen counts more.
  page.saved = (engine) => {
    if (!changed) ({ saved, empty } = engine);
    if (!changed || engine.fault) fault = engine.fault || "";
    status();
  };

  // ---- saving ----------------------------------------------------------------------------------

  const soon = (ms) => {
    clearTimeout(timer);
    timer = setTimeout(() => save().catch(() => {}), ms);
  };

  page.onServer = ({ doc, rev }) => rev === sentRev && doc === sentDoc;

  async function body() {
    const { head, packed } = await canvas().packed();
    const told = { ...head, job: "save", report: report(), look: canvas().look() };
    const known = page.onServer(head);
    return { told, packed, blob: new Blob([JSON.stringify(told) + "\n", ...(known ? [] : [packed])]) };
  }

  // True when all that was drawn and typed until now is written on the server's disk.
  async function save() {
    if (readOnly || !canvas()) return false;
    while (saving) await saving; // of several that waited one goes on, the others after it
    if (!changed) return !fault;
    if (canvas().drawing.open()) return soon(300), false; // a stroke goes on
    saving = send().catch((error) => { fault = error.message; return false; });
    const done = await saving;
    saving = null;
    status();
    return done;
  }
  page.save = async () => {
    if (canvas()) canvas().finish();
    return save();
  };

  async function send() {
    const { told, packed, blob } = await body();
    changed = false; // what changes from here on is the next save's
    let answer = null;
    try {
      answer = await fetch("/api/save", { method: "POST", body: blob, signal: AbortSignal.timeout(ANSWER_MS) });
    } catch {
      return failed(told, packed, "", AGAIN_MS);
    }
    if (answer.status === 401) {
      await failed(told, packed, "you are logged out.", 0); // kept here until the same person is back
      XREAL.loggedOut?.();
      return false;
    }
    if (!answer.ok) return failed(told, packed, await page.refusal(answer), answer.status === 409 ? 0 : FULL_MS);
    const found = await answer.json();
    if (found.fault) return failed(told, packed, found.fault, FULL_MS);
    ({ saved } = found);
    sentRev = told.rev;
    sentDoc = told.doc;
    fault = "";
    empty = false;
    connected();
    if (!changed) await forget(told.doc);
    kept = false;
    keepSteps();
    return !changed;
  }

  // What can be taken back goes along, for after a reload. A document without it is whole all the same.
  async function keepSteps() {
    try {
      const { doc, rev, packed } = await canvas().steps();
      if (rev === sentRev && doc === sentDoc) await page.ask(`/api/steps?doc=${doc}&rev=${rev}`, { method: "POST", body: packed });
    } catch { /* a reload will find less to take back */ }
  }
  async function takeSteps() {
    const { doc, rev } = page.summary();
    const answer = await page.ask(`/api/steps?doc=${doc}&rev=${rev}`);
    if (answer.status === 200) await canvas().stepsBack(new Uint8Array(await answer.arrayBuffer()));
  }

  async function failed(told, packed, why, again) {
    changed = true;
    fault = why;
    if (!why) disconnected();
    kept = await keep(told, packed);
    if (again) soon(again);
    status();
    return false;
  }

  function disconnected() {
    lost = true;
    say("run-status", LOST);
  }

  function connected() {
    if (lost && $("#run-status")?.textContent === LOST) say("run-status", "");
    lost = false;
  }

  document.addEventListener("xreal", (event) => {
    const { kind } = event.detail || {};
    if (kind === "unsaved") unsaved();
    else if (kind === "save-soon") save();
    else if (kind === "restarted") page.look().then(begin); // shown anew, with nothing to take back
  });
  const unsaved = (page.unsaved = () => {
    changed = true;
    status();
  });

  addEventListener("beforeunload", (event) => {
    if (changed && !kept && !readOnly) event.preventDefault();
  });
  document.addEventListener("visibilitychange", () => {
    if (document.hidden && changed) save();
  });

  // ---- kept in this browser ----------------------------------------------------------------------

  const opened = () => new Promise((done, fail) => {
    const asked = indexedDB.open("xreal-studio", 1);
    asked.onupgradeneeded = () => asked.result.createObjectStore("kept", { keyPath: "doc" });
    asked.onsuccess = () => done(asked.result);
    asked.onerror = () => fail(asked.error);
  });
  async function store(mode, act) {
    const base = await opened();
    try {
      return await new Promise((done, fail) => {
        const change = base.transaction("kept", mode);
        const asked = act(change.objectStore("kept"));
        change.oncomplete = () => done(asked.result);
        change.onerror = change.onabort = () => fail(change.error);
      });
    } finally { base.close(); }
  }
  const keep = (told, packed) =>
    store("readwrite", (all) => all.put({ doc: told.doc, owner: owner(), told, packed, at: Date.now() })).then(() => true, () => false);
  const forget = (doc) => store("readwrite", (all) => all.delete(doc)).catch(() => {});

  // A drawing that the server never got is newer than what it gave: one step of the undo stack.
  async function takeKept(engine) {
    const found = await store("readonly", (kept) => kept.getAll()).catch(() => []);
    const all = found.filter((one) => one.owner === owner()); // several people may use this browser
    const own = all.find((one) => one.doc === engine.doc);
    const newest = all.sort((a, b) => b.at - a.at)[0];
    const one = own || (engine.empty ? newest : null);
    if (!one) return;
    if (own && engine.rev !== null && own.told.rev < engine.rev) return forget(one.doc);
    const { findings, ...whole } = await canvas().unpacked({ head: one.told, packed: one.packed });
    canvas().drawing.replace("drawing kept in this browser", { ...whole, findings });
    if (one.told.report !== report()) page.type(one.told.report);
    unsaved();
    if (await save()) await forget(one.doc);
  }

  // Text into the report as if it was typed, so that the page hears of it.
  page.type = (text) => {
    const box = $("#report textarea");
    if (!box || text === null || text === undefined || box.value === text) return;
    Object.getOwnPropertyDescriptor(HTMLTextAreaElement.prototype, "value").set.call(box, text);
    box.dispatchEvent(new Event("input", { bubbles: true }));
    before = text;
    clearTimeout(pause);
    pause = 0;
  };

  // ---- undo of what is not in the drawing -------------------------------------------------------

  let steps = Promise.resolve();
  const take = (ask) => {
    steps = steps.then(async () => {
      const now = page.summary();
      const answer = await page.ask("/api/history", {
        method: "POST", body: JSON.stringify({ doc: now.doc, asks: [ask] }),
      });
      const view = await answer.json();
      if (ask.kind !== "forget") await canvas().apply(view);
      page.look();
    }).catch((error) => canvas().note({ tone: "bad", title: "This step could not be taken back.", text: error.message }));
  };

  document.addEventListener("xreal", (event) => {
    const told = event.detail || {};
    if (told.kind === "settle") typed();
    if (told.kind !== "step") return;
    if (told.ask) take(told.ask);
    page.type(told.report);
  });

  // The report: one step a pause of a second.
  let before = null, pause = 0;
  const isReport = (event) => event.target.closest && event.target.closest("#report textarea");
  document.addEventListener("beforeinput", (event) => {
    if (isReport(event) && !pause) before = event.target.value;
  }, true);
  document.addEventListener("input", (event) => {
    if (!isReport(event)) return;
    unsaved();
    soon(2000);
    if (!event.isTrusted) return;
    clearTimeout(pause);
    pause = setTimeout(typed, 1000);
  }, true);
  document.addEventListener("focusout", (event) => { if (isReport(event)) typed(); }, true);
  function typed() {
    if (!pause) return;
    clearTimeout(pause);
    pause = 0;
    const was = before, now = report();
    if (was === now || was === null || !canvas()) return;
    canvas().remember({ title: "report", told: { report: [was, now] } });
  }

  // ---- one tab at a time --------------------------------------------------------------------------

  const NAME = "xreal-studio-document"; // one browser has one document open
  const talk = window.BroadcastChannel ? new BroadcastChannel(NAME) : null;
  let letGo = null; // gives the document to another tab
  page.readOnly = () => readOnly;

  let queued = null; // takes the place in the queue back

  function watch(steal) {
    if (queued) queued.abort();
    queued = new AbortController();
    const mine = queued;
    navigator.locks.request(NAME, steal ? { steal: true } : { signal: mine.signal }, () => {
      const was = readOnly;
      setReadOnly(false);
      if (was) page.tell({ kind: "again" }); // another tab may have drawn since
      return new Promise((done) => { letGo = done; });
    }).then(() => watch(false), () => { // given, or taken by force
      if (mine.signal.aborted) return;
      setReadOnly(true);
      watch(false);
    });
  }

  function setReadOnly(now) {
    readOnly = now;
    document.body.classList.toggle("read-only", now);
    $("#read-only").hidden = !now;
    for (const part of ["#editor", "#ask"]) $(part).inert = now;
    status();
  }

  if (talk) talk.onmessage = async ({ data }) => {
    if (data !== "let go" || readOnly || !letGo) return;
    await page.save();
    setReadOnly(true);
    letGo();
  };
  page.takeOver = () => {
    if (talk) talk.postMessage("let go");
    setTimeout(() => { if (readOnly) watch(true); }, 3000); // a tab that hangs does not answer
  };
  const stopped = (event) => {
    if (!readOnly) return;
    const ctrl = event.ctrlKey || event.metaKey;
    if (event.type === "keydown" && !(ctrl && "zyovnse".includes(event.key.toLowerCase()) || (ctrl && event.key === "Enter"))) return;
    event.preventDefault();
    event.stopImmediatePropagation();
  };
  for (const kind of ["keydown", "drop", "paste", "dragover", "dragenter"]) addEventListener(kind, stopped, true);

  // ---- start -----------------------------------------------------------------------------------------

  // A page may be shown the states of its document before its drawing, which has the revision to wait for.
  let beginning = 0;
  async function begin() {
    clearTimeout(beginning);
    const engine = page.engine(), now = canvas() && page.summary();
    const ready = now && engine.doc && now.doc === engine.doc && (engine.rev === null || now.rev >= engine.rev);
    if (!ready) return (beginning = setTimeout(begin, 100));
    sentRev = engine.rev;
    sentDoc = engine.doc;
    if (readOnly) return;
    await takeKept(engine).catch((error) => canvas().note({ tone: "warn", title: error.message, text: "" }));
    await takeSteps().catch(() => {}); // of another drawing, or damaged: then nothing can be taken back
  }

  function start() {
    if (!$("#editor") || !$("#ask") || !$("#read-only")) return setTimeout(start, 50);
    if (navigator.locks) {
      setTimeout(() => { if (!letGo) setReadOnly(true); }, 700); // a reload lets go a little late
      watch(false);
    }
    begin();
  }
  start();
})();
