// Move and scale: a box with handles around the chosen label. Nothing is resampled until it is accepted;
// then every pixel comes from the label as it was, so that many drags cost no more than one.

const HANDLES = [[-1, -1], [0, -1], [1, -1], [1, 0], [1, 1], [0, 1], [-1, 1], [-1, 0]];
const TURN_AWAY = 26;                                // screen px from the box to the handle that turns it

// The map of `m` {centre, shift, scale, angle} and its inverse, each [a, b, c, d, e, f]. A quarter turn and
// a whole-pixel move are exact.
function mapOf(m) {
  const exact = (v) => (Math.abs(v - Math.round(v)) < 1e-12 ? Math.round(v) : v);
  const cos = exact(Math.cos(m.angle)), sin = exact(Math.sin(m.angle));
  const [cx, cy] = m.centre, [sx, sy] = m.scale, X = cx + m.shift[0], Y = cy + m.shift[1];
  const a = cos * sx, b = -sin * sy, d = sin * sx, e = cos * sy;
  const ia = cos / sx, ib = sin / sx, id = -sin / sy, ie = cos / sy;
  return {
    forward: [a, b, X - a * cx - b * cy, d, e, Y - d * cx - e * cy],
    inverse: [ia, ib, cx - ia * X - ib * Y, id, ie, cy - id * X - ie * Y],
  };
}
const mapped = ([a, b, c, d, e, f], [x, y]) => [a * x + b * y + c, d * x + e * y + f];

function makeMove(app) {
  const { d, ui, view, overlay } = app;
  const t = {};
  let m = null, grip = null, before = null;          // the box, the drag, and the box when the drag began

  const changed = () => m && (m.shift[0] || m.shift[1] || m.angle || m.scale[0] !== 1 || m.scale[1] !== 1);
  // The box around the chosen label, as far as it has been dragged; null where there is nothing to move.
  const current = () => {
    if (m && m.bits === d.bits && m.bit === ui.bit) return m;
    const box = d.boxes[ui.bit];
    m = box && !app.lockReason(ui.bit) ? { bit: ui.bit, bits: d.bits, box, centre: [(box[0] + box[2]) / 2, (box[1] + box[3]) / 2], shift: [0, 0], scale: [1, 1], angle: 0 } : null;
    return m;
  };
  const show = () => {
    const was = ui.active, moving = changed();
    ui.active = moving ? bitMask(m.bit) : 0;
    app.countSoon();
    say();
    view.redraw(was === ui.active ? "over" : "all");
  };
  const say = () => {
    if (!m || !changed()) { ui.message = ""; return app.hud(); }
    const w = Math.round((m.box[2] - m.box[0]) * m.scale[0]), h = Math.round((m.box[3] - m.box[1]) * m.scale[1]);
    const degrees = Math.round((m.angle * 180) / Math.PI);
    ui.message = w + " x " + h + " px, " + [m.shift[0] ? "x " + signed(m.shift[0]) : "", m.shift[1] ? "y " + signed(m.shift[1]) : "",
      m.scale[0] !== 1 || m.scale[1] !== 1 ? Math.round(100 * m.scale[0]) + " x " + Math.round(100 * m.scale[1]) + " %" : "",
      degrees ? signed(degrees) + "\u00b0" : ""].filter(Boolean).join(", ") + ". Enter keeps it, Esc drops it";
    app.cursorMoved();
  };
  const signed = (v) => (v > 0 ? "+" : "") + Math.round(10 * v) / 10;

  const corner = ([hx, hy]) => mapped(mapOf(m).forward, [m.centre[0] + (hx * (m.box[2] - m.box[0])) / 2, m.centre[1] + (hy * (m.box[3] - m.box[1])) / 2]);
  const turner = () => {
    const top = corner([0, -1]), away = (TURN_AWAY * view.ratio) / view.zoom;
    return [top[0] + Math.sin(m.angle) * away, top[1] - Math.cos(m.angle) * away];
  };
  const gripAt = (p, reach) => {
    if (!current()) return null;
    const near = (q) => Math.hypot(p[0] - q[0], p[1] - q[1]) * view.zoom <= reach * view.ratio;
    if (near(turner())) return { kind: "turn" };
    const handle = HANDLES.find((h) => near(corner(h)));
    if (handle) return { kind: "scale", handle };
    const [x, y] = mapped(mapOf(m).inverse, p), [x0, y0, x1, y1] = m.box;
    return x >= x0 && x <= x1 && y >= y0 && y <= y1 ? { kind: "shift" } : null;
  };
  const turned = ([x, y], angle) => [x * Math.cos(angle) - y * Math.sin(angle), x * Math.sin(angle) + y * Math.cos(angle)];

  // The middle of the box stays inside the picture, so that it can always be found again.
  const shiftTo = (x, y) => {
    m.shift = [Math.min(d.w - m.centre[0], Math.max(-m.centre[0], x)), Math.min(d.h - m.centre[1], Math.max(-m.centre[1], y))];
  };
  const scaleTo = (p, keep) => {
    const { handle: [hx, hy] } = grip, w = before.box[2] - before.box[0], h = before.box[3] - before.box[1];
    const still = [before.centre[0] - (hx * w) / 2, before.centre[1] - (hy * h) / 2];
    const fixed = mapped(mapOf(before).forward, still);
    let [qx, qy] = turned([p[0] - fixed[0], p[1] - fixed[1]], -m.angle);
    if (!m.angle) { qx = Math.round(qx); qy = Math.round(qy); }
    let sx = hx ? Math.max(1, qx * hx) / w : before.scale[0], sy = hy ? Math.max(1, qy * hy) / h : before.scale[1];
    if (keep) {
      const k = Math.max(hx ? sx / before.scale[0] : 0, hy ? sy / before.scale[1] : 0);
      [sx, sy] = [before.scale[0] * k, before.scale[1] * k];
    }
    m.scale = [sx, sy];
    const from = turned([(still[0] - m.centre[0]) * sx, (still[1] - m.centre[1]) * sy], m.angle);
    m.shift = [fixed[0] - m.centre[0] - from[0], fixed[1] - m.centre[1] - from[1]];
  };
  const turnTo = (p, snap) => {
    const [cx, cy] = [before.centre[0] + before.shift[0], before.centre[1] + before.shift[1]];
    const angle = before.angle + Math.atan2(p[1] - cy, p[0] - cx) - Math.atan2(grip.from[1] - cy, grip.from[0] - cx);
    const step = snap ? Math.PI / 12 : Math.PI / 360;
    m.angle = Math.round(angle / step) * step;
  };

  // A press with the tool: takes a handle or the inside; outside accepts what was dragged.
  t.press = (e, p) => {
    const found = gripAt(p, e.pointerType === "touch" ? 22 : 9);
    if (found) {
      if (app.tools.refused()) return false;
      grip = { ...found, from: p };
      before = { ...m };
      return true;
    }
    if (changed()) t.accept();
    else t.take(p);
    return false;
  };
  // With nothing dragged, a click on another label takes that one.
  t.take = (p) => {
    const x = Math.floor(p[0]), y = Math.floor(p[1]);
    if (x < 0 || y < 0 || x >= d.w || y >= d.h) return;
    const there = overlay.order(ui.area).reverse().find((bit) => (d.bits[y * d.w + x] >>> bit) & 1 && !((d.hidden >>> bit) & 1));
    if (there !== undefined && there !== ui.bit) app.choose(there);
    else if (!d.boxes[ui.bit]) app.say(app.subject(ui.bit) + " is not drawn yet.");
    else if (app.lockReason(ui.bit)) app.say(app.lockReason(ui.bit));
  };
  t.drag = (e, p) => {
    if (!grip || !m) return;
    if (grip.kind === "scale") scaleTo(p, e.shiftKey);
    else if (grip.kind === "turn") turnTo(p, e.shiftKey);
    else shiftTo(before.shift[0] + Math.round(p[0] - grip.from[0]), before.shift[1] + Math.round(p[1] - grip.from[1]));
    show();
  };
  t.release = () => { grip = null; };
  t.back = () => { if (grip && m) m = before; grip = null; show(); };   // the drag never happened

  const started = () => {
    if (!current()) app.say(app.lockReason(ui.bit) || app.subject(ui.bit) + " is not drawn yet.");
    else if (!app.tools.refused()) return true;
    return false;
  };
  t.nudge = (dx, dy) => { if (started()) { shiftTo(m.shift[0] + dx, m.shift[1] + dy); show(); } };
  t.resize = (factor) => {
    if (!started()) return;
    const least = 1 / Math.min(m.box[2] - m.box[0], m.box[3] - m.box[1]);
    m.scale = m.scale.map((s) => Math.max(least, s * factor));
    show();
  };
  t.turn = (degrees) => { if (started()) { m.angle += (degrees * Math.PI) / 180; show(); } };

  t.pending = () => !!changed();
  t.accept = () => {
    const done = changed() && m.bits === d.bits ? m : null;
    m = grip = null;
    ui.active = 0;
    ui.message = "";
    if (!done) return;
    const bit = bitMask(done.bit), target = new Uint8Array(d.w * d.h), pure = !done.angle && done.scale[0] === 1 && done.scale[1] === 1;
    let to = null;
    moved(d.bits, d.w, d.h, bit, done.box, mapOf(done).inverse, (i) => {
      target[i] = 1;
      const x = i % d.w, y = (i - x) / d.w;
      to = joined(to, [x, y, x + 1, y + 1]);
    });
    app.begin((pure ? "move, " : "move and scale, ") + d.nameOf(done.bit));
    app.tools.each(joined(done.box, to), (i) => d.put(i, (target[i] ? d.bits[i] | bit : d.bits[i] & ~bit) >>> 0));
    d.touched();
    d.commit();
    view.redraw();
  };
  t.drop = () => {
    const was = t.pending();
    m = grip = null;
    ui.active = 0;
    ui.message = "";
    app.countSoon();
    app.hud();
    view.redraw();
    return was;
  };
  // The map of the label on screen, and the box it fills there, while it is being dragged.
  t.map = () => (changed() ? mapOf(m).forward : null);
  t.boxes = () => {
    if (!changed()) return d.boxes;
    const map = mapOf(m).forward, box = [Infinity, Infinity, -Infinity, -Infinity];
    for (const loop of overlay.loops(m.bit, view)) {
      for (let k = 0; k < loop.length; k += 2) {
        const [x, y] = mapped(map, [loop[k], loop[k + 1]]);
        box[0] = Math.min(box[0], x);
        box[1] = Math.min(box[1], y);
        box[2] = Math.max(box[2], x);
        box[3] = Math.max(box[3], y);
      }
    }
    return { ...d.boxes, [m.bit]: box.map(Math.round) };
  };

  t.cursor = (p) => {
    const found = p && gripAt(p, 9);
    if (!found) return "default";
    if (found.kind !== "scale") return found.kind === "turn" ? "grab" : "move";
    const [hx, hy] = found.handle, at = (Math.round((Math.atan2(hy, hx) + m.angle) / (Math.PI / 4)) + 8) % 4;
    return ["ew-resize", "nwse-resize", "ns-resize", "nesw-resize"][at];
  };
  t.draw = (ctx) => {
    if (!current()) return;
    const at = (p) => [p[0] * view.zoom + view.px, p[1] * view.zoom + view.py], s = view.ratio;
    const corners = [0, 2, 4, 6].map((k) => at(corner(HANDLES[k]))), top = at(corner([0, -1])), turn = at(turner());
    ctx.setTransform(1, 0, 0, 1, 0, 0);
    for (const [width, colour] of [[3.5, "rgba(0,0,0,.6)"], [1.2, "#fff"]]) {
      ctx.lineWidth = width * s;
      ctx.strokeStyle = colour;
      ctx.beginPath();
      corners.forEach((p, k) => (k ? ctx.lineTo(...p) : ctx.moveTo(...p)));
      ctx.closePath();
      ctx.moveTo(...top);
      ctx.lineTo(...turn);
      ctx.stroke();
    }
    ctx.fillStyle = "#fff";
    ctx.strokeStyle = "#000";
    ctx.lineWidth = s;
    for (const h of HANDLES) {
      const [x, y] = at(corner(h));
      ctx.fillRect(x - 4 * s, y - 4 * s, 8 * s, 8 * s);
      ctx.strokeRect(x - 4.5 * s, y - 4.5 * s, 9 * s, 9 * s);
    }
    ctx.beginPath();
    ctx.arc(turn[0], turn[1], 5 * s, 0, 7);
    ctx.fill();
    ctx.stroke();
  };
  return t;
}
