// Grow from tone: the connected pixels about as bright as the one under the pointer, shown before they
// are painted. It works on the picture as it was decoded (0 to 255), before window and level.

const MOST_TOLERANCE = 128;

function makeTone(app) {
  const { d, ui, view, pictures } = app;
  const t = {};
  let at = null;                                     // {seed, x, on, threshold, tolerance, found, loops}

  // Begins at the point `p` of the picture; false, with the reason said, where it cannot.
  t.press = (p, x, on, threshold) => {
    const picture = pictures.preview || pictures.shown, px = Math.floor(p[0]), py = Math.floor(p[1]);
    if (!picture || picture.w !== d.w || picture.h !== d.h) {
      app.say("Growing from tone needs a picture. Open or generate one first.");
      return false;
    }
    if (px < 0 || py < 0 || px >= d.w || py >= d.h) return false;
    if (app.tools.refused()) return false;
    at = { picture, seed: py * d.w + px, x, on, threshold, from: ui.tolerance, tolerance: ui.tolerance, found: null };
    t.show();
    return true;
  };
  t.drag = (x) => { if (at) t.tolerance(at.from + Math.round((x - at.x) / 3)); };
  t.tolerance = (value) => {
    ui.tolerance = Math.min(MOST_TOLERANCE, Math.max(0, Math.round(value)));
    if (at) { at.tolerance = ui.tolerance; at.stale = true; }
    app.refresh();
    view.redraw("over");
  };
  t.show = () => {
    const bits = d.bits, m = bitMask(ui.bit), where = ui.where;
    const others = (ui.bit < ORGANS.length ? ORGAN_BITS : isFinding(ui.bit) ? FINDING_BITS : 0) & ~m;
    const allowed = !at.on ? (i) => bits[i] & m : where === "lungs" ? (i) => bits[i] & LUNGS : where === "free" ? (i) => !(bits[i] & others) : () => true;
    at.stale = false;
    at.found = (at.threshold ? allLikeTone : likeTone)(at.picture.grey, d.w, d.h, at.seed, at.tolerance, allowed);
    at.path = at.found.box ? pathOf(traced(at.found.on, d.w, d.h, 1, at.found.box), true) : null;
    ui.message = "Tolerance " + at.tolerance + " of 255: " + at.found.count.toLocaleString("en") + " px"
      + (at.found.count ? "" : where === "lungs" ? ". Click inside a drawn lung" : ". Click where it may be painted");
    app.cursorMoved();
  };
  t.pending = () => !!at;
  t.accept = () => {
    if (!at) return;
    if (at.stale) t.show();
    const done = at;
    at = null;
    ui.message = "";
    if (!done.found.box) app.say("Nothing there is as bright, or paint may not go there.");
    else {
      app.tools.begin("grow from tone");
      app.tools.paint(done.on, (visit, flip, other) => eachOf(done.found, d.w, other ? (i) => visit(i + d.w - 1 - 2 * (i % d.w)) : visit));
      app.tools.end();
    }
    view.redraw();
  };
  t.drop = () => {
    const was = !!at;
    at = null;
    if (was) ui.message = "";
    app.hud();
    view.redraw("over");
    return was;
  };
  t.draw = (ctx) => {
    if (!at) return;
    if (at.stale) t.show();
    if (!at.path) return;
    view.transform(ctx);
    const px = view.ratio / view.zoom;
    ctx.fillStyle = labelLook(d, ui.bit).colour;
    ctx.globalAlpha = 0.25;
    ctx.fill(at.path, "evenodd");
    ctx.globalAlpha = 1;
    for (const [width, colour, dash] of [[3.5, "rgba(0,0,0,.6)", []], [1.6, "#fff", [5, 4]]]) {
      ctx.lineWidth = width * px;
      ctx.strokeStyle = colour;
      ctx.setLineDash(dash.map((v) => v * px));
      ctx.stroke(at.path);
    }
    ctx.setLineDash([]);
  };
  return t;
}
