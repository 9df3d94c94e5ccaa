// Step Pictures: a folder with its table, states of the history, the checks in words, every case.
(() => {
  "use strict";
  const S = window.STUDIES;
  const { make, button, card, table, field, press, at, take, save, frozen, frozenNote } = S;
  const SIDES = [[256, "256 px"], [512, "512 px"], [1024, "1024 px"]];
  const CROPS = [[0, "nothing"], [0.02, "2 %"], [0.05, "5 %"], [0.1, "10 %"]];
  const ROLES = [["main", "main"], ["practice", "practice"], ["catch", "catch trial"]];
  let asked = { side: 512, crop: 0 };

  S.steps.pictures = (root, s, head) => {
    const fixed = frozen();
    if (s.pictures.treatment) asked = { side: s.pictures.treatment.side, crop: s.pictures.treatment.crop };
    head.append(make("span", { class: "mute s" }, s.study.protocol.title));
    const work = make("div", { class: "work" });
    root.append(...[frozenNote(), remarks(s, fixed), sources(s), work, fixed ? null : adding(s, work),
      field("How the pictures were selected", s.study.selection, (v) => save({ selection: v }), { rows: 2, disabled: fixed, help: "For instance: random among 400 generated and 812 films; nothing was looked at before. Printed in the report." }),
      cases(s, fixed)].filter(Boolean));
    follow(work);
  };

  // ---- what the checks say ------------------------------------------------------------------

  function remarks(s, fixed) {
    if (!s.pictures.cases.length) return null;
    const found = s.pictures.check;
    const again = fixed ? null : button("Check again", () => begin("/pictures/check", {}));
    if (!found || !found.current) {
      return make("div", { class: "callout", role: "status" }, make("div", {}, make("b", {}, "The pictures were not checked since they were last changed."),
        make("span", { class: "mute s" }, "Balance, near copies, and whether readers could tell the sources apart without looking at anatomy.")), again);
    }
    const grave = found.remarks.filter((one) => one.grave);
    const about = { balance: "Balance", duplicates: "Near copies", leaks: "Leaks", originals: "Original files" };
    const lines = found.remarks.map((one) => make("li", { class: one.grave ? "warn" : "mute" }, make("b", {}, `${about[one.about] || one.about}: `), one.sentence));
    return make("div", { class: `callout ${grave.length ? "" : "good"}`, role: "status" }, make("div", {},
      make("b", {}, grave.length ? "Clear this before the freeze, or explain it: the report prints it." : "The checks found nothing grave."),
      lines.length ? make("ul", {}, lines) : null,
      make("span", { class: "mute s" }, `Checked ${S.when(found.at)}. What the check does not see is not thereby safe.`)), bordered(s, found, fixed), again);
  }

  // Offered where what is shown has a border of one tone and none was cut off for it yet.
  function bordered(s, found, fixed) {
    if (fixed || !found.border || !s.pictures.treatment || s.pictures.treatment.again) return null;
    const tip = `The widest border is ${Math.round(1000 * found.border) / 10} % of the side. As much is cut off every picture alike, and all are checked again.`;
    return button("Equalise borders", () => begin("/pictures/equalise", {}), "", { title: tip });
  }

  function sources(s) {
    if (!s.pictures.cases.length) return null;
    const t = s.pictures.treatment;
    const rows = s.pictures.sources.map((one) => [one.source, one.synthetic ? "Synthetic" : "Real", String(one.main), one.findings,
      [one.practice ? `${one.practice} practice` : "", one.catch ? `${one.catch} catch` : "", one.masked ? `${one.masked} with a mask` : ""].filter(Boolean).join(", ") || "-", one.before || "-"]);
    return make("section", { class: "card flush" }, table("Sources of pictures", ["Source", "Role", "In the study", "Findings", "Besides", "Originals"], rows, ["", "", "n", "", "", ""]),
      make("p", { class: "mute s pad" }, t ? `Everything shown is made alike: ${t.side} x ${t.side}, 8 bit, ${t.crop ? `${Math.round(100 * t.crop)} % cut off at every edge, ` : ""}${t.again ? `${Math.round(100 * t.again)} % more for borders, ` : ""}one range of grey, no metadata, names that tell nothing.` : ""));
  }

  // ---- adding -------------------------------------------------------------------------------

  function made(s) {
    const locked = Boolean(s.pictures.treatment);
    const why = locked ? "As the pictures that are there: all are made alike." : "";
    return [field("Shown size", asked.side, (v) => { asked.side = Number(v); }, { options: SIDES, disabled: locked, help: why }),
      field("Cut off at every edge", asked.crop, (v) => { asked.crop = Number(v); }, { options: CROPS, disabled: locked, help: locked ? "" : "Where letters and borders are, which only one source may have." })];
  }

  function adding(s) {
    return make("div", { class: "g2" }, fromFolder(s), fromHistory(s));
  }

  function fromFolder(s) {
    const files = make("input", { type: "file", multiple: true, id: "folder-files", class: "unseen-input", tabIndex: -1, "aria-label": "Folder with a table" });
    files.setAttribute("webkitdirectory", "");
    const which = make("p", { class: "s", role: "status" }, "No folder chosen.");
    const tables = field("Table", "", null, { options: [["", "choose a folder first"]] });
    const add = button("Add the pictures", () => send(files, tables.control.value, which), "pri", { disabled: true });
    files.addEventListener("change", () => {
      const all = [...files.files];
      const found = all.map(name).filter((one) => one.toLowerCase().endsWith(".csv"));
      tables.control.replaceChildren(...(found.length ? found : [""]).map((one) => make("option", { value: one }, one || "there is no CSV in this folder")));
      which.textContent = `${all.length} files.`;
      add.disabled = !found.length;
    });
    return card("Add a folder and CSV", "Columns: file, source, synthetic (yes or no), finding; if wanted scene (pictures of one patient or drawing share it), role (main, practice, catch), case_id, edit_of, mask (a PNG of the same size, white where the picture was edited; no reader is shown it). The files go to this program and nowhere else.",
      make("div", { class: "row" }, button("Choose folder", () => files.click())), files, which, tables, made(s), make("div", { class: "row" }, add));
  }

  const name = (file) => file.webkitRelativePath || file.name;

  async function send(input, chosen, which) {
    S.say("");
    const wanted = [...input.files].filter((file) => /\.(png|jpe?g|tiff?|bmp|dcm|csv)$|^[^.]+$/i.test(file.name));
    let done = 0;
    await press(at("/files/forget"), {});
    for (const file of wanted) {
      which.textContent = `Reading file ${++done} of ${wanted.length}.`;
      const answer = await fetch(`/api/studies${at("/files")}`, { method: "POST", headers: { "X-Name": encodeURIComponent(name(file)) }, body: file }).catch(() => null);
      if (!answer || !answer.ok) {
        const told = answer ? await answer.json().catch(() => ({})) : {};
        S.say(told.detail || "Connection lost. No picture was added; try again.");
        which.textContent = "";
        return;
      }
    }
    await begin("/pictures/folder", { ...asked, table: chosen });
  }

  function fromHistory(s) {
    const place = make("div", { class: "states" }, make("p", { class: "mute s" }, "Looking"));
    const source = field("Name of the source", "our-model", null, { help: "Letters, digits, dots and dashes. One name a model." });
    const finding = field("Finding", "none", null, { help: "For which it was made; real and synthetic ones are matched by it." });
    const role = field("Role", "main", null, { options: ROLES });
    const masks = make("input", { type: "checkbox", checked: true, id: "history-masks" });
    const add = button("Add the chosen states", () => begin("/pictures/history", { ...asked, masks: masks.checked, source: source.control.value.trim(), finding: finding.control.value.trim(), role: role.control.value,
      states: [...place.querySelectorAll("input:checked")].map((one) => Number(one.value)) }), "pri");
    press(at("/history")).then((told) => {
      if (!told) return;
      place.replaceChildren(...(told.states.length ? told.states.map((one) => make("label", { class: "state" }, make("input", { type: "checkbox", value: one.number }),
        make("img", { src: `/api/states/${one.number}.png?side=116`, alt: "", width: 58, height: 58 }), make("span", {}, one.title, make("small", { class: "mute" }, one.origin === "real" ? "real" : "synthetic"))))
        : [make("p", { class: "mute s" }, "The document that is open in the editor has no picture yet.")]));
      add.disabled = !told.states.length;
    });
    return card("Add from history", "States of the document that is open in the editor, in this browser. States that came of one picture share its scene and stay apart.",
      place, source, finding, role, make("label", { class: "tick" }, masks, "Keep where findings were put in or something was erased, to compare with the marks of readers"), made(s), make("div", { class: "row" }, add));
  }

  async function begin(path, body) {
    if (await press(at(path), body)) S.render();
  }

  // Follows the task of this study while there is one, then shows what came of it.
  function follow(place) {
    let timer = 0;
    let was = false;
    const look = async () => {
      const told = await S.call(at("/task")).catch(() => null);
      if (!place.isConnected) return;
      const t = told?.task;
      if (t?.state === "running") {
        was = true;
        place.replaceChildren(make("p", { class: "note", role: "status" }, `${t.what}: ${t.total ? `${t.done} of ${t.total}` : "reading the files"}`));
        timer = setTimeout(look, 400);
      } else if (was || (t && t.state === "failed")) {
        if (was) {
          take(await S.call(at()));
          S.render();
        }
        if (t?.state === "failed") S.say(`No picture was added. ${t.sentence}`);
      } else if (t) place.replaceChildren(make("p", { class: "mute s", role: "status" }, t.sentence));
    };
    S.leave = () => clearTimeout(timer);
    look();
  }

  // ---- every case ---------------------------------------------------------------------------

  function cases(s, fixed) {
    if (!s.pictures.cases.length) return null;
    const chosen = new Set();
    const remove = button("Take the chosen out", async () => {
      const told = await press(at("/pictures/remove"), { version: S.study.version, cases: [...chosen] });
      if (told) { take(told); S.render(); }
    }, "", { disabled: true });
    const change = async (one, role, control) => {
      const told = await press(at("/pictures/role"), { version: S.study.version, cases: [one.case_id], role });
      if (told) take(told);
      else control.value = one.role;
    };
    const rows = s.pictures.cases.map((one) => [
      make("label", { class: "tick" }, fixed ? null : make("input", { type: "checkbox", on: { change: (e) => { chosen[e.target.checked ? "add" : "delete"](one.case_id); remove.disabled = !chosen.size; } } }),
        one.sha256 ? make("img", { loading: "lazy", width: 44, height: 44, alt: "", src: `/api/studies${at(`/pictures/${one.sha256}.png`)}` }) : "", one.case_id),
      one.source, `${one.synthetic ? "synthetic" : "real"}${one.masked ? ", mask" : ""}`, one.finding, one.scene || "-",
      fixed ? one.role : roleOf(one, change)]);
    const all = make("details", {}, make("summary", {}, `All ${s.pictures.cases.length} pictures`));
    all.addEventListener("toggle", () => {
      if (all.open && all.children.length === 1) all.append(table("Pictures", ["Case", "Source", "Truth", "Finding", "Scene", "Role"], rows), fixed ? "" : make("div", { class: "row pad" }, remove));
    });
    return make("section", { class: "card flush" }, all);
  }

  function roleOf(one, change) {
    const control = make("select", { class: "field", "aria-label": `Role of ${one.case_id}` }, ROLES.map(([key, title]) => make("option", { value: key, selected: key === one.role }, title)));
    control.addEventListener("change", () => change(one, control.value, control));
    return control;
  }
})();
