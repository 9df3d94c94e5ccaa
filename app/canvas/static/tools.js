// What the pointer does: one tool at a time, and the same things without a pointer.

function makeTools(app) {
  const { d, ui, view, pictures, overlay } = app;
  const over = view.over;
  const t = makeEdits(app);
  const { painter, mirrored, refused } = t;
  const move = (app.move = makeMove(app)), tone = (app.growing = makeTone(app));
  const held = new Map();                           // pointers that are down, for pinching
  let drag = null;                                  // {kind, ...} while a button is down

  // Runs `shape(visit, flip, other)` for the chosen label and, when mirroring, for its mirror image.
  const paint = (on, shape) => {
    shape(painter(ui.bit, on), (x) => x, false);
    if (ui.mirror) shape(painter(mirrored(ui.bit), on), (x) => d.w - x, true);
    d.touched();
    view.redraw(ui.active ? "over" : "all");
  };
  // A brush of one pixel paints the pixel under the cursor, wherever in it the cursor is.
  const tip = (p) => (ui.size < 2 ? [Math.floor(p[0]) + 0.5, Math.floor(p[1]) + 0.5] : p);
  const stamp = (from, to, on) => {
    const a = tip(from), b = tip(to);
    paint(on, (visit, flip) => capsule(d.w, d.h, flip(a[0]), a[1], flip(b[0]), b[1], ui.size / 2, visit));
  };

  const begin = (title) => {
    app.begin(title + ", " + d.nameOf(ui.bit));
    ui.active = bitMask(ui.bit) | (ui.mirror ? bitMask(mirrored(ui.bit)) : 0);
    view.redraw();
  };
  const end = () => {
    ui.active = 0;
    d.commit();
    view.redraw();
  };
  Object.assign(t, { begin, paint, end });
  const subtracts = (e) => ui.tool === "eraser" || ui.subtract || e.altKey || e.button === 5 || !!(e.buttons & 32);

  const pour = (p, e) => {
    if (e.shiftKey) return t.fillHoles();
    const x = Math.floor(p[0]), y = Math.floor(p[1]);
    if (x < 0 || y < 0 || x >= d.w || y >= d.h || refused()) return;
    const found = enclosed(d.bits, d.w, d.h, y * d.w + x, bitMask(ui.bit));
    if (!found) return app.say(app.subject(ui.bit) + " does not enclose this place.");
    begin("fill");
    eachOf(found, d.w, painter(ui.bit, true));
    d.touched();
    end();
  };

  const finishShape = (on) => {
    const s = ui.shape;
    ui.shape = null;
    if (!s || refused()) return view.redraw("over");
    if (s.kind !== "ellipse" && s.points.length < 3) return view.redraw("over");
    begin(s.kind);
    paint(on, (visit, flip) => (s.kind === "ellipse"
      ? ellipse(d.w, d.h, flip(s.ellipse[0]), s.ellipse[1], s.ellipse[2], s.ellipse[3], visit)
      : polygon(d.w, d.h, s.points.map((p) => [flip(p[0]), p[1]]), visit)));
    end();
  };
  t.closeShape = () => { if (ui.shape && ui.shape.kind === "polygon") finishShape(ui.shape.on); };
  t.shortenShape = () => { ui.shape.points.pop(); if (!ui.shape.points.length) ui.shape = null; view.redraw("over"); };
  // Drops what is in progress; false when there was nothing.
  t.drop = () => {
    if (tone.drop() | move.drop()) return true;      // both, whatever the first says
    if (!ui.shape && !d.open()) return false;
    ui.shape = null;
    ui.active = 0;
    if (drag && drag.kind === "stroke") drag = null;
    ui.pen = false;
    d.drop();
    view.redraw();
    return true;
  };

  // Ends what is in progress as far as it has come.
  t.finish = () => {
    tone.accept();
    move.accept();
    if (!d.open()) return;
    if (drag && drag.kind === "stroke") drag = null;
    ui.pen = false;
    end();
  };
  t.pending = () => tone.pending() || move.pending();

  // ---- without a pointer
  t.moveCross = (dx, dy) => {
    const from = ui.cross || [d.w / 2, d.h / 2];
    const to = [Math.min(d.w - 0.5, Math.max(0.5, from[0] + dx)), Math.min(d.h - 0.5, Math.max(0.5, from[1] + dy))];
    ui.cross = ui.cursor = to;
    if (ui.pen && d.open()) stamp(from, to, ui.tool !== "eraser" && !ui.subtract);
    app.cursorMoved();
    view.redraw("over");
  };
  t.pen = () => {
    if (ui.tool === "tone") {
      if (tone.pending()) return tone.accept();
      ui.cross = ui.cross || ui.cursor || [d.w / 2, d.h / 2];
      app.leaveFirst();
      tone.press(ui.cross, 0, !ui.subtract, false);
      return view.redraw("over");
    }
    if (ui.pen) { ui.pen = false; return end(); }
    if (refused()) return;
    ui.cross = ui.cross || ui.cursor || [d.w / 2, d.h / 2];
    ui.pen = true;
    begin(ui.tool === "eraser" ? "eraser" : "brush");
    stamp(ui.cross, ui.cross, ui.tool !== "eraser" && !ui.subtract);
  };
  t.putDown = () => { if (ui.pen) { ui.pen = false; end(); } };

  // ---- pointer
  const nearSplit = (e) => {
    if (pictures.compare !== "swipe" || !pictures.other || pictures.preview) return false;
    const r = over.getBoundingClientRect();
    return Math.abs(e.clientX - r.left - r.width * pictures.split) < 16;
  };
  const startDrawing = (e, p) => {
    const on = !subtracts(e);
    if (ui.tool === "move") { if (move.press(e, p)) drag = { kind: "move" }; return; }
    if (ui.tool === "tone") { app.leaveFirst(); if (tone.press(p, e.clientX, on, e.shiftKey)) drag = { kind: "tone" }; return; }
    if (ui.tool === "fill") return pour(p, e);
    if (refused()) return;
    app.leaveFirst();
    if (ui.tool === "brush" || ui.tool === "eraser") {
      const from = e.shiftKey && ui.last ? ui.last : p;
      begin(on ? "brush" : "eraser");
      stamp(from, p, on);
      drag = { kind: "stroke", on };
      ui.last = p;
    } else if (ui.tool === "lasso") {
      ui.shape = { kind: "lasso", points: [p], on };
      drag = { kind: "lasso" };
    } else if (ui.tool === "ellipse") {
      ui.shape = { kind: "ellipse", ellipse: [p[0], p[1], 0, 0], from: p, on };
      drag = { kind: "ellipse" };
    } else if (ui.tool === "polygon") {
      const s = ui.shape, first = s && s.points[0], reach = e.pointerType === "touch" ? 22 : 8;
      if (first && s.points.length > 2 && Math.hypot(p[0] - first[0], p[1] - first[1]) * view.zoom < reach * view.ratio) return t.closeShape();
      if (s) s.points.push(p);
      else ui.shape = { kind: "polygon", points: [p], on };
    }
  };

  const touches = () => [...held.values()].filter((e) => e.pointerType === "touch");
  const isPen = (e) => e.pointerType === "pen";
  const down = (e) => {
    over.focus({ preventScroll: true });
    app.closeMenu();
    if (e.pointerType === "touch" && [...held.values()].some(isPen)) return;   // a palm
    if (isPen(e) && touches().length) { cancel(); held.clear(); }               // the palm came first
    t.putDown();
    ui.cross = null;
    held.set(e.pointerId, e);
    try { over.setPointerCapture(e.pointerId); } catch { /* the pointer is already gone */ }
    if (touches().length >= 2) { cancel(); drag = { kind: "pinch" }; return; }
    if (drag) return;
    const p = ui.cursor = view.point(e);
    if (e.button === 1 || (e.button === 0 && (ui.space || ui.tool === "zoom"))) drag = { kind: "pan" };
    else if (e.button === 2 || (e.button === 0 && ui.tool === "window")) drag = { kind: "window" };
    else if (e.button === 0 && nearSplit(e)) drag = { kind: "split" };
    // A finger fills or sets a corner when it lifts: until then it may become one of two that pinch.
    else if (e.pointerType === "touch" && (ui.tool === "fill" || ui.tool === "polygon")) drag = { kind: "tap" };
    else if (e.button === 0 || e.button === 5) startDrawing(e, p);
    ui.panning = drag !== null && drag.kind === "pan";
    if (drag) Object.assign(drag, { x: e.clientX, y: e.clientY, pointer: e.pointerId });
    app.cursor();
    view.redraw("over");
  };

  const pinch = (e) => {
    const before = touches();
    held.set(e.pointerId, e);
    const after = touches(), r = over.getBoundingClientRect();
    const middle = (ps) => [(ps[0].clientX + ps[1].clientX) / 2, (ps[0].clientY + ps[1].clientY) / 2];
    const apart = (ps) => Math.hypot(ps[0].clientX - ps[1].clientX, ps[0].clientY - ps[1].clientY) || 1;
    const [a, b] = [middle(before), middle(after)];
    view.zoomTo((view.zoom * apart(after)) / apart(before), (b[0] - r.left) * view.ratio, (b[1] - r.top) * view.ratio);
    view.pan((b[0] - a[0]) * view.ratio, (b[1] - a[1]) * view.ratio);
  };

  const moveTo = (e) => {
    if (drag && drag.kind === "pinch") return touches().length === 2 && held.has(e.pointerId) && pinch(e);
    if (drag && drag.pointer !== e.pointerId) return;
    if (!drag && e.pointerType === "touch") return;
    const p = ui.cursor = view.point(e);
    const dx = drag ? e.clientX - drag.x : 0, dy = drag ? e.clientY - drag.y : 0;
    if (drag) Object.assign(drag, { x: e.clientX, y: e.clientY });
    if (!drag) ui.near = nearSplit(e);
    else if (drag.kind === "stroke") {
      const all = e.getCoalescedEvents ? e.getCoalescedEvents() : [];
      for (const c of all.length ? all : [e]) {
        const q = view.point(c);
        stamp(ui.last, q, drag.on);
        ui.last = q;
      }
      app.countSoon();
    } else if (drag.kind === "lasso") ui.shape.points.push(p);
    else if (drag.kind === "ellipse") {
      const { from } = ui.shape;
      let rx = (p[0] - from[0]) / 2, ry = (p[1] - from[1]) / 2;
      if (e.shiftKey) { const r = Math.max(Math.abs(rx), Math.abs(ry)); rx = r * Math.sign(rx || 1); ry = r * Math.sign(ry || 1); }
      ui.shape.ellipse = [from[0] + rx, from[1] + ry, Math.abs(rx), Math.abs(ry)];
    } else if (drag.kind === "move") move.drag(e, p);
    else if (drag.kind === "tone") tone.drag(e.clientX);
    else if (drag.kind === "pan") view.pan(dx * view.ratio, dy * view.ratio);
    else if (drag.kind === "window") app.tone(pictures.window + dx, pictures.level + dy);
    else if (drag.kind === "split") {
      const r = over.getBoundingClientRect();
      pictures.split = Math.min(0.98, Math.max(0.02, (e.clientX - r.left) / r.width));
      view.redraw();
    }
    app.cursorMoved();
    app.cursor();
    view.redraw("over");
  };

  const up = (e) => {
    if (!held.delete(e.pointerId)) return;           // a palm that was not let in
    const done = drag;
    if (done && done.kind === "pinch") { if (!held.size) drag = null; return; }
    if (done && done.pointer !== e.pointerId) return;
    drag = null;
    ui.panning = false;
    if (!done) return;
    if (done.kind === "stroke") end();
    if (done.kind === "lasso" || done.kind === "ellipse") finishShape(ui.shape && ui.shape.on);
    if (done.kind === "move") move.release();
    if (done.kind === "tone") tone.accept();
    if (done.kind === "tap") { const p = view.point(e); ui.cursor = null; startDrawing(e, p); }
    app.cursor();
    view.redraw();
  };

  // What the pointer was doing never happened; the corners of a polygon stay.
  const cancel = () => {
    const done = drag;
    drag = null;
    ui.panning = false;
    if (!done) return;
    if (done.kind === "move") move.back();
    else if (done.kind === "tone") tone.drop();
    else if (["stroke", "lasso", "ellipse"].includes(done.kind)) t.drop();
    view.redraw();
  };

  // A stroke may begin on the cards of the first run: they are there to be clicked, not to be in the way.
  const cards = app.$(".first .go");
  let pressed = null;
  cards.addEventListener("pointerdown", (e) => { pressed = e.button === 0 ? e : null; });
  cards.addEventListener("pointermove", (e) => {
    if (!pressed || !(e.buttons & 1) || Math.hypot(e.clientX - pressed.clientX, e.clientY - pressed.clientY) < 6) return;
    app.leaveFirst();
    down(pressed);
    moveTo(e);
    pressed = null;
  });
  over.addEventListener("pointerdown", down);
  over.addEventListener("pointermove", moveTo);
  over.addEventListener("pointerup", up);
  over.addEventListener("pointercancel", (e) => {
    if (held.delete(e.pointerId) && drag && (drag.kind !== "pinch" || !held.size)) cancel();
  });
  over.addEventListener("pointerleave", () => { if (!drag && !ui.cross) { ui.cursor = null; app.cursorMoved(); view.redraw("over"); } });
  over.addEventListener("dblclick", () => { if (ui.tool === "polygon") t.closeShape(); else if (ui.tool === "zoom") view.fit(); });
  over.addEventListener("contextmenu", (e) => e.preventDefault());
  over.addEventListener("wheel", (e) => {
    e.preventDefault();
    const r = over.getBoundingClientRect();
    view.zoomTo(view.zoom * Math.exp(-e.deltaY * (e.ctrlKey ? 0.01 : 0.0015)), (e.clientX - r.left) * view.ratio, (e.clientY - r.top) * view.ratio);
  }, { passive: false });

  // The region that may change: the labels of `bits`, grown by `grow` pixels. Returns its pixels.
  t.zone = (zone) => {
    ui.zone = zone;
    return t.outlineZone();
  };
  t.outlineZone = () => {
    const zone = ui.zone;
    overlay.zoneLoops = null;
    view.redraw();
    if (!zone) return 0;
    const tell = (pixels) => { app.command("zone", { pixels, share: pixels / (d.w * d.h) }); return pixels; };
    const mask = zone.bits.reduce((m, bit) => (m | bitMask(bit)) >>> 0, 0);
    const box = zone.bits.reduce((b, bit) => joined(b, d.boxes[bit]), null);
    if (!box) return tell(0);
    const { on, box: [x0, y0, x1, y1] } = near(d.bits, d.w, d.h, mask, box, zone.grow > 0 ? zone.grow : 0, false);
    const count = on.reduce((n, v) => n + v, 0), w = x1 - x0, h = y1 - y0;
    if (zone.grow > 0 || zone.always) {
      overlay.zoneLoops = traced(on, w, h, 1, [0, 0, w, h]).map((loop) => loop.map((v, k) => v + (k % 2 ? y0 : x0)));
    }
    return tell(count);
  };
  return t;
}
