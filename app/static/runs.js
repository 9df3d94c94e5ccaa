// A run, from the press of its button to its end: sent, followed, shown, stopped. Loaded after
// dialogs.js. It talks to Python through the routes of app/server.py, to the canvas through
// XREAL.canvas.
(() => {
  "use strict";
  const XREAL = (window.XREAL = window.XREAL || {});
  const page = XREAL.page;
  const { $, say, ask } = page;
  const POLL_MS = 200;
  const LOST_MS = 15000; // a run that the server does not know by then will not come
  let job = null; // id of the run that is followed, from the press of the button to its end
  let sent = 0; // when it was pressed

  const canvas = () => XREAL.canvas || null;
  const number = () =>
    crypto.randomUUID
      ? crypto.randomUUID()
      : Array.from(crypto.getRandomValues(new Uint8Array(16)), (b) =>
          b.toString(16).padStart(2, "0")).join("");

  page.job = () => job;

  // Before Gradio sends the run: the newest drawing, a job id, and the finding that is chosen.
  page.send = async (values) => {
    const id = number();
    const chosen = page.summary().selected, extra = page.extra || {};
    page.extra = null;
    follow(id, "Sending the drawing");
    try {
      values[0] = await canvas().flush(id);
    } catch (fault) {
      ended({ state: "failed", sentence: "The drawing could not be sent. " + fault.message });
      throw fault;
    }
    values[1] = JSON.stringify({ job: id, selected: chosen === undefined ? null : chosen, ...page.patientAsked(), ...extra });
    return values;
  };

  page.follow = follow;
  function follow(id, text) {
    job = id;
    gridLeft = false;
    if (canvas()) canvas().grid(null);
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
      say("run-status", "Connection lost. Trying again. The run goes on; its picture is fetched when the server is back.");
      say("run-left", ""); // nobody knows how long now
    }
    if (id !== job) return;
    if (view && ["done", "stopped", "failed", "lost"].includes(view.state)) return ended(view);
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
      const soon = view.seconds_left === null ? "" : `, about ${Math.max(1, Math.round(view.seconds_left))} s`;
      progress(view.ahead ? `Waiting: ${many}${soon}` : "Waiting for the models", "", 0);
      return;
    }
    const which = view.variations > 1 ? `Picture ${view.variation} of ${view.variations}, ` : "";
    const stage = view.stage ? view.stage[0].toUpperCase() + view.stage.slice(1) : "Starting";
    const step = view.total ? `, step ${view.done} of ${view.total}` : "";
    const fraction = view.total ? view.done / view.total : 0;
    progress(which + (which ? stage.toLowerCase() : stage) + step, left(view.seconds_left), fraction);
    stages(view.stages, view.stage);
    if (view.variations > 1) grid(view, false);
    else if (view.preview && canvas()) {
      canvas().preview(view.preview, `Preview${step}`, fraction);
    }
  }

  // The pictures of a run with several, side by side; they can be chosen when they are finished.
  let gridLeft = false;
  document.addEventListener("xreal", (event) => {
    if (event.detail && event.detail.kind === "grid" && !event.detail.open && job) gridLeft = true;
  });
  function grid(view, over) {
    if (!canvas() || gridLeft) return;
    const finished = view.pictures.map((n) => ({ id: String(n), url: `/api/states/${n}.png`, seed: view.seeds?.[n] }));
    canvas().grid({ count: view.variations, finished, running: view.preview || null, over });
  }

  function left(seconds) {
    return seconds === null || seconds === undefined ? "" : `${Math.max(1, Math.round(seconds))} s left`;
  }

  let stage = ""; // that was spoken of last: assistive software hears of stages, not of steps

  function progress(text, rest, fraction) {
    const now = text.split(", step")[0];
    $("#run-status")?.setAttribute("aria-live", now === stage ? "off" : "polite");
    stage = now;
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
    // One that was stopped or lost may have finished stages, one that failed has none to bring.
    page.brings = view.state !== "failed" || Boolean(view.pictures?.length);
    document.body.dataset.run = "idle";
    const bar = $("#run-lines .bar");
    if (bar) bar.hidden = true;
    const line = $("#run-lines .stages");
    if (line) line.hidden = true;
    say("run-left", "");
    $("#run-status")?.setAttribute("aria-live", "polite");
    say("run-status", outcome(view));
    if (canvas()) {
      canvas().preview(null);
      if (view.pictures?.length) canvas().film();
      if (view.variations > 1) grid(view, true);
      if (view.state === "stopped") page.stopped({ pictures: [], results: [], stages: [], ...view });
      if (view.state === "failed" || view.state === "lost") page.failed(view, view.verb ? id : null);
    }
    page.patientMade(view);
    page.tell({ kind: "ended", job: id });
    page.look();
    page.describe();
  }

  // What went wrong is said once, in the note on the picture.
  function outcome(view) {
    const seconds = ((performance.now() - sent) / 1000).toFixed(1);
    if (view.state === "done") return `Done in ${seconds} s. ${view.remark || ""}`.trim();
    if (view.state === "stopped" || !canvas()) return view.sentence;
    const made = view.pictures?.length || 0;
    return made ? `${made} of ${view.variations} pictures were made.` : "No picture was made.";
  }

  page.note = (note) => {
    if (!note) return;
    if (canvas()) canvas().note({ tone: note.tone, title: note.text, text: "", buttons: [] });
  };

  page.stop = () => {
    if (!job) return;
    say("run-status", "Stopping");
    ask(`/api/jobs/${job}/stop`, { method: "POST" }).catch(() => {});
  };

  // Runs with something more to say than the panel does: one finding only, one again, a proposal.
  page.runWith = (extra) => {
    if (job) return;
    page.extra = extra;
    $("#run").click();
  };

  page.run = () => {
    const button = $("#run");
    if (button && !job) button.click();
  };
})();
