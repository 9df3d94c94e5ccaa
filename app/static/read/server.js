// What is asked of the server, and the answers on their way to it. An answer leaves this computer's
// own store only after the server has said that it is on the disk.

export class Refused extends Error {}
export class Offline extends Error {}
export class Elsewhere extends Error {}
export class Nobody extends Error {}

const WAITS = [500, 1000, 2000, 4000];
export const tab = await ownTab();

// A reload keeps the name of the tab; a copied tab gets one of its own.
async function ownTab() {
  const fresh = () => Array.from(crypto.getRandomValues(new Uint8Array(12)), (n) => n.toString(16).padStart(2, "0")).join("");
  let name = sessionStorage.getItem("reading.tab");
  if (!name || !navigator.locks || !(await hold(name))) {
    name = fresh();
    if (navigator.locks) await hold(name);
  }
  sessionStorage.setItem("reading.tab", name);
  return name;
}

function hold(name) {
  return new Promise((told) => {
    navigator.locks.request(`reading.${name}`, { ifAvailable: true }, (lock) => {
      told(Boolean(lock));
      return lock ? new Promise(() => {}) : undefined;  // held as long as the tab lives
    });
  });
}

export const number = () =>
  Array.from(crypto.getRandomValues(new Uint8Array(16)), (n) => n.toString(16).padStart(2, "0")).join("");

export async function call(action, body = {}) {
  let answer, told;
  try {
    answer = await fetch(`/read/api/${action}`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ tab, ...body }),
      keepalive: true,
      signal: AbortSignal.timeout(20000),
    });
    told = await answer.json();
  } catch {
    throw new Offline("The server does not answer.");
  }
  if (answer.ok) return told;
  if (answer.status === 404) throw new Nobody(told.sentence);
  if (answer.status === 409) throw new Elsewhere(told.sentence);
  if (answer.status === 400) throw new Refused(told.sentence);
  throw new Offline(told.sentence || "The server does not answer.");
}

export async function picture(name) {
  let answer;
  try {
    answer = await fetch(`/read/api/pictures/${name}`, { signal: AbortSignal.timeout(60000) });
  } catch {
    throw new Offline("The server does not answer.");
  }
  if (answer.status === 404) throw new Nobody("");
  if (!answer.ok) throw new Offline("The server does not answer.");
  try {
    return await answer.blob();
  } catch {
    throw new Offline("The server does not answer.");
  }
}

// Answers in the order in which they were given, kept in this browser until they are acknowledged.
export class Outbox {
  constructor(tag, told) {
    this.key = `reading.${tag}.unsent`;
    this.told = told;            // told(kind, item, detail): "sending", "saved", "kept", "refused", "elsewhere", "nobody"
    this.open = false;           // only the tab that may write sends
    this.busy = false;
    this.failures = 0;
    this.items = this.read();
  }

  read() {
    try { return JSON.parse(localStorage.getItem(this.key)) || []; } catch { return []; }
  }

  write() {
    try {
      if (this.items.length) localStorage.setItem(this.key, JSON.stringify(this.items));
      else localStorage.removeItem(this.key);
    } catch { /* storage is switched off: the items stay in this page */ }
  }

  // A later answer to the same question takes the place of one that was never sent.
  put(action, body, delay = 0) {
    const same = (item) => action === "answer" && item.action === action && !item.tried &&
      item.body.trial === body.trial && item.body.question === body.question;
    this.items = this.items.filter((item) => !same(item));
    if (action === "submit") this.items = this.items.filter((item) => item.tried || item.body.trial !== body.trial || item.action !== "answer");
    this.items.push({ action, body: { ...body, request: number() }, due: Date.now() + delay, tried: false });
    this.write();
    this.told("sending");
    this.pump();
  }

  start() { this.open = true; this.pump(); }
  stop() { this.open = false; }

  async pump() {
    if (!this.open || this.busy || !this.items.length) return;
    const item = this.items[0];
    const wait = Math.min(item.due - Date.now(), 1000);  // a clock that was set back delays nothing
    if (wait > 0 && this.items.length === 1) {
      clearTimeout(this.later);
      this.later = setTimeout(() => this.pump(), wait);
      return;
    }
    this.busy = true;
    item.tried = true;
    this.write();
    try {
      const answer = await call(item.action, item.body);
      this.done(item);
      this.failures = 0;
      this.told("saved", item, answer);
    } catch (error) {
      if (error instanceof Refused) {
        this.done(item);
        this.told("refused", item, error.message);
      } else if (error instanceof Elsewhere || error instanceof Nobody) {
        this.open = false;
        this.told(error instanceof Elsewhere ? "elsewhere" : "nobody", item, error.message);
      } else {
        this.told("kept", item, error.message);
        clearTimeout(this.later);
        this.later = setTimeout(() => this.pump(), WAITS[Math.min(this.failures++, WAITS.length - 1)]);
        this.busy = false;
        return;
      }
    }
    this.busy = false;
    if (this.items.length) this.pump();
  }

  done(item) {
    this.items = this.items.filter((one) => one !== item);
    this.write();
  }
}

// What was answered here and may not be in the state yet stands in its place.
export function drafts(trial, items) {
  for (const { action, body } of items) {
    if (trial && action === "answer" && body.trial === trial.trial_id) trial.answers[body.question] = body.value;
  }
}
