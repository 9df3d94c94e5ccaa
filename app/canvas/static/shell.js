// Buttons, fields, corners: everything around the picture that only shows or passes on.

function makeShell(app) {
  const { $, root, d, ui, view, pictures, overlay, tools, history, panel } = app;
  const toBottom = (act) => (e) => { act(e); view.over.focus({ preventScroll: true }); };

  const actions = {
    undo: () => app.undo(), redo: () => app.redo(), fold: () => app.fold(), template: () => app.command("template"),
    from_picture: () => app.ask("from_picture"), add: () => { app.addFinding(); panel.nameFinding(ui.bit); },
    area_invert: () => tools.invertArea(), area_clear: () => tools.clear(), mirror: () => app.mirror(),
    shrink: (e) => tools.shrink(e.shiftKey ? 5 : 1), grow: (e) => tools.grow(e.shiftKey ? 5 : 1), smooth: tools.smooth, invert: () => app.invert(), fit: () => view.fit(),
    one: () => view.one(), levels: () => app.look.toggleLevels(), compare: () => app.nextCompare(), report: () => { app.leaveFirst(); app.command("report"); },
    open: () => app.pickFile(), pin: () => history.pin(d.state), restore: () => app.ask("restore", { id: d.state }),
    delete: () => app.ask("delete", { id: d.state }), close_keys: () => $(".keys-card").close(),
  };
  const keepsFocus = new Set(["add", "report", "open", "template", "close_keys", "levels", "pin", "restore", "delete"]);
  for (const button of root.querySelectorAll("[data-do]")) {
    const name = button.dataset.do;
    const act = keepsFocus.has(name) ? actions[name] : toBottom(actions[name]);
    button.addEventListener("click", (e) => {
      if (button.getAttribute("aria-disabled") === "true") app.say(button.title + ".");
      else act(e);
    });
  }
  for (const button of root.querySelectorAll("[data-tool]")) {
    button.addEventListener("click", toBottom(() => app.tool(button.dataset.tool)));
  }
  const field = (name, event, act) => $("[data-in=" + name + "]").addEventListener(event, (e) => act(e.target));
  field("size", "input", (f) => app.size(Number(f.value)));
  field("tolerance", "input", (f) => app.growing.tolerance(Number(f.value)));
  field("where", "change", (f) => { ui.where = f.value; });
  field("preset", "change", (f) => app.preset(f.value));
  field("opacity", "input", (f) => { overlay.opacity = f.value / 100; app.filmFirst(false); app.refresh(); });
  field("opacity", "pointerdown", () => app.filmFirst(false));
  field("outlines", "change", (f) => { overlay.outlines = f.checked; app.filmFirst(false); app.refresh(); });
  field("measures", "change", (f) => { overlay.measures = f.checked; app.refresh(); });

  app.disable = (name, why, title) => {
    for (const button of root.querySelectorAll("[data-do=" + name + "]")) {
      if (why) button.setAttribute("aria-disabled", "true");
      else button.removeAttribute("aria-disabled");
      button.title = why || title;
    }
  };

  app.cursor = () => {
    const style = ui.near ? "ew-resize" : ui.space || ui.tool === "zoom" ? "grab" : ui.tool === "window" ? "move" : ui.tool === "move" ? app.move.cursor(ui.cursor) : "none";
    view.over.style.cursor = ui.panning ? "grabbing" : style;
  };

  app.cursorMoved = () => {
    const at = ui.cursor, picture = pictures.preview || pictures.shown;
    const x = at ? Math.floor(at[0]) : -1, y = at ? Math.floor(at[1]) : -1;
    if (x < 0 || y < 0 || x >= d.w || y >= d.h) {
      $(".hud-cursor").textContent = "";
      $(".hud-label").textContent = ui.message || "";
      return;
    }
    const value = picture
      ? "  value " + picture.grey[Math.min(picture.h - 1, Math.floor((y * picture.h) / d.h)) * picture.w + Math.min(picture.w - 1, Math.floor((x * picture.w) / d.w))] : "";
    $(".hud-cursor").textContent = "x " + x + " y " + y + value;
    const bits = d.bits[y * d.w + x], names = [];
    for (const bit of [0, 1, 2, 3, ...d.findings.map((f) => f.bit), ...(ui.area === null ? [] : [ui.area])]) {
      if ((bits >>> bit) & 1) names.push(isFinding(bit) ? letterOf(bit) : bit >= ERASE ? "Area" : ORGANS[bit].name);
    }
    $(".hud-label").textContent = ui.message || names.join(", ") || "No label here";
  };

  app.hud = () => {
    const p = app.props, now = history.current(), size = pictures.shown || d;
    $(".hud-name").textContent = p.name || "Untitled";
    $(".hud-state").textContent = pictures.preview || overlay.previewing ? p.caption || "Preview"
      : pictures.before && pictures.other ? "Before" : now ? now.title || "State " + now.label : app.isFirst() ? "" : "Drawing only";
    $(".hud-size").textContent = app.isFirst() ? "" : size.w + " x " + size.h + (now && now.detail ? ", " + now.detail : "");
    $(".hud-window").textContent = pictures.shown || pictures.preview ? "W " + pictures.window + " L " + pictures.level : "";
    $(".hud-zoom").textContent = app.isFirst() ? "" : "Zoom " + Math.round((100 * view.zoom) / view.ratio) + " %";
    $(".hud-seed").textContent = now && now.seed !== undefined && now.seed !== null ? "Seed " + now.seed : "";
    const mark = (now && now.mark) || p.mark || "Not for diagnosis";
    $(".mark").textContent = !pictures.preview ? mark
      : (/^(Real|Partly)/.test(mark) ? "Partly synthetic" : "Synthetic") + " - not for diagnosis";
    app.cursorMoved();
    app.showCompare();
    app.look.showScale();
  };

  app.showCompare = () => {
    const b = history.other(), swipe = pictures.compare === "swipe" && !!b && !pictures.preview && !pictures.before;
    const wide = view.over.clientWidth, x = wide * pictures.split;
    $(".split").hidden = !swipe;
    $(".split").style.left = x + "px";
    $(".cmp-a").hidden = $(".cmp-b").hidden = !swipe;
    if (swipe) {
      $(".cmp-b").replaceChildren(makeNode("b", {}, "B"), " state " + b.label);
      $(".cmp-a").replaceChildren(makeNode("b", {}, "A"), " state " + history.current().label);
      $(".cmp-b").style.right = wide - x + 10 + "px";
      $(".cmp-a").style.left = x + 10 + "px";
    }
    const button = $("[data-do=compare]");
    button.setAttribute("aria-pressed", String(pictures.compare !== "off"));
    button.textContent = pictures.compare === "difference" ? "Difference" : "Compare";
    app.disable("compare", b ? "" : "Needs two states", "Compare with B: swipe, difference (Shift+C). Hold C to flick");
  };

  const step = (name, stack, word, keys) => {
    const last = stack[stack.length - 1];
    app.disable(name, last ? "" : "Nothing to " + name, word + ": " + (last ? last.title : "") + " (" + keys + ")");
  };

  let waiting = false;
  const show = () => {
    waiting = false;
    const first = app.isFirst();
    app.measure();
    for (const b of root.querySelectorAll("[data-tool]")) b.setAttribute("aria-pressed", String(b.dataset.tool === ui.tool));
    step("undo", d.undoStack, "Undo", "Ctrl+Z");
    step("redo", d.redoStack, "Redo", "Ctrl+Y");
    $("[data-in=size]").value = ui.size;
    $("[data-in=size]").setAttribute("aria-valuetext", ui.size + " px");
    $(".size-now").textContent = ui.size + " px";
    $(".for-brush").hidden = ui.tool === "tone";
    $(".for-tone").hidden = ui.tool !== "tone";
    $("[data-in=tolerance]").value = ui.tolerance;
    $("[data-in=tolerance]").setAttribute("aria-valuetext", ui.tolerance + " of 255 grey levels");
    $(".tolerance-now").textContent = ui.tolerance;
    $(".opacity-now").textContent = overlay.filmFirst ? "off" : Math.round(overlay.opacity * 100) + " %";
    $(".opacity-now").title = overlay.filmFirst ? "Outlines only, until you draw" : "";
    $("[data-do=mirror]").setAttribute("aria-pressed", String(ui.mirror));
    $("[data-do=invert]").setAttribute("aria-pressed", String(pictures.invert));
    const folded = app.folded(), fold = $("[data-do=fold]");
    fold.setAttribute("aria-label", folded ? "Show drawing column" : "Hide drawing column");
    fold.setAttribute("aria-pressed", String(folded));
    fold.title = (folded ? "Show" : "Hide") + " drawing column (\\)";
    $(".first").hidden = !first;
    for (const side of root.querySelectorAll(".side")) side.hidden = first;
    const know = app.props.know;
    if (know) {
      const list = $(".known"), words = (know.findings || []).join("|");
      if (list.dataset.words !== words) {
        list.dataset.words = words;
        list.replaceChildren(...(know.findings || []).map((w) => makeNode("option", { value: w })));
      }
    }
    const blocked = !pictures.shown ? "No picture" : know && know.verbs && !know.verbs.includes("segment") ? "No segmenter loaded" : "";
    app.disable("from_picture", blocked, "Read the organs from the picture on screen");
    panel.show();
    history.show();
    app.cursor();
    app.tell();
    view.redraw();
  };
  // Many changes in one go are shown once.
  app.refresh = () => {
    if (waiting) return;
    waiting = true;
    queueMicrotask(show);
  };
}

// Files: dropped anywhere on the page, pasted, or chosen.
function makeFiles(app) {
  const { $ } = app, input = $(".file"), curtain = $(".drop");
  const hasFiles = (e) => app.visible() && e.dataTransfer && [...e.dataTransfer.types].includes("Files");
  let depth = 0;
  const show = (on) => { curtain.hidden = !on; };
  const listeners = {
    dragenter: (e) => { if (hasFiles(e)) { depth++; show(true); } },
    dragleave: (e) => { if (hasFiles(e) && --depth <= 0) { depth = 0; show(false); } },
    dragover: (e) => { if (hasFiles(e)) e.preventDefault(); },
    drop: (e) => {
      if (!hasFiles(e)) return;
      e.preventDefault();
      e.stopPropagation();
      depth = 0;
      show(false);
      // What a folder holds is known only by its entry, and only now.
      const entries = [...e.dataTransfer.items].map((one) => one.webkitGetAsEntry && one.webkitGetAsEntry()).filter(Boolean);
      if (entries.some((one) => one.isDirectory) && !app.command("folder", { entries })) return;
      if (e.dataTransfer.files.length) app.open([...e.dataTransfer.files]);
    },
    paste: (e) => {
      const files = app.visible() && e.clipboardData ? [...e.clipboardData.files] : [];
      if (!files.length) return;
      e.preventDefault();
      app.open(files);
    },
  };
  for (const [name, f] of Object.entries(listeners)) document.addEventListener(name, f, true);
  input.addEventListener("change", () => { if (input.files.length) app.open([...input.files]); input.value = ""; });
  return { remove: () => { for (const [name, f] of Object.entries(listeners)) document.removeEventListener(name, f, true); } };
}
