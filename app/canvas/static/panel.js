// The drawing column: labels, findings, the work area, measures, and the small menu of a label.

function makeNode(tag, attributes, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes || {})) {
    if (value !== undefined && value !== null) node.setAttribute(name, value);
  }
  node.append(...children);
  return node;
}

function makeIcon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("class", "i");
  svg.setAttribute("viewBox", "0 0 20 20");
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  use.setAttribute("href", "#xc-" + name);
  svg.append(use);
  return svg;
}

function makeLock() {
  return makeNode("span", { class: "lock", title: "Locked: nothing changes it. Unlock it in its menu" }, makeIcon("lock"));
}

function makeSwatch(look) {
  const c = makeCanvas(32, 32), g = c.getContext("2d");
  c.className = "sw";
  c.setAttribute("aria-hidden", "true");
  g.fillStyle = look.colour;
  if (look.hatch === undefined) { g.globalAlpha = 0.3; g.fillRect(2, 2, 28, 28); }
  else { g.fillStyle = g.createPattern(hatchTile(look.hatch, 1), "repeat"); g.fillRect(2, 2, 28, 28); }
  g.globalAlpha = 1;
  g.strokeStyle = look.colour;
  g.lineWidth = look.hatch === undefined ? 4 : 3;
  g.setLineDash(look.dash.map((v) => v * 1.1));
  g.strokeRect(2, 2, 28, 28);
  return c;
}

function makePanel(app) {
  const { $, d, ui, tools, view } = app;
  const labels = $(".labels"), list = $(".findings"), areas = $(".areas");
  const rows = new Map();                           // bit -> {row, eye, amount, words, sub}
  const panel = {};

  const titled = (bit) => (isFinding(bit) ? "finding " + letterOf(bit) : bit >= ERASE ? "Area" : ORGANS[bit].name);
  const eyeButton = (bit) => {
    const eye = makeNode("button", { type: "button", class: "ico" }, makeIcon("eye"));
    eye.addEventListener("click", (e) => { e.stopPropagation(); app.toggleHidden(bit); });
    return eye;
  };
  const moreButton = (bit) => {
    const more = makeNode("button", {
      type: "button", class: "ico narrow", "aria-haspopup": "menu",
      "aria-label": (isFinding(bit) ? "Finding " + letterOf(bit) : titled(bit)) + ": more",
      title: "Lock, swap, clear, keep largest part",
    }, makeIcon("dots"));
    more.addEventListener("click", (e) => { e.stopPropagation(); panel.openMenu(bit, more); });
    return more;
  };
  const makeRow = (bit, name, ...children) => {
    const row = makeNode("div", { role: "option", "aria-label": name, "aria-selected": "false", tabindex: "-1",
      class: isFinding(bit) ? "find" : "lab" }, ...children);
    row.addEventListener("click", (e) => { app.choose(bit); if (!e.target.closest("input")) row.focus({ preventScroll: true }); });
    row.addEventListener("keydown", (e) => {
      if (e.target !== row) return;
      const step = { ArrowDown: 1, ArrowUp: -1 }[e.key];
      if (step) {
        const all = [...row.parentElement.children], next = all[all.indexOf(row) + step];
        if (next) { next.click(); next.focus(); }
      } else if (e.key === "Enter" || e.key === " ") { row.click(); view.over.focus(); }
      else return;
      e.preventDefault();
    });
    return row;
  };

  for (const [bit, organ] of ORGANS.entries()) {
    const eye = eyeButton(bit), amount = makeNode("span", { class: "tiny dim" });
    const row = makeRow(bit, organ.name, makeSwatch(labelLook(d, bit)), makeNode("kbd", {}, String(bit + 1)),
      makeNode("span", {}, organ.name), amount, eye, moreButton(bit));
    labels.append(row);
    rows.set(bit, { row, eye, amount });
  }

  const makeAreaRow = (bit) => {
    const eye = eyeButton(bit), amount = makeNode("span", { class: "tiny mute" });
    const row = makeRow(bit, "Area", makeSwatch(labelLook(d, bit)), makeNode("kbd", {}, "A"),
      makeNode("span", {}, "Area"), amount, eye, makeNode("span"));
    rows.set(bit, { row, eye, amount });
    return row;
  };
  makeAreaRow(ERASE);
  makeAreaRow(KEEP);

  const makeFinding = (bit) => {
    const eye = eyeButton(bit), sub = makeNode("span", { class: "sub", title: "Share of that lung" });
    const words = makeNode("input", { class: "words", type: "text", maxlength: "300", list: app.knownId, role: "combobox",
      "aria-autocomplete": "list", "aria-expanded": "false", "aria-label": "Words of finding " + letterOf(bit),
      placeholder: "name this finding", autocomplete: "off", spellcheck: "false" });
    words.addEventListener("focus", () => app.choose(bit));
    words.addEventListener("input", () => app.typeWords(bit, words.value));
    words.addEventListener("change", () => app.commitWords());
    words.addEventListener("keydown", (e) => { if (e.key === "Enter") { app.commitWords(); view.over.focus(); } });
    const number = bit - FIRST_FINDING + 5;
    const row = makeRow(bit, "Finding " + letterOf(bit), makeSwatch(labelLook(d, bit)),
      makeNode("kbd", {}, number <= 8 ? String(number) : ""), words, sub, eye, moreButton(bit));
    rows.set(bit, { row, eye, sub, words });
    return row;
  };

  const showFindings = () => {
    const wanted = d.findings.map((f) => f.bit);
    for (const [bit, r] of rows) {
      if (isFinding(bit) && !wanted.includes(bit)) { r.row.remove(); rows.delete(bit); }
    }
    wanted.forEach((bit, k) => {
      const row = rows.has(bit) ? rows.get(bit).row : makeFinding(bit);
      if (list.children[k] !== row) list.insertBefore(row, list.children[k] || null);
    });
    $(".none").hidden = wanted.length > 0;
    $(".none").textContent = app.isFirst() ? "A finding is a painted area with words. Press N, paint, name it."
      : "None drawn on this picture.";
  };

  const showPlace = (r, bit, place) => {
    const locked = (d.locked >>> bit) & 1 ? [makeLock(), " "] : [];
    r.sub.replaceChildren(...locked, makeNode("b", {}, letterOf(bit)), "  " + (place ? place.text : ""));
  };

  panel.show = () => {
    showFindings();
    const m = app.measures, total = d.w * d.h;
    $(".work").hidden = ui.area === null;
    if (ui.area !== null) {
      $(".work-title").textContent = ui.area === ERASE ? "Area to erase" : "Area to keep";
      const row = rows.get(ui.area).row;
      if (areas.firstChild !== row) areas.replaceChildren(row);
    }
    for (const [bit, r] of rows) {
      const hidden = (d.hidden >>> bit) & 1, why = app.unknownReason(bit), chosen = bit === ui.bit;
      r.row.setAttribute("aria-selected", chosen);
      r.row.tabIndex = chosen || (bit === 0 && ui.bit >= FIRST_FINDING) || r.row === list.firstChild || bit >= ERASE ? 0 : -1;
      if (why) r.row.setAttribute("aria-disabled", "true");
      else r.row.removeAttribute("aria-disabled");
      r.row.title = why || "";
      r.eye.setAttribute("aria-label", (hidden ? "Show " : "Hide ") + titled(bit));
      r.eye.title = (hidden ? "Show " : "Hide ") + titled(bit);
      r.eye.classList.toggle("off", !!hidden);
      r.eye.querySelector("use").setAttribute("href", hidden ? "#xc-eye-off" : "#xc-eye");
      const locked = (d.locked >>> bit) & 1;
      if (locked) r.row.setAttribute("aria-description", "locked");
      else r.row.removeAttribute("aria-description");
      if (r.amount) {
        r.amount.textContent = why ? "not known" : bit >= ERASE ? percent(m.pixels[bit] / total) : m.pixels[bit] ? "" : "empty";
        if (locked) r.amount.append(makeLock());
      }
      if (!r.words) continue;
      const f = d.finding(bit), place = m.places.find((p) => p.bit === bit);
      if (document.activeElement !== r.words && r.words.value !== f.words) r.words.value = f.words;
      showPlace(r, bit, place);
    }
    panel.showMeasures();
  };

  panel.showMeasures = () => {
    const m = app.measures, p = app.inPicture() || {};
    const text = (v, form) => (v === null || v === undefined ? "-" : form(v)), ratio = (v) => v.toFixed(2);
    const area = (pixels) => (m.spacing && pixels ? makeNode("span", { class: "tiny dim" }, " " + Math.round((pixels * m.spacing ** 2) / 100) + " cm\u00b2") : "");
    const width = (span) => (span ? Math.round((span[1] - span[0]) * m.spacing) + " mm" : "-");
    const lines = [
      ["Cardiothoracic ratio", text(m.ratio, ratio), text(p.ratio, ratio)],
      ...(m.spacing && (m.heart || m.thorax) ? [["Heart " + width(m.heart) + ", thorax " + width(m.thorax)]] : []),
      [["Right lung", area(m.pixels[1])], text(m.right, percent), text(p.right, percent)],
      [["Left lung", area(m.pixels[0])], text(m.left, percent), text(p.left, percent)],
      ...m.places.filter((f) => f.share).slice(0, 4).map((f) =>
        [[letterOf(f.bit) + " in " + f.side + " lung", area(f.share * m.pixels[f.side === "left" ? 0 : 1])], percent(f.share), "-"]),
    ];
    $(".spacing-note").textContent = m.spacing ? "Areas in % of both lungs, " + m.spacing.toPrecision(3) + " mm a pixel"
      : "Areas in % of both lungs: no pixel spacing";
    $(".meas tbody").replaceChildren(...lines.map((cells) => makeNode("tr", {}, ...cells.map((c) => makeNode("td", { colspan: cells.length === 1 ? 3 : null }, ...[c].flat())))));
    for (const f of m.places) {
      const r = rows.get(f.bit);
      if (r) showPlace(r, f.bit, f);
    }
    if (ui.area !== null) rows.get(ui.area).amount.textContent = percent(m.pixels[ui.area] / (d.w * d.h));
  };

  panel.nameFinding = (bit) => { const r = rows.get(bit); if (r) r.words.focus(); };

  panel.openMenu = (bit, from) => {
    const menu = $(".menu"), on = (act) => () => { app.closeMenu(); app.choose(bit); act(); from.focus({ preventScroll: true }); };
    const item = (text, act) => {
      const b = makeNode("button", { type: "button", role: "menuitem" }, text);
      b.addEventListener("click", on(act));
      return b;
    };
    const locked = (d.locked >>> bit) & 1;
    const items = [item(locked ? "Unlock" : "Lock", () => app.toggleLock(bit))];
    if (bit < ORGANS.length) {
      for (const other of [0, 1, 2, 3]) {
        if (other !== bit && !app.unknownReason(other)) items.push(item("Swap with " + ORGANS[other].name.toLowerCase(), () => tools.swap(bit, other)));
      }
    }
    const mirror = item("Mirror to the other side", () => tools.mirrorOver(bit));
    mirror.title = bit < 2 ? "The " + ORGANS[1 - bit].name.toLowerCase() + " becomes the mirror image of this one"
      : "Flips it about the middle of the picture";
    items.push(mirror, item("Keep largest part", tools.largest), item("Fill holes", tools.fillHoles), item("Clear", tools.clear));
    if (isFinding(bit)) {
      items.unshift(item("Insert only this one", () => app.command("only", { bit })), item("Make this one again", () => app.command("again", { bit })),
        item("Move up", () => app.moveFinding(bit, -1)), item("Move down", () => app.moveFinding(bit, 1)));
    }
    if (isFinding(bit)) items.push(item("Delete finding " + letterOf(bit), () => app.deleteFinding(bit)));
    menu.replaceChildren(...items);
    menu.hidden = false;
    const r = from.getBoundingClientRect();
    menu.style.left = Math.min(r.left, window.innerWidth - 180) + "px";
    menu.style.top = Math.min(r.bottom + 2, window.innerHeight - menu.offsetHeight - 8) + "px";
    items[0].focus();
    menu.onkeydown = (e) => {
      const at = items.indexOf(document.activeElement), step = { ArrowDown: 1, ArrowUp: -1 }[e.key];
      if (step) items[(at + step + items.length) % items.length].focus();
      else if (e.key === "Escape") { app.closeMenu(); from.focus(); }
      else return;
      e.preventDefault();
      e.stopPropagation();
    };
    menu.onfocusout = (e) => { if (!menu.contains(e.relatedTarget)) app.closeMenu(); };
  };
  return panel;
}
