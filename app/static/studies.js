// The investigator's pages: what all steps share, the list of studies, and moving between steps.
// One study is a document that the server gives after every change; a save names the version it
// began from, so that a second tab is told and nothing is overwritten.
window.STUDIES = (() => {
  "use strict";
  const $ = (selector) => document.querySelector(selector);
  const S = { study: null, steps: {}, leave: null };
  const STEPS = [
    ["protocol", "Protocol"], ["pictures", "Pictures"], ["questions", "Questions"], ["size", "Size"],
    ["readers", "Readers, codes"], ["preview", "Preview, pilot"], ["freeze", "Freeze"],
    ["monitor", "Monitor"], ["results", "Close, unblind, results"],
  ];
  const PHASES = { draft: "Draft", frozen: "Frozen", open: "Open for reading", closed: "Closed", unblinded: "Unblinded" };
  let queue = Promise.resolve(); // saves go one after the other, each from the version before

  // ---- small things -------------------------------------------------------------------------

  function make(tag, properties = {}, ...inside) {
    const node = document.createElement(tag);
    for (const [name, value] of Object.entries(properties)) {
      if (value === undefined || value === null) continue;
      if (name === "class") node.className = value;
      else if (name === "on") for (const [event, work] of Object.entries(value)) node.addEventListener(event, work);
      else if (name in node && !name.startsWith("aria") && name !== "role") node[name] = value;
      else node.setAttribute(name, value);
    }
    node.append(...inside.flat().filter((one) => one !== null && one !== undefined && one !== false));
    return node;
  }

  const button = (text, work, kind = "", more = {}) => make("button", { type: "button", class: `btn ${kind}`, on: { click: work }, ...more }, text);
  const card = (title, about, ...inside) => make("section", { class: "card" }, make("h2", {}, title), about ? make("p", { class: "mute s" }, about) : null, ...inside);
  const table = (caption, head, rows, kinds = []) => make("div", { class: "scroll" }, make("table", {},
    make("caption", { class: "unseen" }, caption),
    make("thead", {}, make("tr", {}, head.map((one, n) => make("th", { scope: "col", class: kinds[n] || "" }, one)))),
    make("tbody", {}, rows.map((row) => make("tr", {}, row.map((one, n) => make(n ? "td" : "th", { class: kinds[n] || "", scope: n ? null : "row" }, one)))))));

  let fields = 0;
  // A labelled control; ``work`` gets the new value when it has changed and is left.
  function field(label, value, work, { kind = "text", rows = 0, options = null, help = "", disabled = false, min, max, step } = {}) {
    const id = `f${++fields}`;
    let control;
    if (options) {
      control = make("select", { id, class: "field", disabled }, options.map(([key, name]) => make("option", { value: key, selected: String(key) === String(value) }, name)));
    } else if (rows) {
      control = make("textarea", { id, class: "field", rows, disabled, spellcheck: true });
      control.value = value;
    } else if (kind === "checkbox") {
      control = make("input", { id, type: "checkbox", checked: Boolean(value), disabled });
    } else {
      control = make("input", { id, class: "field", type: kind, disabled, min, max, step, autocomplete: "off" });
      control.value = value;
    }
    const read = () => (kind === "checkbox" ? control.checked : kind === "number" ? (control.value === "" ? NaN : Number(control.value)) : control.value);
    if (work) control.addEventListener("change", () => work(read(), control));
    if (help) control.setAttribute("aria-describedby", `${id}h`);
    const name = make("label", { htmlFor: id }, label);
    const hint = help ? make("small", { class: "mute", id: `${id}h` }, help) : null;
    const box = kind === "checkbox" ? make("div", { class: "f check" }, control, name, hint) : make("div", { class: "f" }, name, control, hint);
    box.control = control;
    return box;
  }

  function when(iso) {
    const at = typeof iso === "number" ? new Date(iso * 1000) : new Date(iso);
    return Number.isNaN(at.getTime()) ? "" : at.toLocaleString("en-GB", { day: "numeric", month: "short", year: "numeric", hour: "2-digit", minute: "2-digit" });
  }

  const seconds = (value) => (value === null || value === undefined ? "-" : `${Math.round(value)} s`);

  // ---- asking the server --------------------------------------------------------------------

  function say(text, elsewhere = false) {
    $("#fault").hidden = !text;
    $("#fault-text").textContent = text;
    $("#fault-reload").hidden = !elsewhere;
    if (text) $("#fault").scrollIntoView({ block: "nearest" });
  }

  async function call(path, body) {
    const asked = body === undefined ? { cache: "no-store" }
      : { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) };
    let answer;
    try {
      answer = await fetch(`/api/studies${path}`, asked);
    } catch {
      throw new Error("Connection lost. Nothing was changed; try again.");
    }
    const told = await answer.json().catch(() => ({}));
    if (answer.ok) return told;
    const detail = typeof told.detail === "string" ? told.detail : "That could not be read. Check the values and try again.";
    throw Object.assign(new Error(detail), { line: told.line || 0, status: answer.status });
  }

  // A press: the fault line is cleared, a refusal is shown there; gives the answer or null.
  async function press(path, body) {
    say("");
    try {
      return await call(path, body);
    } catch (error) {
      say(error.message, error.status === 409);
      return null;
    }
  }

  const at = (path = "") => `/${encodeURIComponent(S.study.id)}${path}`;

  function take(study) {
    S.study = study;
    shell();
  }

  // Saves a change of the draft. Resolves to null when it is kept, else to the error.
  function save(change) {
    const id = S.study.id;
    const work = queue.then(async () => {
      if (!S.study || S.study.id !== id) return null;
      $("#study-state").textContent = "Saving";
      try {
        take(await call(at("/draft"), { version: S.study.version, change }));
        say("");
        return null;
      } catch (error) {
        $("#study-state").textContent = "Not saved";
        say(`Not saved. ${error.message}`, error.status === 409);
        return error;
      }
    });
    queue = work.then(() => undefined);
    return work;
  }

  async function step(path, body, sure) {
    if (sure && !(await confirmed(...sure))) return false;
    const told = await press(at(path), body);
    if (told && told.id) {
      take(told);
      render();
    }
    return Boolean(told);
  }

  function confirmed(title, text, yes) {
    const dialog = $("#sure");
    $("#sure-title").textContent = title;
    $("#sure-text").replaceChildren(...[].concat(text).map((one) => make("p", {}, one)));
    $("#sure-yes").textContent = yes;
    dialog.returnValue = "no";
    dialog.showModal();
    return new Promise((done) => dialog.addEventListener("close", () => done(dialog.returnValue === "yes"), { once: true }));
  }

  // ---- shell --------------------------------------------------------------------------------

  const route = () => {
    const [, id = "", name = ""] = location.hash.split("/");
    return { id: decodeURIComponent(id), name };
  };
  const link = (id, name) => `#/${encodeURIComponent(id)}/${name}`;

  function state(study) {
    if (study.phase === "draft") return `Draft, saved ${new Date(study.saved_at).toLocaleTimeString("en-GB")}`;
    return study.pilot ? `Pilot, ${PHASES[study.phase].toLowerCase()}` : PHASES[study.phase];
  }

  function ticked(study) {
    const s = study;
    const drafted = s.phase === "draft";
    return {
      protocol: true, questions: true, pictures: s.pictures.cases.length > 0, size: !s.size.fault,
      readers: s.study.readers.length > 0 && s.codes.issued_at !== "", preview: s.previewed > 0,
      freeze: !drafted, monitor: ["closed", "unblinded"].includes(s.phase), results: s.exports.length > 0,
    };
  }

  function shell() {
    const s = S.study;
    const name = route().name;
    for (const id of ["#doc", "#all-studies", "#copy-study", "#steps"]) $(id).hidden = !s;
    document.body.classList.toggle("one", Boolean(s));
    document.title = s ? `${s.study.title} - Studies` : "XReal Studio - Studies";
    if (!s) return;
    $("#study-title").textContent = s.study.title;
    $("#study-state").textContent = state(s);
    const done = ticked(s);
    const rows = STEPS.map(([key, title], n) => {
      const a = make("a", { href: link(s.id, key), class: done[key] ? "d" : "" },
        make("i", { "aria-hidden": "true" }, done[key] ? "\u2713" : String(n + 1)), make("span", {}, title, make("span", { class: "unseen" }, done[key] ? " (done)" : "")));
      if (key === name) a.setAttribute("aria-current", "step");
      return a;
    });
    $("#steps").replaceChildren(make("h3", {}, "Design"), ...rows.slice(0, 7), make("h3", {}, "Run"), ...rows.slice(7));
  }

  async function go() {
    const { id, name } = route();
    S.leave?.();
    S.leave = null;
    say("");
    if (!id) {
      S.study = null;
      shell();
      return list();
    }
    if (!S.study || S.study.id !== id) {
      S.study = null;
      const told = await press(`/${encodeURIComponent(id)}`);
      if (!told) return $("#body").replaceChildren(make("p", {}, make("a", { href: "#/" }, "All studies")));
      S.study = told;
    }
    if (!S.steps[name]) return void location.replace(link(id, S.study.phase === "draft" ? "protocol" : "monitor"));
    shell();
    render();
    $("#main").scrollTop = 0;
    $("#body h1")?.focus();
  }

  function render() {
    S.leave?.();
    S.leave = null;
    const { name } = route();
    const title = STEPS.find(([key]) => key === name)[1];
    const body = $("#body");
    const head = make("div", { class: "row head" }, make("h1", { tabIndex: -1 }, title));
    const inside = make("div", { class: "col", "data-step": name });
    body.replaceChildren(head, inside);
    S.steps[name](inside, S.study, head);
  }

  const frozen = () => S.study.phase !== "draft";
  const frozenNote = () => (frozen() ? make("p", { class: "note" }, "The design is frozen: it can be read here and not changed. A change of plan is an amendment, on the page Monitor.") : null);

  // ---- the list -----------------------------------------------------------------------------

  async function list() {
    const told = await press("");
    if (!told) return;
    let chosen = "turing";
    const title = field("Title, for investigators", "", null, { help: "Readers do not see it; it may say what is tested." });
    const cards = told.protocols.map((one) => make("label", { class: "choice" },
      make("input", { type: "radio", name: "protocol", value: one.name, checked: one.name === chosen, on: { change: () => { chosen = one.name; } } }),
      make("span", {}, make("b", {}, one.title), make("small", { class: "mute" }, one.instructions))));
    const begin = make("form", { class: "card", on: { submit: async (event) => {
      event.preventDefault();
      const made = await press("", { title: title.control.value, protocol: chosen });
      if (made) location.hash = link(made.id, "protocol");
    } } }, make("h2", {}, "New study"), title, make("fieldset", { class: "choices" }, make("legend", {}, "Protocol"), cards),
    make("div", { class: "row" }, make("button", { class: "btn pri", type: "submit" }, "Begin the study")));
    const rows = told.studies.map((one) => one.fault
      ? [one.title, make("span", { class: "bad" }, one.fault), "", "", "", ""]
      : [make("a", { href: link(one.study_id, one.phase === "draft" ? "protocol" : "monitor") }, one.title),
        `${one.pilot ? "Pilot, " : ""}${PHASES[one.phase].toLowerCase()}`, one.protocol, String(one.cases), String(one.readers), when(one.changed)]);
    const head = make("div", { class: "row head" }, make("h1", { tabIndex: -1 }, "Studies"), told.folder ? make("span", { class: "mute s" }, `Kept in ${told.folder}`) : null);
    $("#body").replaceChildren(head, make("div", { class: "col" },
      rows.length ? make("section", { class: "card flush" }, table("Studies", ["Study", "State", "Protocol", "Pictures", "Readers", "Changed"], rows, ["", "", "", "n", "n", ""]))
        : make("p", { class: "note" }, "There is no study yet. A first one with simulated or drawn pictures shows all steps; docs/studies.md walks through it."), begin));
  }

  // ---- start --------------------------------------------------------------------------------

  function theme(name) {
    document.documentElement.classList.toggle("light", name === "light");
    document.documentElement.classList.toggle("dark", name !== "light");
    $("#bar-theme").setAttribute("aria-label", `Theme: ${name}`);
    try {
      localStorage.setItem("xreal-theme", name);
    } catch {
      // a browser without storage forgets the theme, nothing else
    }
  }

  function start() {
    let kept = null;
    try {
      kept = localStorage.getItem("xreal-theme");
    } catch {
      // as above
    }
    theme(kept || "dark");
    $("#bar-theme").addEventListener("click", () => theme(document.documentElement.classList.contains("light") ? "dark" : "light"));
    $("#fault-reload").addEventListener("click", () => { S.study = null; go(); });
    $("#copy-study").addEventListener("click", async () => {
      const told = await press(at("/copy"), { name: "" });
      if (told) location.hash = link(told.id, "protocol");
    });
    addEventListener("hashchange", go);
    go();
  }

  document.addEventListener("DOMContentLoaded", start);
  return Object.assign(S, { $, make, button, card, table, field, when, seconds, say, call, press, at, take, save, step, confirmed, render, link, frozen, frozenNote });
})();
