// The drawing on top of the picture: fills, hatches, outlines and letters, as paths at screen resolution.

function labelLook(d, bit) {
  if (bit < ORGANS.length) return ORGANS[bit];
  if (isFinding(bit)) return { colour: FINDING_COLOUR, dash: [], hatch: (bit - FIRST_FINDING) % 4, letter: letterOf(bit) };
  return { colour: AREA_COLOUR, dash: [7, 6] };
}

// The middles of the unit edges of a loop, averaged along the border: a staircase becomes a line that
// stays within a pixel of it. Small loops keep their shape.
function softened(loop) {
  let points = [];                                   // x, y, x, y, ...
  for (let i = 0; i < loop.length; i += 2) {
    const x = loop[i], y = loop[i + 1], nx = loop[(i + 2) % loop.length], ny = loop[(i + 3) % loop.length];
    const sx = Math.sign(nx - x), sy = Math.sign(ny - y), steps = Math.abs(nx - x) + Math.abs(ny - y);
    for (let k = 0; k < steps; k++) points.push(x + sx * (k + 0.5), y + sy * (k + 0.5));
  }
  const n = points.length;
  for (let pass = 0; pass < (n < 32 ? 0 : 3); pass++) {
    const from = points;
    points = new Array(n);
    for (let i = 0; i < n; i++) {
      points[i] = (from[(i + n - 4) % n] + from[(i + n - 2) % n] + from[i] + from[(i + 2) % n] + from[(i + 4) % n]) / 5;
    }
  }
  return points;
}

// Up close the outline follows the pixels; further away it is softened, and of a long one only every
// `stride`-th point is drawn: about one for each pixel of the screen.
function pathOf(loops, exact, stride = 1) {
  const path = new Path2D();
  for (const loop of loops) {
    const points = exact ? loop : softened(loop), step = points.length < 64 * stride ? 2 : 2 * stride;
    path.moveTo(points[0], points[1]);
    for (let i = step; i < points.length; i += step) path.lineTo(points[i], points[i + 1]);
    path.closePath();
  }
  return path;
}

// A place for the letter: the middle of the longest run of the label on its middle row.
function anchorOf(d, bit) {
  const box = d.boxes[bit];
  if (!box) return null;
  const mask = bitMask(bit), y = Math.floor((box[1] + box[3] - 1) / 2);
  let best = [0, 0], start = -1;
  for (let x = box[0]; x <= box[2]; x++) {
    const on = x < box[2] && d.bits[y * d.w + x] & mask;
    if (on && start < 0) start = x;
    if (!on && start >= 0) {
      if (x - start > best[1] - best[0]) best = [start, x];
      start = -1;
    }
  }
  return best[1] ? [(best[0] + best[1]) / 2, y + 0.5] : [(box[0] + box[2]) / 2, y + 0.5];
}

// The point of an outline that lies farthest up and right: a tag whose lower left corner is there
// touches the label and covers nothing of it.
function cornerOf(loops) {
  let best = null;
  for (const loop of loops) {
    for (let i = 0; i < loop.length; i += 2) {
      if (!best || loop[i] - loop[i + 1] > best[0] - best[1]) best = [loop[i], loop[i + 1]];
    }
  }
  return best;
}

function hatchTile(kind, ratio) {
  const size = Math.round(10 * ratio), c = makeCanvas(size, size), g = c.getContext("2d");
  g.strokeStyle = g.fillStyle = FINDING_COLOUR;
  g.lineWidth = 1.6 * ratio;
  g.lineCap = "square";
  g.beginPath();
  const line = (x0, y0, x1, y1) => { g.moveTo(x0 * size, y0 * size); g.lineTo(x1 * size, y1 * size); };
  if (kind === 0) { line(0, 1, 1, 0); line(-0.1, 0.1, 0.1, -0.1); line(0.9, 1.1, 1.1, 0.9); }
  if (kind === 1) { line(0, 0, 1, 1); line(-0.1, 0.9, 0.1, 1.1); line(0.9, -0.1, 1.1, 0.1); }
  if (kind === 2) { line(0.5, 0, 0.5, 1); line(0, 0.5, 1, 0.5); }
  g.stroke();
  if (kind === 3) { g.arc(size / 2, size / 2, 1.6 * ratio, 0, 7); g.fill(); }
  return c;
}

function makeOverlay(d) {
  const o = { opacity: 0.25, outlines: true, measures: true, previewing: false, filmFirst: false, hideAll: false, zoneLoops: null, offerLoops: null };
  const cache = {};
  const tiles = {};
  const bare = () => o.previewing || o.filmFirst;    // one looks at the picture: outlines only

  const shape = (bit, view) => {
    const exact = !view.smooth && view.zoom / view.ratio >= 6, stride = Math.max(1, Math.floor(0.8 / view.zoom));
    let c = cache[bit];
    if (!c || (d.stale >>> bit) & 1) {
      const box = d.boxes[bit];
      c = cache[bit] = box
        ? { loops: traced(d.bits, d.w, d.h, bitMask(bit), box), anchor: anchorOf(d, bit) }
        : { loops: [] };
      c.corner = cornerOf(c.loops);
      d.stale = (d.stale & ~bitMask(bit)) >>> 0;
    }
    const key = exact ? "exact" : "soft" + stride;
    if (!c[key]) c[key] = pathOf(c.loops, exact, stride);
    return c.loops.length ? c[key] : null;
  };

  const drawLabel = (ctx, view, bit, chosen, map) => {
    const still = shape(bit, view), path = still && map ? new Path2D() : still;
    if (!path) return;
    if (map) path.addPath(still, map);               // lines keep their width while the label is scaled
    const look = labelLook(d, bit), px = view.ratio / view.zoom;
    const filled = !bare() && o.opacity > 0;
    if (filled) {
      ctx.globalAlpha = o.opacity;
      ctx.fillStyle = look.colour;
      if (look.hatch === undefined) ctx.fill(path, "evenodd");
      else {
        ctx.globalAlpha = Math.min(1, o.opacity * 0.5);
        ctx.fill(path, "evenodd");
        const key = look.hatch + "/" + view.ratio;
        const pattern = ctx.createPattern(tiles[key] = tiles[key] || hatchTile(look.hatch, view.ratio), "repeat");
        pattern.setTransform(new DOMMatrix().scale(1 / view.zoom));
        ctx.globalAlpha = Math.min(1, o.opacity * 2.2);
        ctx.fillStyle = pattern;
        ctx.fill(path, "evenodd");
      }
      ctx.globalAlpha = 1;
    }
    if (!o.outlines && !bare()) return;
    const width = chosen ? 2.4 : 1.8;
    ctx.lineJoin = "round";
    ctx.setLineDash([]);
    ctx.strokeStyle = "rgba(0,0,0,.6)";
    ctx.lineWidth = (width + 3) * px;
    ctx.stroke(path);
    ctx.setLineDash(look.dash.map((v) => v * px));
    ctx.strokeStyle = look.colour;
    ctx.lineWidth = width * px;
    ctx.stroke(path);
    ctx.setLineDash([]);
  };

  const drawTag = (ctx, view, bit, map) => {
    let at = cache[bit] && cache[bit].anchor;
    if (!at) return;
    const s = view.ratio, beside = 9 * s;            // half the side of the tag
    if (bare()) at = cache[bit].corner;              // beside the finding, not on it
    if (map) { const p = map.transformPoint({ x: at[0], y: at[1] }); at = [p.x, p.y]; }
    let x = at[0] * view.zoom + view.px, y = at[1] * view.zoom + view.py;
    if (bare()) { x = Math.min(ctx.canvas.width - beside, x + beside); y = Math.max(beside, y - beside); }
    ctx.save();
    ctx.setTransform(1, 0, 0, 1, Math.round(x), Math.round(y));
    ctx.fillStyle = "rgba(0,0,0,.8)";
    ctx.strokeStyle = FINDING_COLOUR;
    ctx.lineWidth = s;
    ctx.beginPath();
    ctx.roundRect(-9 * s, -9 * s, 18 * s, 18 * s, 3 * s);
    ctx.fill();
    ctx.stroke();
    ctx.fillStyle = FINDING_COLOUR;
    ctx.font = "600 " + 13 * s + "px IBM Plex Sans, sans-serif";
    ctx.textAlign = "center";
    ctx.textBaseline = "middle";
    ctx.fillText(letterOf(bit), 0, s);
    ctx.restore();
  };

  o.loops = (bit, view) => (shape(bit, view) ? cache[bit].loops : []);
  const order = o.order = (area) => [0, 1, 2, 3, ...d.findings.map((f) => f.bit), ...(area === null ? [] : [area])];

  // The labels of `which` (a bit mask), in the order of the lists; moved by `map` where one is given.
  o.draw = (ctx, view, which, chosen, area, map) => {
    if (o.hideAll) return;
    for (const bit of order(area)) {
      if (!((which >>> bit) & 1) || (d.hidden >>> bit) & 1) continue;
      view.transform(ctx);
      drawLabel(ctx, view, bit, bit === chosen, map);
      if (isFinding(bit)) drawTag(ctx, view, bit, map);
    }
  };

  // What may change, and a region that is proposed: dashed.
  o.drawZone = (ctx, view) => {
    if (o.hideAll) return;
    if (o.drawFrame) o.drawFrame(ctx, view);
    if (o.zoneLoops) drawDashed(ctx, view, pathOf(o.zoneLoops, false));
    if (!o.offerLoops) return;
    const path = pathOf(o.offerLoops, false);
    view.transform(ctx);
    ctx.globalAlpha = 0.18;
    ctx.fillStyle = FINDING_COLOUR;
    ctx.fill(path, "evenodd");
    ctx.globalAlpha = 1;
    drawDashed(ctx, view, path);
  };

  const drawDashed = (ctx, view, path) => {
    view.transform(ctx);
    const px = view.ratio / view.zoom;
    ctx.strokeStyle = "rgba(0,0,0,.6)";
    ctx.lineWidth = 3.5 * px;
    ctx.stroke(path);
    ctx.setLineDash([5 * px, 4 * px]);
    ctx.strokeStyle = "#fff";
    ctx.lineWidth = 1.5 * px;
    ctx.stroke(path);
    ctx.setLineDash([]);
  };

  const bracket = (ctx, view, y, from, to, text) => {
    const s = view.ratio, Y = Math.round(y * view.zoom + view.py) + 0.5;
    const a = from * view.zoom + view.px, b = to * view.zoom + view.px;
    const lines = () => {
      ctx.beginPath();
      ctx.moveTo(a, Y); ctx.lineTo(b, Y);
      ctx.moveTo(a, Y - 6 * s); ctx.lineTo(a, Y + 6 * s);
      ctx.moveTo(b, Y - 6 * s); ctx.lineTo(b, Y + 6 * s);
      ctx.stroke();
    };
    ctx.strokeStyle = "rgba(0,0,0,.6)"; ctx.lineWidth = 3.5 * s; lines();
    ctx.strokeStyle = "#fff"; ctx.lineWidth = 1.4 * s; lines();
    ctx.font = 12 * s + "px IBM Plex Sans, sans-serif";
    ctx.textAlign = "center";
    ctx.textBaseline = "top";
    ctx.strokeStyle = "rgba(0,0,0,.85)"; ctx.lineWidth = 3 * s;
    ctx.strokeText(text, (a + b) / 2, Y + 5 * s);
    ctx.fillStyle = "#fff";
    ctx.fillText(text, (a + b) / 2, Y + 5 * s);
  };

  o.drawMeasures = (ctx, view, m) => {
    if (!o.measures || o.hideAll || o.previewing || !m.thorax || !m.heart || d.hidden & 7) return;
    ctx.setTransform(1, 0, 0, 1, 0, 0);
    const [left, right, heart] = m.boxes, bottom = Math.max(left ? left[3] : 0, right ? right[3] : 0);
    const length = ([from, to]) => (m.spacing ? Math.round((to - from) * m.spacing) + " mm" : to - from + " px");
    const middle = heart[1] + (heart[3] - heart[1]) * 0.72;
    bracket(ctx, view, middle, m.heart[0], m.heart[1], "heart " + length(m.heart));
    bracket(ctx, view, Math.max(bottom, middle + 16 * view.ratio / view.zoom), m.thorax[0], m.thorax[1],
      "thorax " + length(m.thorax));
  };
  return o;
}
