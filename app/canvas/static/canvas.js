// Starts one label canvas in `element`. Nothing here knows who serves it: `props` is an object,
// `upload(file)` resolves to {path}, `trigger(name, data)` reports, `watch(name, f)` tells of new props.

function startCanvas(element, props, upload, trigger, watch) {
  const root = element.querySelector(".xc"), $ = (s) => root.querySelector(s);
  const ui = {
    tool: "brush", bit: 0, size: 24, tolerance: 12, where: "", mirror: false, subtract: false, space: false, loupe: false, area: null,
    active: 0, shape: null, cursor: null, cross: null, pen: false, last: null, pinned: null, near: false, dismissed: false, zone: null,
  };
  const app = { root, $, ui, props: {}, measures: null, knownId: "xc-known-" + uuid().slice(0, 8) };
  $(".known").id = app.knownId;
  let said = 0, counting = 0, saving = 0, toldRev = -1, wordsBefore = null, wordsTimer = 0;

  const changed = (title, loaded) => {
    app.measure();
    if (title) $(".spoken").textContent = title;
    if (!ui.dismissed && !app.isFirst()) ui.dismissed = true;
    if (ui.zone) tools.outlineZone();
    app.refresh();
    if (app.props.autosave && !loaded) app.unsaved();
  };
  const d = (app.d = makeDrawing((title, loaded) => changed(title, loaded)));
  // Measures of the pictures themselves: in the view, or told later, by document and state.
  const read = new Map();
  app.inPicture = () => app.props.measured || read.get(d.doc + "/" + d.state);
  app.measure = () => { app.measures = measured(d, app.move ? app.move.boxes() : d.boxes, app.look ? app.look.spacing() : null); };
  app.measure();
  const overlay = (app.overlay = makeOverlay(d));
  const pictures = (app.pictures = makePictures(() => { view.redraw(); app.refresh(); }));
  app.untouched = () => d.undoStack.length === 0 && d.blank();
  app.isFirst = () => !ui.dismissed && !pictures.shown && !pictures.preview && !(app.props.states || []).length
    && !d.findings.length && app.untouched();

  // ---- reports
  const base = () => ({ doc: d.doc, rev: d.rev, state: d.state });
  app.ask = (kind, data) => trigger("ask", { kind, ...base(), ...data });
  // False where a listener took it over (preventDefault).
  app.command = (kind, data) => document.dispatchEvent(new CustomEvent("xreal", { bubbles: true, cancelable: true, detail: { kind, ...data } }));
  app.say = (text) => {
    $(".spoken").textContent = text;
    clearTimeout(said);
    ui.message = text;
    said = setTimeout(() => { ui.message = ""; app.hud(); }, 4000);
    app.hud();
  };
  app.unsaved = () => {
    app.command("unsaved");
    clearTimeout(saving);
    saving = setTimeout(() => app.command("save-soon"), 2000);
  };
  app.summary = () => {
    const m = app.measures;
    return {
      ...base(), w: d.w, h: d.h, empty: d.blank(), picture: !!pictures.shown,
      organs: Object.fromEntries([0, 1, 2, 3].map((k) => [k, m.pixels[k]])),
      findings: d.findings.map((f) => ({ ...f, letter: letterOf(f.bit), pixels: m.pixels[f.bit], place: m.places.find((p) => p.bit === f.bit) })),
      erase: m.pixels[ERASE], keep: m.pixels[KEEP], selected: ui.bit, area: ui.area,
    };
  };
  // A note that asks for a decision (`decide`) ends by it; every other one can be closed.
  app.note = (note) => {
    const box = $(".note");
    box.hidden = !note;
    if (!note) return;
    box.className = "note " + (note.tone || "");
    box.setAttribute("role", note.tone === "bad" ? "alert" : "status");
    const buttons = (note.buttons || []).map((b) => {
      const node = makeNode("button", { type: "button", class: "btn" }, b.label);
      node.addEventListener("click", () => { if (!b.stays) app.note(null); if (b.act) b.act(); else if (b.kind) app.command(b.kind); });
      return node;
    });
    box.replaceChildren(makeNode("div", {}, makeNode("b", {}, note.title || ""), makeNode("span", {}, note.text || "")), ...buttons);
    if (note.decide) return;
    const close = makeNode("button", { type: "button", class: "close", "aria-label": "Close message", title: "Close this message (Esc)" }, "\u00d7");
    close.addEventListener("click", () => { app.note(null); view.over.focus({ preventScroll: true }); });
    box.append(close);
  };

  // ---- what can be chosen
  const know = () => app.props.know || null;
  app.unknownReason = (bit) => bit < ORGANS.length && know() && know().organs && !know().organs.includes(bit + 1)
    ? "The loaded model cannot draw the " + ORGANS[bit].name.toLowerCase() : "";
  app.subject = (bit) => (isFinding(bit) ? "Finding " + letterOf(bit) : "The " + d.nameOf(bit));   // begins a sentence
  app.lockReason = (bit) => app.unknownReason(bit) || ((d.locked >>> bit) & 1 ? app.subject(bit) + " is locked. Unlock it in its menu." : "");
  const settle = () => { tools.putDown(); app.growing.drop(); app.move.accept(); };
  app.choose = (bit) => {
    if (isFinding(bit) && !d.finding(bit)) return app.say("There is no finding " + letterOf(bit) + " yet. Press N to add one.");
    if (app.unknownReason(bit)) return app.say(app.unknownReason(bit) + ".");
    app.leaveFirst();                               // who chooses a label is about to draw
    if (bit === ui.bit) return;
    settle();
    ui.bit = bit;
    app.refresh();
  };
  app.chooseArea = () => { if (ui.area === null) app.area("erase"); app.choose(ui.area); };
  app.area = (what) => {
    const bit = what === "erase" ? ERASE : what === "keep" ? KEEP : null;
    if (bit === ui.area) return;
    settle();
    ui.area = bit;
    if (bit !== null) ui.bit = bit;
    else if (ui.bit >= ERASE) ui.bit = d.findings.length ? d.findings[0].bit : 0;
    app.refresh();
  };
  app.tool = (name) => {
    app.leaveFirst();
    settle();
    tools.drop();
    ui.tool = name;
    app.refresh();
  };
  app.size = (size) => { ui.size = Math.min(160, Math.max(1, Math.round(size))); app.refresh(); };
  app.mirror = () => { ui.mirror = !ui.mirror; app.refresh(); };
  app.toggleHidden = (bit) => { tools.finish(); d.note(((d.hidden >>> bit) & 1 ? "show " : "hide ") + d.nameOf(bit), () => { d.hidden = (d.hidden ^ bitMask(bit)) >>> 0; }); };
  app.toggleLock = (bit) => { tools.finish(); d.note(((d.locked >>> bit) & 1 ? "unlock " : "lock ") + d.nameOf(bit), () => { d.locked = (d.locked ^ bitMask(bit)) >>> 0; }); };
  app.addFinding = () => {
    const bit = d.freeFinding();
    if (bit === null) return app.say("There can be 24 findings at most.");
    d.note("add finding " + letterOf(bit), () => d.findings.push({ bit, words: "", strength: 1 }));
    app.choose(bit);
    app.leaveFirst();
  };
  // One place up or down the list: the order in which findings are inserted.
  app.moveFinding = (bit, by) => {
    const at = d.findings.findIndex((f) => f.bit === bit), to = at + by;
    if (at < 0 || to < 0 || to >= d.findings.length) return app.say(by < 0 ? "It is the first." : "It is the last.");
    d.note("move finding " + letterOf(bit), () => d.findings.splice(to, 0, ...d.findings.splice(at, 1)));
  };
  app.deleteFinding = (bit) => {
    const m = bitMask(bit);
    tools.finish();
    d.note("delete finding " + letterOf(bit), () => { d.findings = d.findings.filter((f) => f.bit !== bit); },
      () => { if (d.boxes[bit]) tools.each(d.boxes[bit], (i) => d.put(i, (d.bits[i] & ~m) >>> 0)); });
    if (ui.bit === bit) ui.bit = d.findings.length ? d.findings[0].bit : 0;
    app.refresh();
  };
  app.typeWords = (bit, text) => {
    const f = d.finding(bit);
    if (!f) return;
    if (wordsBefore && wordsBefore.bit !== bit) app.commitWords();
    if (!wordsBefore) wordsBefore = { bit, words: f.words };
    f.words = text;
    clearTimeout(wordsTimer);
    wordsTimer = setTimeout(app.commitWords, 1000);
  };
  app.commitWords = () => {
    clearTimeout(wordsTimer);
    const before = wordsBefore, f = before && d.finding(before.bit);
    wordsBefore = null;
    if (!f || f.words === before.words) return;
    const now = f.words;
    f.words = before.words;
    d.note("words, finding " + letterOf(f.bit), () => { f.words = now; });
  };
  // How much a finding stands out, from 0 to 2; one step of the undo stack each time it is let go.
  app.strength = (bit, value) => {
    const f = d.finding(bit);
    if (!f || f.strength === value) return;
    app.commitWords();
    d.note("strength, finding " + letterOf(bit), () => { f.strength = value; });
  };
  const again = (step, none) => {
    if (tools.pending()) return tools.drop();          // what is not accepted yet is the last thing done
    if (d.open()) return;
    if (d.gathering()) return app.say("Still loading. Try again in a moment.");
    app.commitWords();
    app.command("settle");                           // what is typed elsewhere becomes a step first
    const done = step();
    if (!done) return app.say(none);
    if (isFinding(ui.bit) && !d.finding(ui.bit)) ui.bit = d.findings.length ? d.findings[0].bit : 0;
    const shown = done.whole && d.state !== done.whole.state;
    if (shown && app.history.current()) app.history.select(d.state, true);
    if (done.whole || (done.parts || []).some((part) => part.whole)) view.fit();
    app.refresh();
  };
  app.undo = () => again(d.undo, "Nothing to undo.");
  app.redo = () => again(d.redo, "Nothing to redo.");
  app.leaveFirst = () => { if (!ui.dismissed) { ui.dismissed = true; app.refresh(); } };

  // ---- how it looks
  app.tone = (window_, level, preset) => {
    pictures.window = Math.min(512, Math.max(2, Math.round(window_)));
    pictures.level = Math.min(384, Math.max(-128, Math.round(level)));
    if (preset === undefined) preset = PRESETS.find((p) => p.window === pictures.window && p.level === pictures.level);
    $("[data-in=preset]").value = preset ? preset.name : "Custom";
    look.showLevels();
    view.redraw();
  };
  app.preset = (name) => { const p = PRESETS.find((q) => q.name === name); if (p) app.tone(p.window, p.level, p); };
  app.nextPreset = () => { const at = PRESETS.findIndex((p) => p.name === $("[data-in=preset]").value); app.preset(PRESETS[(at + 1) % PRESETS.length].name); };
  app.invert = () => { pictures.invert = !pictures.invert; app.refresh(); };
  app.nextCompare = () => {
    if (!history.other()) return app.say("Compare needs two states.");
    pictures.compare = { off: "swipe", swipe: "difference", difference: "off" }[pictures.compare];
    history.compareWith();
    history.show();
    app.say("Compare: " + pictures.compare);
  };
  // The drawing column is a drawer over the picture where the window is narrow: shut at first.
  const narrow = window.matchMedia("(max-width:1099px)");
  app.folded = () => (narrow.matches ? !root.classList.contains("drawn") : root.classList.contains("folded"));
  app.fold = () => { root.classList.toggle(narrow.matches ? "drawn" : "folded"); app.refresh(); };
  const narrowed = () => app.refresh();
  narrow.addEventListener("change", narrowed);
  app.fitTo = (picture) => {
    const refit = picture.w !== d.w || picture.h !== d.h;
    if (!refit) return;
    tools.finish();
    if (!d.resize(picture.w, picture.h)) app.say("The picture has another shape, so the drawing is empty. Undo brings it back.");
    view.fit();
  };
  app.previewing = (on) => { overlay.previewing = on; if (!on) app.progress(null); view.redraw(); app.refresh(); };
  // A run's new picture is seen before its drawing: outlines only, until one draws or asks for the fill.
  let filmComes = false;
  app.filmFirst = (on, loaded) => {
    if (overlay.filmFirst === on) return;
    overlay.filmFirst = on;
    view.redraw();
    app.refresh();
    if (loaded || !app.props.autosave) return;
    app.unsaved();                                   // a reload finds it as it is
    if (on) app.command("save-soon");
  };
  app.filmAsked = () => { filmComes = true; app.filmFirst(true); };
  app.filmShown = () => { if (filmComes) app.filmFirst(true); filmComes = false; };
  app.begin = (title) => { app.filmFirst(false); d.begin(title); };
  app.progress = (fraction) => {
    $(".prog").hidden = fraction === null || fraction === undefined;
    if (!$(".prog").hidden) $(".prog i").style.width = 100 * Math.min(1, Math.max(0, fraction)) + "%";
  };
  app.visible = () => root.offsetParent !== null;
  app.closeMenu = () => { $(".menu").hidden = true; };
  app.pickFile = () => $(".file").click();
  app.open = (files) => transfer.open(files);
  // What of the view comes back after a reload: plain values, see `View.look`.
  app.seen = () => ({
    window: pictures.window, level: pictures.level, invert: pictures.invert, pinned: ui.pinned, bit: ui.bit,
    hidden: d.hidden, locked: d.locked, opacity: overlay.opacity, outlines: overlay.outlines, film: overlay.filmFirst, fitted: view.fitted,
    zoom: view.zoom / view.ratio, x: view.point({ clientX: 0, clientY: 0 })[0], y: view.point({ clientX: 0, clientY: 0 })[1],
  });
  app.takeSeen = (look) => {
    const number = (v) => typeof v === "number" && isFinite(v);
    if (number(look.window) && number(look.level)) app.tone(look.window, look.level);
    pictures.invert = look.invert === true;
    ui.pinned = look.pinned || null;
    if (number(look.bit) && (look.bit < FIRST_FINDING || d.finding(look.bit))) ui.bit = look.bit;
    for (const name of ["hidden", "locked"]) if (number(look[name])) d[name] = look[name] >>> 0;
    if (number(look.opacity)) { overlay.opacity = look.opacity; $("[data-in=opacity]").value = Math.round(100 * look.opacity); }
    if (typeof look.outlines === "boolean") { overlay.outlines = look.outlines; $("[data-in=outlines]").checked = look.outlines; }
    app.filmFirst(look.film === true, true);
    d.stale = 0xffffffff;
    if (look.fitted || ![look.zoom, look.x, look.y].every(number)) return;
    view.zoomTo(look.zoom * view.ratio, 0, 0);
    const [x, y] = view.toScreen(look.x, look.y), box = view.over.getBoundingClientRect();
    view.pan((-box.left - x) * view.ratio, (-box.top - y) * view.ratio);
  };

  const view = (app.view = makeView(Object.assign(app, { hud: () => {} })));
  const tools = (app.tools = makeTools(app));
  const history = (app.history = makeHistory(app));
  const panel = (app.panel = makePanel(app));
  const transfer = (app.transfer = makeTransfer(app, upload));
  const kept = (app.kept = makeKept(app));
  const offers = (app.offers = makeOffers(app));
  const look = (app.look = makeLook(app));
  const frame = makeFrame(app);
  const grid = (app.grid = makeGrid(app));
  makeShell(app);
  const keys = makeKeys(app);
  const files = makeFiles(app);

  app.countSoon = () => {                           // while a stroke goes on: at most ten counts a second
    if (!counting) counting = setTimeout(() => { counting = 0; app.measure(); panel.showMeasures(); if (ui.zone) tools.outlineZone(); view.redraw("over"); }, 100);
  };
  app.tell = () => {
    const key = [d.doc, d.rev, d.state, ui.bit, ui.area, !!pictures.shown].join();
    if (toldRev === key) return;
    toldRev = key;
    app.command("changed", { summary: app.summary() });
  };

  PRESETS.concat([{ name: "Custom" }]).forEach((p) => $("[data-in=preset]").append(makeNode("option", { value: p.name }, p.name)));
  const api = {
    measured: (doc, state, found) => { read.set(doc + "/" + state, found); panel.showMeasures(); },
    measures: () => app.measures, flush: transfer.flush, apply: transfer.apply, preview: transfer.preview, film: app.filmAsked, open: transfer.open, note: app.note,
    area: app.area, zone: tools.zone, offer: offers.show, frame: frame.set, grid: (g) => (g ? grid.show(g) : grid.close()), summary: app.summary, select: app.choose, focus: () => view.over.focus(), keys: () => app.openKeys(), fold: () => app.fold(),
    remember: (step) => d.remember(step.told ? { title: step.title, ...kept.outside(step.told) } : step), packed: transfer.packed, unpacked: transfer.unpacked, look: app.seen,
    steps: kept.packed, stepsBack: kept.unpacked,
    finish: () => { app.commitWords(); tools.finish(); },
    words: (bit, text) => { app.typeWords(bit, text); app.commitWords(); },
    strength: app.strength,
    brush: (size) => app.size(size),
    raster: { capsule, polygon, ellipse, flooded, enclosed, likeTone, allLikeTone, holes, rim, edge, outvoted, crumbs, moved, resized, tightened, traced, crc32 },
    drawing: d, view, pictures, ui,
  };
  window.XREAL = window.XREAL || {};
  if (window.XREAL.canvas && window.XREAL.canvas.stop) window.XREAL.canvas.stop();
  api.stop = () => { narrow.removeEventListener("change", narrowed); keys.remove(); files.remove(); };
  window.XREAL.canvas = api;
  watch("view", () => transfer.apply(props.view));
  app.refresh();
  if (props.view) transfer.apply(props.view);
  document.dispatchEvent(new CustomEvent("xreal", { bubbles: true, detail: { kind: "ready" } }));
}
