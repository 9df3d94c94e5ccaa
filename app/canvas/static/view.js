// Where the picture lies in the viewport, and the two canvases: `under` holds the picture and the
// labels at rest, `over` what moves at every frame (the stroke, the cursor).

function makeView(app) {
  const { $, d, pictures, overlay, ui } = app;
  const box = $(".view"), under = $(".under"), over = $(".over");
  const low = under.getContext("2d"), high = over.getContext("2d");
  const v = { zoom: 1, px: 0, py: 0, ratio: 1, fitted: true, frames: [], over };
  let waiting = 0, lowStale = true;
  Object.defineProperty(v, "w", { get: () => d.w });
  Object.defineProperty(v, "h", { get: () => d.h });

  v.transform = (ctx) => ctx.setTransform(v.zoom, 0, 0, v.zoom, v.px, v.py);
  v.toScreen = (x, y) => [(x * v.zoom + v.px) / v.ratio, (y * v.zoom + v.py) / v.ratio];
  v.point = (e) => {
    const r = over.getBoundingClientRect();
    return [((e.clientX - r.left) * v.ratio - v.px) / v.zoom, ((e.clientY - r.top) * v.ratio - v.py) / v.zoom];
  };

  v.fit = () => {
    v.fitted = true;
    const f = ui.frame || { top: 0, right: 0, left: 0, bottom: 0 };   // what outpainting will add is in sight, too
    const w = d.w + f.right + f.left, h = d.h + f.top + f.bottom, room = ui.frame ? 0.88 : 1;
    v.zoom = room * Math.min(over.width / w, over.height / h) || 1;
    v.px = (over.width - w * v.zoom) / 2 + f.right * v.zoom;
    v.py = (over.height - h * v.zoom) / 2 + f.top * v.zoom;
    v.redraw();
  };
  v.zoomTo = (zoom, x, y) => {                      // x, y: the canvas pixel that stays in place
    const next = Math.min(64 * v.ratio, Math.max(0.05, zoom));
    v.fitted = false;
    v.px = x - ((x - v.px) * next) / v.zoom;
    v.py = y - ((y - v.py) * next) / v.zoom;
    v.zoom = next;
    v.pan(0, 0);
  };
  v.one = () => v.zoomTo(1, over.width / 2, over.height / 2);
  v.pan = (dx, dy) => {                             // some of the picture always stays in sight
    const keep = 60 * v.ratio;
    v.fitted = v.fitted && !dx && !dy;
    v.px = Math.min(over.width - keep, Math.max(keep - d.w * v.zoom, v.px + dx));
    v.py = Math.min(over.height - keep, Math.max(keep - d.h * v.zoom, v.py + dy));
    v.redraw();
  };

  const drawUnder = () => {
    lowStale = false;
    low.setTransform(1, 0, 0, 1, 0, 0);
    low.fillStyle = "#000";
    low.fillRect(0, 0, under.width, under.height);
    v.transform(low);
    if (pictures.shown || pictures.preview) pictures.draw(low, v);
    else if (!app.isFirst()) {
      low.strokeStyle = "#3a3a3a";
      low.lineWidth = v.ratio / v.zoom;
      low.strokeRect(0, 0, d.w, d.h);
    }
    const comparing = !pictures.preview && pictures.other && (pictures.before || pictures.compare !== "off");
    if (!comparing) {
      overlay.draw(low, v, ~ui.active, ui.bit, ui.area);
      overlay.drawZone(low, v);
      if (!ui.active) overlay.drawMeasures(low, v, app.measures);
    }
    const [x0, y0] = v.toScreen(0, 0), [x1, y1] = v.toScreen(d.w, d.h);
    const wide = over.width / v.ratio, high_ = over.height / v.ratio;
    const y = Math.min(high_ - 30, Math.max(70, y0 + (y1 - y0) * 0.47));
    $(".right-side").style.transform = `translate(${Math.max(8, x0 + 8)}px, ${y}px)`;
    $(".left-side").style.transform = `translate(${Math.min(wide - 22, x1 - 22)}px, ${y}px)`;
    app.hud();
  };

  const ring = (x, y, radius, colour) => {
    const [sx, sy] = [x * v.zoom + v.px, y * v.zoom + v.py], r = Math.max(1.5, radius * v.zoom);
    high.setTransform(1, 0, 0, 1, 0, 0);
    for (const [width, c] of [[3.5, "rgba(0,0,0,.6)"], [1.6, colour]]) {
      high.lineWidth = width * v.ratio;
      high.strokeStyle = c;
      high.beginPath();
      high.arc(sx, sy, r, 0, 7);
      high.stroke();
    }
  };
  const minus = (x, y) => {                         // the brush takes away
    const [sx, sy] = [x * v.zoom + v.px, y * v.zoom + v.py], s = 4 * v.ratio;
    for (const [width, c] of [[4, "rgba(0,0,0,.6)"], [1.8, "#fff"]]) {
      high.lineWidth = width * v.ratio;
      high.strokeStyle = c;
      high.beginPath();
      high.moveTo(sx - s, sy);
      high.lineTo(sx + s, sy);
      high.stroke();
    }
  };
  const cross = (x, y) => {
    const [sx, sy] = [Math.round(x * v.zoom + v.px) + 0.5, Math.round(y * v.zoom + v.py) + 0.5], s = v.ratio;
    high.setTransform(1, 0, 0, 1, 0, 0);
    for (const [width, c] of [[3, "rgba(0,0,0,.6)"], [1.2, "#fff"]]) {
      high.lineWidth = width * s;
      high.strokeStyle = c;
      high.beginPath();
      for (const [a, b] of [[-12, -3], [3, 12]]) {
        high.moveTo(sx + a * s, sy); high.lineTo(sx + b * s, sy);
        high.moveTo(sx, sy + a * s); high.lineTo(sx, sy + b * s);
      }
      high.stroke();
    }
  };
  const sketch = (points, closed) => {
    v.transform(high);
    const px = v.ratio / v.zoom;
    for (const [width, c] of [[3.5, "rgba(0,0,0,.6)"], [1.6, labelLook(d, ui.bit).colour]]) {
      high.lineWidth = width * px;
      high.strokeStyle = c;
      high.beginPath();
      points.forEach((p, i) => (i ? high.lineTo(p[0], p[1]) : high.moveTo(p[0], p[1])));
      if (closed) high.closePath();
      high.stroke();
    }
  };

  const drawOver = () => {
    high.setTransform(1, 0, 0, 1, 0, 0);
    high.clearRect(0, 0, over.width, over.height);
    if (ui.active) {
      const map = app.move.map();
      overlay.draw(high, v, ui.active, ui.bit, ui.area, map && new DOMMatrix([map[0], map[3], map[1], map[4], map[2], map[5]]));
      if (map) app.measure();
      overlay.drawMeasures(high, v, app.measures);
    }
    app.growing.draw(high);
    if (ui.tool === "move") app.move.draw(high);
    const s = ui.shape;
    if (s && s.kind === "ellipse") {
      const [cx, cy, rx, ry] = s.ellipse;
      sketch(Array.from({ length: 64 }, (_, k) => [cx + rx * Math.cos((k * Math.PI) / 32), cy + ry * Math.sin((k * Math.PI) / 32)]), true);
    } else if (s) sketch(s.points.concat(s.kind === "polygon" && ui.cursor ? [ui.cursor] : []), s.kind === "lasso");
    const at = ui.cross || ui.cursor, paints = ui.tool === "brush" || ui.tool === "eraser";
    if (ui.cross) cross(at[0], at[1]);
    if (at && paints && !ui.panning) {
      ring(at[0], at[1], ui.size / 2, "#fff");
      if (ui.tool === "eraser" || ui.subtract) minus(at[0], at[1]);
      if (ui.mirror) ring(d.w - at[0], at[1], ui.size / 2, "#bbb");
    } else if (at && !ui.cross && !paints && !["window", "zoom", "move"].includes(ui.tool)) cross(at[0], at[1]);
  };

  const drawAbove = () => { drawOver(); app.look.drawLoupe(high); };

  v.redraw = (what) => {
    if (what !== "over") lowStale = true;
    if (waiting) return;
    waiting = requestAnimationFrame(() => {
      waiting = 0;
      const from = performance.now();
      if (lowStale) drawUnder();
      drawAbove();
      v.frames.push(performance.now() - from);
      if (v.frames.length > 600) v.frames.splice(0, 300);
    });
  };

  const measure = () => {
    const r = box.getBoundingClientRect();
    if (r.width < 2 || r.height < 2) return;        // a tab that is not open has no size
    v.ratio = window.devicePixelRatio || 1;
    const w = Math.round(r.width * v.ratio), h = Math.round(r.height * v.ratio);
    if (w === over.width && h === over.height) return;
    const dx = (w - over.width) / 2, dy = (h - over.height) / 2;
    for (const c of [under, over]) { c.width = w; c.height = h; }
    if (v.fitted) v.fit();
    else v.pan(dx, dy);
  };
  new ResizeObserver(measure).observe(box);
  measure();
  return v;
}
