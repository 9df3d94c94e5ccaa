// The Models page: asks /api/models and shows it; every press is one POST. No Gradio here.
(() => {
  "use strict";
  const $ = (selector) => document.querySelector(selector);
  let told = null; // the newest answer of /api/models
  let chosen = null; // the file whose details are shown
  let closed = ""; // the report that was closed
  let again = 0;

  // ---- theme, as on the Edit page -----------------------------------------------------------

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

  // ---- asking -------------------------------------------------------------------------------

  async function look() {
    clearTimeout(again);
    let busy = true;
    try {
      const answer = await fetch("/api/models", { cache: "no-store" });
      if (answer.status === 401) return window.XREAL?.loggedOut?.();
      if (!answer.ok) throw new Error(await answer.text());
      told = await answer.json();
      show();
      busy = told.state === "loading" || told.task?.state === "running";
    } catch {
      say("engine-name", "Connection lost. Trying again.");
      $("#engine-status").dataset.state = "failed";
    }
    if (busy) again = setTimeout(look, 500);
  }

  async function post(action, body) {
    say("fault", "");
    const answer = await fetch(`/api/models/${action}`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(body || {}),
    }).catch(() => null);
    if (!answer) say("fault", "Connection lost. Nothing was changed; try again.");
    else if (!answer.ok) say("fault", sentence(await answer.text()));
    closed = "";
    await look();
    return Boolean(answer && answer.ok);
  }

  function sentence(text) {
    try {
      const detail = JSON.parse(text).detail;
      return typeof detail === "string" ? detail : "That could not be read. Reload the page.";
    } catch {
      return text;
    }
  }

  // ---- showing ------------------------------------------------------------------------------

  function say(id, text) {
    const place = document.getElementById(id);
    if (place.textContent !== text) place.textContent = text;
  }

  function make(tag, properties = {}, ...inside) {
    const node = document.createElement(tag);
    for (const [name, value] of Object.entries(properties)) {
      if (name === "class") node.className = value;
      else if (name.startsWith("aria") || name === "role" || name === "scope") node.setAttribute(name, value);
      else node[name] = value;
    }
    node.append(...inside);
    return node;
  }

  // Replaces the children only if they changed, so that focus stays where it is.
  function fill(parent, key, nodes) {
    const text = JSON.stringify(key);
    if (parent.dataset.shown === text) return;
    parent.dataset.shown = text;
    const focused = document.activeElement?.closest?.("[data-key]")?.dataset.key;
    const mine = parent.contains(document.activeElement);
    parent.replaceChildren(...nodes());
    if (mine && focused) parent.querySelector(`[data-key="${CSS.escape(focused)}"]`)?.focus();
  }

  function show() {
    const t = told;
    const waits = t.waits_for_run ? "Waiting for a run to end" : "Loading the models";
    $("#engine-status").dataset.state = t.state;
    say("engine-name", t.state === "loading" ? waits : t.device ? `${t.name}, ${t.device.toLowerCase()}` : t.name);
    say("folder", t.fixed ? "The administrator of this server looks after the models." : `Folder: ${t.folder}, ${t.folder_size}`);
    $("#import").hidden = $("#verify").hidden = t.fixed;
    if (t.fault) say("fault", t.fault);
    $("#ready").hidden = !t.alone || t.fixed;
    say("inbox", t.inbox);
    say("memory", t.memory.text);
    $("#memory-bar").style.width = `${Math.round(100 * t.memory.fraction)}%`;
    fill($("#sets"), [t.sets, t.in_use, t.chosen], () => t.sets.map(card));
    fill($("#rows"), t.sets, () => t.sets.filter((s) => s.row).map(row));
    if (!t.files.some((f) => f.name === chosen)) chosen = usual();
    fill($("#files"), [t.files, t.missing, chosen], () => [...t.files.map(file), ...t.missing.map(lacking)]);
    fill($("#waiting"), t.waiting, () => (t.waiting.length ? t.waiting.map(waiting) : [make("li", { class: "mute" }, "nothing at the moment")]));
    details();
    task();
  }

  function usual() {
    const mine = (f) => f.set === told.in_use || (told.in_use === "folder" && f.set !== "embedded");
    return (told.files.find((f) => mine(f) && f.draws) || told.files.find(mine) || told.files[0])?.name;
  }

  function card(set) {
    const used = set.id === told.in_use;
    const state = set.id === told.chosen ? "Loading" : used && !told.chosen ? "In use"
      : set.missing.length && set.files ? `${set.missing.length} file${set.missing.length > 1 ? "s" : ""} missing` : "";
    const about = set.usable || set.files ? `${set.about}. ${set.size}` : `Not here. Needs ${set.wants} files`;
    const aim = told.chosen || told.in_use;
    const button = make("button", { type: "button", class: "set", role: "radio", "aria-checked": String(set.id === aim),
      tabIndex: set.id === aim ? 0 : -1, title: set.usable ? "" : set.why },
      make("b", {}, make("span", {}, set.title), state ? make("i", { class: set.missing.length && !used ? "warn" : "" }, state) : ""),
      make("small", {}, about), make("small", {}, set.licence ? `${set.paper}. ${set.licence}` : set.paper));
    if (!set.usable || told.fixed) button.setAttribute("aria-disabled", "true");
    button.dataset.key = set.id;
    button.addEventListener("click", () => choose(set));
    return button;
  }

  function choose(set) {
    if (told.fixed) return say("fault", "All who work here use these models; the administrator of this server chooses them.");
    if (!set.usable) return say("fault", set.why);
    chosen = null;
    post("use", { set: set.id });
  }

  function row(set) {
    const cells = set.row.map((cell) => {
      const td = make("td", { class: "c", title: cell.why });
      if (cell.words) td.append(cell.words);
      else td.append(make("span", { class: cell.yes ? "yes" : "no", "aria-hidden": "true" }, cell.yes ? "\u2713" : "\u2013"),
        make("span", { class: "unseen" }, cell.yes ? "yes" : `no${cell.why ? `: ${cell.why}` : ""}`));
      return td;
    });
    return make("tr", {}, make("th", { scope: "row" }, set.title), ...cells);
  }

  function file(f) {
    const name = make("button", { type: "button", title: "Show its details" }, f.name);
    name.dataset.key = f.name;
    const end = make("td", {});
    if (f.removable && !told.fixed) {
      const remove = make("button", { type: "button", class: "btn quiet", "aria-label": `Remove ${f.name}` }, "Remove");
      remove.dataset.key = `remove ${f.name}`;
      remove.addEventListener("click", (event) => { event.stopPropagation(); confirm(f); });
      end.append(remove);
    }
    const line = make("tr", {}, make("th", { scope: "row" }, name), make("td", {}, f.recognised_as), make("td", {}, f.size),
      make("td", {}, f.in_memory), make("td", {}, f.licence), make("td", { class: "mono", title: f.sha256 }, `${f.sha256.slice(0, 4)} ${f.sha256.slice(4, 8)}..`), end);
    if (f.name === chosen) { line.dataset.chosen = ""; name.setAttribute("aria-current", "true"); }
    line.addEventListener("click", () => { chosen = f.name; show(); });
    return line;
  }

  function lacking(one) {
    return make("tr", {}, make("th", { scope: "row" }, make("span", { class: "missing" }, "missing")), make("td", {}, one.title),
      make("td", {}), make("td", {}), make("td", {}), make("td", { class: "mute" }, `wanted for a whole ${one.set} set`), make("td", {}));
  }

  function waiting(f) {
    const button = make("button", { type: "button", class: "btn", "aria-label": `Import ${f.name}` }, "Import");
    button.dataset.key = f.path;
    button.addEventListener("click", () => post("import", { path: f.path }));
    return make("li", {}, make("span", {}, `${f.name}, ${f.size}`), button);
  }

  function details() {
    const f = told.files.find((one) => one.name === chosen);
    if (!f) return;
    say("detail-title", f.title);
    fill($("#facts"), [f.name, f.facts], () => f.facts.flatMap(({ name, value }) => [make("dt", {}, name), make("dd", {}, value)]));
    $("#knows-part").hidden = !f.knows;
    say("knows", f.knows);
    $("#cannot-part").hidden = !f.cannot.length;
    fill($("#cannot"), [f.name, f.cannot], () => f.cannot.map((text) => make("li", {}, text)));
  }

  // ---- the task: verify or import -----------------------------------------------------------

  function task() {
    const t = told.task;
    const key = t && `${t.kind} ${t.name} ${t.state}`;
    const panel = $("#task");
    panel.hidden = !t || (t.state !== "running" && closed === key);
    const busy = t?.state === "running";
    for (const id of ["#verify", "#bring"]) {
      $(id).setAttribute("aria-disabled", String(Boolean(busy)));
      $(id).title = busy ? "Files are being read. Stop that, or wait for it to end." : id === "#verify" ? "Hashes every model file again" : "";
    }
    if (!t) return;
    say("task-name", t.name);
    $("#task-stop").hidden = !busy;
    $("#task-close").hidden = busy;
    $("#task-bar").hidden = !busy;
    const percent = Math.round(100 * t.fraction);
    $("#task-bar").setAttribute("aria-valuenow", percent);
    $("#task-bar i").style.width = `${percent}%`;
    const left = t.seconds_left === null ? "" : `about ${Math.max(1, Math.round(t.seconds_left))} s left of this step`;
    // Spoken seldom: only when the step changes, not at every percent.
    $("#task-left").setAttribute("aria-live", "off");
    say("task-left", busy ? left : "");
    const lines = [...t.said, ...(busy && t.step ? [{ now: true, sentence: t.step }] : [])];
    fill($("#task-said"), lines, () => lines.map((l) => make("li", { class: l.now ? "now" : l.good ? "" : "bad" }, l.sentence)));
    $("#task-said").setAttribute("role", "status");
    $("#task-choose").hidden = !t.choices.length || busy;
    fill($("#task-role"), t.choices, () => t.choices.map((c) => make("option", { value: c.role }, c.title)));
  }

  // ---- removing -----------------------------------------------------------------------------

  let leaving = null;

  function confirm(f) {
    leaving = f;
    say("remove-text", `${f.recognised_as} (${f.size}) is taken out of the model folder. The published file it was made from stays where it is, so it can be imported again.`);
    $("#remove-dialog").showModal();
    $("#remove-cancel").focus();
  }

  // ---- presses ------------------------------------------------------------------------------

  const off = (id) => $(id).getAttribute("aria-disabled") === "true";
  $("#bar-theme").addEventListener("click", () => theme(document.documentElement.classList.contains("light") ? "dark" : "light"));
  $("#verify").addEventListener("click", () => off("#verify") || post("verify"));
  $("#task-stop").addEventListener("click", () => post("stop"));
  $("#task-close").addEventListener("click", () => {
    closed = `${told.task.kind} ${told.task.name} ${told.task.state}`;
    task();
    $("#verify").focus();
  });
  $("#task-again").addEventListener("click", () => post("import", { path: told.task.path, role: $("#task-role").value }));
  $("#import").addEventListener("submit", async (event) => {
    event.preventDefault();
    if (off("#bring")) return;
    if (await post("import", { path: $("#path").value })) $("#path").value = "";
  });
  $("#remove-cancel").addEventListener("click", () => $("#remove-dialog").close());
  $("#remove-yes").addEventListener("click", () => {
    $("#remove-dialog").close();
    post("remove", { name: leaving.name });
  });
  // A radio group is one stop of the Tab key; arrows move in it, Space or Enter chooses.
  $("#sets").addEventListener("keydown", (event) => {
    const steps = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 };
    if (!steps[event.key]) return;
    event.preventDefault();
    const all = [...$("#sets").children];
    const next = all[(all.indexOf(document.activeElement) + steps[event.key] + all.length) % all.length];
    for (const one of all) one.tabIndex = one === next ? 0 : -1;
    next.focus();
  });
  document.addEventListener("visibilitychange", () => document.hidden || look());

  let stored = "dark";
  try {
    stored = localStorage.getItem("xreal-theme") || "dark";
  } catch {
    // as above
  }
  theme(stored);
  look();
})();
