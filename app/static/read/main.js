// The course of a reading: which screen is shown, what the button and the keys do. The server says
// where the reader is; nothing here decides what comes next.

import { Attention } from "./attention.js";
import { banner, clock, head, relieved, saving } from "./head.js";
import { Questions } from "./questions.js";
import * as screens from "./screens.js";
import { Elsewhere, Nobody, Offline, Outbox, Refused, call, drafts, picture, tab } from "./server.js";
import { Viewer, decoded } from "./viewer.js";

const at = (id) => document.getElementById(id);
const [view, host, go] = [at("view"), at("in"), at("go")];
const [HERE_MS, TYPING_MS] = [8000, 600];

let state = null;      // what the server said last
let [screen, act] = [null, null];  // one without a case: { ready, value, label }, and what its button does
let [viewer, questions] = [null, null];
let outbox = null;
let loaded = new Map();      // pictures of this case and the next, by name
const missing = new Set();
let notice = "";
let [submitting, pausedAt] = [false, null];
let turn = 0;                // of asking for the state; an older answer is dropped

const attention = new Attention((kind, value) => outbox && outbox.put("note", { kind, value, trial: "" }));

// -- answers on their way ----------------------------------------------------------------------

function heard(kind, item, detail) {
  if (kind === "sending") saving("sending", "Saving ...");
  if (kind === "kept") {
    saving("kept", "Not saved yet");
    banner(`${detail} Your answers are kept on this computer and sent again by themselves.`, "bad");
  }
  if (kind === "saved") {
    if (!outbox.items.length) saving("ok", `Saved ${clock(detail.at)}`);
    relieved();
    if (item.action === "submit") acknowledged(detail);
  }
  if (kind === "refused" && item.action !== "note") {
    submitting = false;
    notice = detail;
    enter();
  }
  if (kind === "elsewhere") readOnly(detail);
  if (kind === "nobody") enter();
}

function acknowledged(detail) {
  submitting = false;
  attention.end();
  const { trial } = state;
  if (detail.feedback && trial) {
    close();
    act = () => enter();
    screen = screens.told(view, host, { heading: "Practice", text: detail.feedback, aside: "This was practice. In the study itself nothing is told.", label: "Next case" });
    button();
    return;
  }
  enter();
}

// -- where the reader is -----------------------------------------------------------------------

async function enter(take = false) {
  const mine = (turn += 1);
  const before = outbox ? [...outbox.items] : [];  // may be acknowledged while the state is asked for
  try {
    const found = await call("state", { take });
    if (mine !== turn) return;
    if (found.stage === "code") return askCode();
    state = found;
  } catch (error) {
    if (mine !== turn) return;
    if (error instanceof Nobody) askCode();
    else if (error instanceof Elsewhere) readOnly(error.message);
    else {
      banner(`${error.message} Trying again.`, "bad");
      setTimeout(() => { if (mine === turn) enter(take); }, 2000);
    }
    return;
  }
  relieved();
  if (!outbox || outbox.tag !== state.tag) {
    outbox = new Outbox(state.tag, heard);
    outbox.tag = state.tag;
  }
  head(state);
  drafts(state.trial, [...before, ...outbox.items]);
  const sending = outbox.items.some((item) => item.action === "submit");
  if (state.writes) outbox.start();
  else outbox.stop();
  if (sending && state.writes) return;  // what was submitted before comes first, then this again
  if (notice) { banner(notice); notice = ""; }
  stage();
}

function stage() {
  close();
  const shown = { consent: askConsent, display: askDisplay, finished, trial: between }[state.stage];
  if (!state.writes && state.stage !== "trial" && state.stage !== "finished") return readOnly("");
  shown();
  if (!state.writes && state.stage === "trial") readOnly("");
}

function askCode(note) {
  close();
  state = null;
  for (const id of ["out", "pause", "saving", "hints", "steps", "under"]) at(id).hidden = true;
  for (const id of ["title", "reader"]) at(id).textContent = "";
  at("position").textContent = "Before the first case";
  banner("");
  screen = screens.code(view, host, note);
  act = async () => {
    try {
      await call("enter", { code: screen.value() });
      enter();
    } catch (error) {
      screen.say(error.message);
      button();
    }
  };
  button();
}

function ask(made, kind) {
  screen = made;
  act = async () => {
    const value = screen.value();
    try {
      await call("note", { kind, value });
      enter();
    } catch (error) {
      troubled(error);
      button();
    }
  };
  button();
}

const askConsent = () => ask(screens.consent(view, host, state.text), "consented");
const askDisplay = () => ask(screens.display(view, host), "display_checked");

function finished() {
  screen = screens.told(view, host, {
    heading: "That was the last case",
    text: state.text || "Thank you. All your answers are on the disk. You can close this tab.",
    aside: "Thank you for reading.",
  });
  act = null;
  at("position").textContent = "Done";
  button();
}

// What stands between two cases: instructions, the next part, a break. Then the case.
function between() {
  const { trial } = state;
  const pages = screens.before(state, Object.keys(trial.answers).length > 0);
  if (!pages.length || !state.writes) return open();
  const [name, words] = pages[pages.length - 1];
  screen = screens.told(view, host, words);
  act = () => { screens.pass(name); close(); between(); };
  button();
}

// -- a case ------------------------------------------------------------------------------------

async function open() {
  const { trial, writes } = state;
  const mine = turn;
  screens.middle(view, "", "Loading the picture ...");
  host.replaceChildren();
  document.body.classList.toggle("pair", trial.kind === "pair");
  go.disabled = true;
  const pictures = await load(trial.pictures, mine);
  if (!pictures || mine !== turn) return;
  view.replaceChildren();
  const two = trial.pictures.length > 1;
  const names = !two ? ["one"] : trial.order_shown ? ["before", "after"] : ["1", "2"];
  viewer = new Viewer(view, names, (side, place) => questions && questions.addMark(side, place));
  pictures.forEach((one, n) => viewer.panes[n].set(one));
  try {
    if (writes) await call("shown", { trial: trial.trial_id });
  } catch (error) {
    if (mine === turn) troubled(error, () => enter());
    return;
  }
  if (mine !== turn) return;
  const changed = (question, value, typed) => outbox.put("answer", { trial: trial.trial_id, question, value }, typed ? TYPING_MS : 0);
  questions = new Questions(host, trial, trial.answers, names, (...given) => { changed(...given); button(); }, (marks) => {
    viewer.setMarks(marks);
  });
  questions.lock(!writes);
  at("hints").hidden = false;
  at("mark-hint").hidden = !questions.marking;
  at("pair-hint").hidden = !two;
  at("pause").hidden = !writes;
  at("under").hidden = false;
  document.body.dataset.stage = "trial";
  if (writes) attention.begin();
  button();
  ahead(trial.next_pictures, trial.pictures);
}

async function load(names, mine) {
  const found = [];
  for (const name of names) {
    for (;;) {
      try {
        if (!loaded.has(name)) loaded.set(name, await decoded(await picture(name)));
        break;
      } catch (error) {
        if (mine !== turn) return null;
        if (error instanceof Nobody && !missing.has(name)) { missing.add(name); enter(); return null; }
        if (error instanceof Nobody) {
          banner("The picture of this case is missing. Tell the investigator; your answers are safe.");
          return null;
        }
        banner("The picture could not be loaded. Trying again.", "bad");
        await new Promise((done) => setTimeout(done, 1500));
        if (mine !== turn) return null;
      }
    }
    found.push(loaded.get(name));
  }
  relieved();
  return found;
}

// The next case's pictures while this one is read; nothing is said where that fails.
async function ahead(next, now) {
  for (const name of [...loaded.keys()]) if (![...next, ...now].includes(name)) loaded.delete(name);
  for (const name of next) {
    try {
      if (!loaded.has(name)) loaded.set(name, await decoded(await picture(name)));
    } catch { return; }
  }
}

function submit() {
  if (!questions || !questions.complete || submitting || questions.locked || pausedAt) return;
  submitting = true;
  const { trial } = state;
  const looked = viewer.summary();
  attention.back();
  if (looked) outbox.put("note", { kind: "window_changed", value: { trial: trial.trial_id, ...looked }, trial: "" });
  outbox.put("submit", { trial: trial.trial_id, answers: questions.given, at: new Date().toISOString() });
  questions.lock(true);
  button();
}

function close() {
  attention.end();
  if (viewer) viewer.close();
  viewer = null;
  questions = null;
  screen = null;
  act = null;
  pausedAt = null;
  document.body.classList.remove("pair");
  document.body.dataset.stage = "between";
  for (const id of ["hints", "under", "pause"]) at(id).hidden = true;
}

// -- the button --------------------------------------------------------------------------------

function button() {
  if (questions) {
    go.parentElement.hidden = false;
    if (viewer) viewer.choose(questions.trial.kind === "pair" ? sideOf() : "");
    const open = questions.open;
    go.disabled = submitting || !questions.complete || questions.locked;
    go.textContent = submitting ? "Saving ..." : open ? questions.waiting(open) : "Submit, next case";
    return;
  }
  go.parentElement.hidden = !screen || (!act && state && state.stage === "finished");
  go.disabled = !screen || !act || !screen.ready();
  go.textContent = (screen && screen.label) || "Go on";
}

function sideOf() {
  const asked = questions.trial.questions.find((one) => one.kind === "side");
  return asked ? questions.answers[asked.name] : "";
}

function press() {
  if (pausedAt) return resume();
  if (questions) return submit();
  if (screen && act && screen.ready()) {
    go.disabled = true;
    act();
  }
}

// -- pause, take-over, leaving -----------------------------------------------------------------

function pause() {
  if (!questions || pausedAt || questions.locked) return;
  attention.leave("pause", {});
  questions.lock(true);
  pausedAt = document.createElement("div");
  pausedAt.className = "mid";
  pausedAt.append(Object.assign(document.createElement("h1"), { textContent: "Paused" }),
    Object.assign(document.createElement("p"), { textContent: "Your answers to this case are kept. Press Enter or Go on." }));
  view.append(pausedAt);
  at("pause").textContent = "Go on";
  go.disabled = false;
  go.textContent = "Go on";
}

function resume() {
  pausedAt.remove();
  pausedAt = null;
  at("pause").textContent = "Pause";
  questions.lock(false);
  attention.back();
  button();
}

function readOnly(sentence) {
  if (state) state.writes = false;
  submitting = false;
  attention.end();
  if (outbox) outbox.stop();
  if (questions) questions.lock(true);
  at("pause").hidden = true;
  banner(sentence || "This reading is open in another tab or on another computer.", "warn", "Go on here", () => { banner(""); enter(true); });
  button();
}

function troubled(error, again) {
  if (error instanceof Nobody) return askCode();
  if (error instanceof Elsewhere) return readOnly(error.message);
  banner(error.message, error instanceof Offline ? "bad" : "warn");
  if (again && error instanceof Offline) setTimeout(again, 2000);
  if (again && error instanceof Refused) setTimeout(again, 0);
}

async function leave() {
  try {
    if (outbox && outbox.items.length) return banner("Some answers are not saved yet. They are sent first; then you can leave.", "warn");
    await call("out");
  } catch (error) {
    if (!(error instanceof Nobody)) return troubled(error);
  }
  loaded = new Map();
  askCode("You have left. The code on your card brings you back to the same case.");
}

setInterval(async () => {
  if (!state || !state.writes) return;
  try {
    const { writes } = await call("here");
    if (!writes && state && state.writes) readOnly("");
  } catch (error) {
    if (error instanceof Nobody) enter();
  }
}, HERE_MS);

// -- keys and presses --------------------------------------------------------------------------

addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.isComposing) return;
  const typing = event.target instanceof HTMLTextAreaElement;
  if (typing && event.key === "Escape") { event.target.blur(); event.preventDefault(); return; }
  if (typing) return;
  const { target } = event;
  const radio = target instanceof HTMLInputElement && target.type === "radio";
  if (target instanceof HTMLInputElement && !radio) {
    if (event.key === "Enter") { event.preventDefault(); if (!event.repeat) press(); }
    return;
  }
  if (viewer && viewer.marker && viewer.key(event)) { event.preventDefault(); return; }
  const onButton = target instanceof HTMLButtonElement && target !== go;
  if (event.key === "Enter" && !onButton) {
    event.preventDefault();
    if (!event.repeat) press();  // a key that is held down submits one case, not three
    return;
  }
  if (!questions) return;
  if (event.key === "Escape") { event.preventDefault(); if (pausedAt) resume(); else pause(); return; }
  if (pausedAt) return;
  if (radio && event.key.startsWith("Arrow")) return;  // moves within the answers
  const marks = event.key.toLowerCase() === "m" && questions.marking && !questions.locked;
  if (marks) viewer.startMarker();
  if (marks || questions.key(event) || viewer.key(event)) event.preventDefault();
});

host.addEventListener("input", () => button());
host.addEventListener("change", () => button());
go.addEventListener("click", press);
at("pause").addEventListener("click", () => (pausedAt ? resume() : pause()));
at("out").addEventListener("click", leave);
addEventListener("pagehide", () => {
  const body = new Blob([JSON.stringify({ tab })], { type: "application/json" });
  navigator.sendBeacon("/read/api/leave", body);
});
addEventListener("pageshow", (event) => { if (event.persisted) enter(); });

enter();
