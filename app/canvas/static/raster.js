// The raster rules: pure functions on pixel indices. A drawing is a Uint32Array of w * h, row-major,
// bit k of a pixel is label k. Pixel (x, y) has its centre at (x + 0.5, y + 0.5); shapes cover the
// pixels whose centre they contain. `visit(i)` is called once for each covered pixel index.
// app/canvas/raster.py says the same in Python, and a browser test compares the two.

function capsule(w, h, ax, ay, bx, by, radius, visit) {
  const dx = bx - ax, dy = by - ay, length2 = dx * dx + dy * dy, r2 = radius * radius;
  const x0 = Math.max(0, Math.floor(Math.min(ax, bx) - radius) - 1);
  const x1 = Math.min(w, Math.ceil(Math.max(ax, bx) + radius) + 1);
  const y0 = Math.max(0, Math.floor(Math.min(ay, by) - radius) - 1);
  const y1 = Math.min(h, Math.ceil(Math.max(ay, by) + radius) + 1);
  for (let y = y0; y < y1; y++) {
    for (let x = x0; x < x1; x++) {
      const qx = x + 0.5 - ax, qy = y + 0.5 - ay;
      let t = length2 ? (qx * dx + qy * dy) / length2 : 0;
      t = t < 0 ? 0 : t > 1 ? 1 : t;
      const ex = qx - t * dx, ey = qy - t * dy;
      if (ex * ex + ey * ey <= r2) visit(y * w + x);
    }
  }
}

function polygon(w, h, points, visit) {
  const ys = points.map((p) => p[1]);
  const y0 = Math.max(0, Math.floor(Math.min(...ys)));
  const y1 = Math.min(h, Math.ceil(Math.max(...ys)));
  for (let y = y0; y < y1; y++) {
    const centre = y + 0.5, crossings = [];
    for (let i = 0; i < points.length; i++) {
      const [ax, ay] = points[i], [bx, by] = points[(i + 1) % points.length];
      if ((ay <= centre) !== (by <= centre)) {
        crossings.push(ax + ((centre - ay) / (by - ay)) * (bx - ax));
      }
    }
    crossings.sort((a, b) => a - b);
    for (let k = 0; k + 1 < crossings.length; k += 2) {
      const from = Math.max(0, Math.ceil(crossings[k] - 0.5));
      const to = Math.min(w, Math.ceil(crossings[k + 1] - 0.5));
      for (let x = from; x < to; x++) visit(y * w + x);
    }
  }
}

function ellipse(w, h, cx, cy, rx, ry, visit) {
  if (!(rx > 0 && ry > 0)) return;
  const y0 = Math.max(0, Math.floor(cy - ry)), y1 = Math.min(h, Math.ceil(cy + ry) + 1);
  const x0 = Math.max(0, Math.floor(cx - rx)), x1 = Math.min(w, Math.ceil(cx + rx) + 1);
  for (let y = y0; y < y1; y++) {
    for (let x = x0; x < x1; x++) {
      const ux = (x + 0.5 - cx) / rx, uy = (y + 0.5 - cy) / ry;
      if (ux * ux + uy * uy <= 1) visit(y * w + x);
    }
  }
}

// The 4-connected pixels around `seed` for which `open(i)` holds, a run of a row at a time:
// {on: one byte a pixel, count, box [x0, y0, x1, y1)}.
function flooded(w, h, seed, open) {
  const on = new Uint8Array(w * h), stack = [seed];
  let count = 0, x0 = w, y0 = h, x1 = 0, y1 = 0;
  while (stack.length) {
    const i = stack.pop();
    if (on[i] || !open(i)) continue;
    const y = Math.floor(i / w), start = y * w;
    let from = i, to = i + 1;
    while (from > start && !on[from - 1] && open(from - 1)) from--;
    while (to < start + w && !on[to] && open(to)) to++;
    on.fill(1, from, to);
    count += to - from;
    x0 = Math.min(x0, from - start);
    x1 = Math.max(x1, to - start);
    y0 = Math.min(y0, y);
    y1 = Math.max(y1, y + 1);
    for (const step of [y > 0 ? -w : 0, y < h - 1 ? w : 0]) {
      if (!step) continue;
      for (let j = from + step, inside = false; j < to + step; j++) {
        const free = !on[j] && open(j);
        if (free && !inside) stack.push(j);
        inside = free;
      }
    }
  }
  return { on, count, box: count ? [x0, y0, x1, y1] : null };
}

// Calls `visit(i)` for the pixels of a region {on, box}.
function eachOf(region, w, visit) {
  if (!region.box) return;
  const [x0, y0, x1, y1] = region.box;
  for (let y = y0; y < y1; y++) for (let i = y * w + x0, end = y * w + x1; i < end; i++) if (region.on[i]) visit(i);
}

// The region without `mask` around a seed, or null when it reaches the border of the picture.
function enclosed(bits, w, h, seed, mask) {
  if (bits[seed] & mask) return null;
  const found = flooded(w, h, seed, (i) => !(bits[i] & mask)), [x0, y0, x1, y1] = found.box;
  return x0 === 0 || y0 === 0 || x1 === w || y1 === h ? null : found;
}

// The connected pixels whose grey value differs from the seed's by at most `tolerance` (0 to 255) and
// where `allowed(i)` holds.
function likeTone(grey, w, h, seed, tolerance, allowed) {
  const lowest = grey[seed] - tolerance, highest = grey[seed] + tolerance;
  return flooded(w, h, seed, (i) => grey[i] >= lowest && grey[i] <= highest && allowed(i));
}

// The same without the demand that they are connected: a threshold.
function allLikeTone(grey, w, h, seed, tolerance, allowed) {
  const lowest = grey[seed] - tolerance, highest = grey[seed] + tolerance, on = new Uint8Array(w * h);
  let count = 0, x0 = w, y0 = h, x1 = 0, y1 = 0;
  for (let y = 0, i = 0; y < h; y++) {
    for (let x = 0; x < w; x++, i++) {
      if (grey[i] < lowest || grey[i] > highest || !allowed(i)) continue;
      on[i] = 1;
      count++;
      if (x < x0) x0 = x;
      if (x >= x1) x1 = x + 1;
      if (y < y0) y0 = y;
      y1 = y + 1;
    }
  }
  return { on, count, box: count ? [x0, y0, x1, y1] : null };
}

// `box` with `by` pixels more on each side, inside the picture.
function widened(box, by, w, h) {
  return [Math.max(0, box[0] - by), Math.max(0, box[1] - by), Math.min(w, box[2] + by), Math.min(h, box[3] + by)];
}

// Pixels without `mask` that cannot reach the border of the picture (4-connected).
function holes(bits, w, h, mask, box, visit) {
  const around = widened(box, 1, w, h), [x0, y0, x1, y1] = around, bw = x1 - x0, bh = y1 - y0;
  const outside = new Uint8Array(bw * bh), queue = [];
  const reach = (x, y) => {
    const at = (y - y0) * bw + x - x0;
    if (!outside[at] && !(bits[y * w + x] & mask)) { outside[at] = 1; queue.push(at); }
  };
  for (let x = x0; x < x1; x++) { reach(x, y0); reach(x, y1 - 1); }
  for (let y = y0; y < y1; y++) { reach(x0, y); reach(x1 - 1, y); }
  while (queue.length) {
    const at = queue.pop(), x = x0 + (at % bw), y = y0 + Math.floor(at / bw);
    if (x > x0) reach(x - 1, y);
    if (x < x1 - 1) reach(x + 1, y);
    if (y > y0) reach(x, y - 1);
    if (y < y1 - 1) reach(x, y + 1);
  }
  for (let y = y0; y < y1; y++) {
    for (let x = x0; x < x1; x++) if (!outside[(y - y0) * bw + x - x0] && !(bits[y * w + x] & mask)) visit(y * w + x);
  }
}

// The pixels within `radius` of `mask`, or of its absence (centre to centre), around the label's box:
// {on: one byte a pixel of `box`, box}. Every run of a row widens by a chord of the disc in each row it reaches.
function near(bits, w, h, mask, box, radius, absent) {
  const reach = Math.floor(radius), around = widened(box, reach, w, h), [x0, y0, x1, y1] = around;
  const bw = x1 - x0, steps = new Int32Array((bw + 1) * (y1 - y0)), on = new Uint8Array(bw * (y1 - y0));
  const half = Array.from({ length: reach + 1 }, (_, v) => {
    let u = 0;
    while ((u + 1) * (u + 1) + v * v <= radius * radius) u++;
    return u;
  });
  const spread = (y, from, to) => {
    for (let v = -reach; v <= reach; v++) {
      if (y + v < y0 || y + v >= y1) continue;
      const row = (y + v - y0) * (bw + 1) - x0, wide = half[Math.abs(v)];
      steps[row + Math.max(x0, from - wide)]++;
      steps[row + Math.min(x1, to + wide)]--;
    }
  };
  for (let y = y0; y < y1; y++) {
    let from = -1;
    for (let x = x0; x <= x1; x++) {
      const is = x < x1 && ((bits[y * w + x] & mask) === 0) === absent;
      if (is && from < 0) from = x;
      if (!is && from >= 0) { spread(y, from, x); from = -1; }
    }
  }
  for (let y = 0, i = 0; y < y1 - y0; y++) {
    for (let x = 0, sum = 0; x < bw; x++, i++) {
      sum += steps[y * (bw + 1) + x];
      if (sum > 0) on[i] = 1;
    }
  }
  return { on, box: around };
}

const eachNear = (found, w, visit) => {
  const [x0, y0, x1, y1] = found.box;
  for (let y = y0, k = 0; y < y1; y++) for (let i = y * w + x0; i < y * w + x1; i++, k++) if (found.on[k]) visit(i);
};

// Pixels without `mask` within `radius` of it: what growing adds.
function rim(bits, w, h, mask, box, radius, visit) {
  eachNear(near(bits, w, h, mask, box, radius, false), w, (i) => { if (!(bits[i] & mask)) visit(i); });
}

// Pixels of `mask` within `radius` of a pixel without it: what shrinking takes. Outside the picture
// counts as mask.
function edge(bits, w, h, mask, box, radius, visit) {
  eachNear(near(bits, w, h, mask, box, radius, true), w, (i) => { if (bits[i] & mask) visit(i); });
}

// Pixels whose 5 x 5 neighbourhood (border repeated) votes against their present value.
function outvoted(bits, w, h, mask, box, visit) {
  const [x0, y0, x1, y1] = widened(box, 2, w, h);
  for (let y = y0; y < y1; y++) {
    for (let x = x0; x < x1; x++) {
      let votes = 0;
      for (let v = -2; v <= 2; v++) {
        const row = Math.min(h - 1, Math.max(0, y + v)) * w;
        for (let u = -2; u <= 2; u++) {
          if (bits[row + Math.min(w - 1, Math.max(0, x + u))] & mask) votes++;
        }
      }
      if ((votes >= 13) !== !!(bits[y * w + x] & mask)) visit(y * w + x);
    }
  }
}

// Pixels of `mask` that are not in its largest 8-connected part (the first found of equal ones stays).
function crumbs(bits, w, h, mask, box, visit) {
  const [x0, y0, x1, y1] = box, bw = x1 - x0, part = new Int32Array(bw * (y1 - y0)), sizes = [0];
  const is = (at) => bits[(y0 + Math.floor(at / bw)) * w + x0 + (at % bw)] & mask;
  for (let seed = 0; seed < part.length; seed++) {
    if (part[seed] || !is(seed)) continue;
    const name = sizes.length, stack = [seed];
    part[seed] = name;
    sizes.push(0);
    while (stack.length) {
      const at = stack.pop(), x = at % bw, y = Math.floor(at / bw);
      sizes[name]++;
      for (let v = Math.max(0, y - 1); v <= Math.min(y1 - y0 - 1, y + 1); v++) {
        for (let u = Math.max(0, x - 1); u <= Math.min(bw - 1, x + 1); u++) {
          const next = v * bw + u;
          if (!part[next] && is(next)) { part[next] = name; stack.push(next); }
        }
      }
    }
  }
  let largest = 1;
  for (let n = 2; n < sizes.length; n++) if (sizes[n] > sizes[largest]) largest = n;
  for (let at = 0; at < part.length; at++) {
    if (part[at] && part[at] !== largest) visit((y0 + Math.floor(at / bw)) * w + x0 + (at % bw));
  }
}

// A label moved, scaled and turned: `inverse` [a, b, c, d, e, f] says where the centre (x, y) of a pixel
// comes from, (a x + b y + c, d x + e y + f); it is covered when that place is a pixel of `mask` in `box`.
function moved(bits, w, h, mask, box, inverse, visit) {
  const [a, b, c, d, e, f] = inverse, det = a * e - b * d;
  if (!det) return;
  const [bx0, by0, bx1, by1] = box, xs = [], ys = [];
  for (const [x, y] of [[bx0, by0], [bx1, by0], [bx0, by1], [bx1, by1]]) {
    xs.push((e * (x - c) - b * (y - f)) / det);
    ys.push((a * (y - f) - d * (x - c)) / det);
  }
  const x0 = Math.max(0, Math.floor(Math.min(...xs)) - 1), x1 = Math.min(w, Math.ceil(Math.max(...xs)) + 1);
  const y0 = Math.max(0, Math.floor(Math.min(...ys)) - 1), y1 = Math.min(h, Math.ceil(Math.max(...ys)) + 1);
  for (let y = y0; y < y1; y++) {
    for (let x = x0; x < x1; x++) {
      const u = Math.floor(a * (x + 0.5) + b * (y + 0.5) + c), v = Math.floor(d * (x + 0.5) + e * (y + 0.5) + f);
      if (u >= bx0 && u < bx1 && v >= by0 && v < by1 && bits[v * w + u] & mask) visit(y * w + x);
    }
  }
}

// Nearest sample at the centre of each target pixel.
function resized(bits, w, h, toW, toH) {
  const out = new Uint32Array(toW * toH);
  for (let y = 0; y < toH; y++) {
    const row = Math.min(h - 1, Math.floor(((y + 0.5) * h) / toH)) * w;
    for (let x = 0; x < toW; x++) {
      out[y * toW + x] = bits[row + Math.min(w - 1, Math.floor(((x + 0.5) * w) / toW))];
    }
  }
  return out;
}

// The smallest box around two boxes; either may be missing.
function joined(a, b) {
  if (!a || !b || b[0] >= b[2]) return a || (b && b[0] < b[2] ? b : null);
  return [Math.min(a[0], b[0]), Math.min(a[1], b[1]), Math.max(a[2], b[2]), Math.max(a[3], b[3])];
}

// The smallest box of `mask` when `box` is known to hold all of it: looks from the four sides inwards.
function tightened(bits, w, mask, box) {
  if (!box) return null;
  let [x0, y0, x1, y1] = box;
  const row = (y) => { for (let i = y * w + x0, end = y * w + x1; i < end; i++) if (bits[i] & mask) return true; return false; };
  const column = (x) => { for (let i = y0 * w + x, end = y1 * w; i < end; i += w) if (bits[i] & mask) return true; return false; };
  while (y0 < y1 && !row(y0)) y0++;
  if (y0 === y1) return null;
  while (!row(y1 - 1)) y1--;
  while (!column(x0)) x0++;
  while (!column(x1 - 1)) x1--;
  return [x0, y0, x1, y1];
}

// Borders of `mask` inside `box`, which holds all of it, as closed loops of corner points
// [x, y, x, y, ...] on the pixel grid, the label on the right-hand side of the walk. Corner pixels that
// touch only diagonally stay apart.
function traced(bits, w, h, mask, box) {
  const [x0, y0, x1, y1] = box, bw = x1 - x0;
  const seen = new Uint8Array(bw * (y1 - y0)), loops = [];
  const at = (x, y) => x >= 0 && y >= 0 && x < w && y < h && (bits[y * w + x] & mask) !== 0;
  const walk = (sx, sy) => {
    const loop = [];
    let x = sx, y = sy, d = 0;                       // d: 0 right, 1 down, 2 left, 3 up
    do {
      if (d === 0) seen[(y - y0) * bw + x - x0] = 1;
      x += d === 0 ? 1 : d === 2 ? -1 : 0;
      y += d === 1 ? 1 : d === 3 ? -1 : 0;
      const left = d === 0 ? at(x, y - 1) : d === 1 ? at(x, y) : d === 2 ? at(x - 1, y) : at(x - 1, y - 1);
      const right = d === 0 ? at(x, y) : d === 1 ? at(x - 1, y) : d === 2 ? at(x - 1, y - 1) : at(x, y - 1);
      if (!right) { loop.push(x, y); d = (d + 1) & 3; }
      else if (left) { loop.push(x, y); d = (d + 3) & 3; }
    } while (x !== sx || y !== sy || d !== 0);
    return loop;
  };
  for (let y = y0; y < y1; y++) {
    const first = y === 0;                           // above the picture there is nothing
    for (let x = x0, i = y * w + x0, s = (y - y0) * bw; x < x1; x++, i++, s++) {
      if (bits[i] & mask && (first || !(bits[i - w] & mask)) && !seen[s]) loops.push(walk(x, y));
    }
  }
  return loops;
}

const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, n) => {
  for (let k = 0; k < 8; k++) n = n & 1 ? 0xedb88320 ^ (n >>> 1) : n >>> 1;
  return n;
});

function crc32(bytes) {
  let c = 0xffffffff;
  for (let i = 0; i < bytes.length; i++) c = CRC_TABLE[(c ^ bytes[i]) & 255] ^ (c >>> 8);
  return (c ^ 0xffffffff) >>> 0;
}
