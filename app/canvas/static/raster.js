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

// The 4-connected pixels without `mask` around a seed, or null when they reach the border.
function enclosed(bits, w, h, seed, mask) {
  if (bits[seed] & mask) return null;
  const seen = new Uint8Array(w * h), found = [seed];
  seen[seed] = 1;
  for (let n = 0; n < found.length; n++) {
    const i = found[n], x = i % w, y = (i - x) / w;
    if (x === 0 || y === 0 || x === w - 1 || y === h - 1) return null;
    for (const j of [i - 1, i + 1, i - w, i + w]) {
      if (!seen[j] && !(bits[j] & mask)) { seen[j] = 1; found.push(j); }
    }
  }
  return found;
}

// Pixels without `mask` that cannot reach the border of the picture (4-connected).
function holes(bits, w, h, mask, visit) {
  const outside = new Uint8Array(w * h), queue = [];
  const reach = (i) => { if (!outside[i] && !(bits[i] & mask)) { outside[i] = 1; queue.push(i); } };
  for (let x = 0; x < w; x++) { reach(x); reach((h - 1) * w + x); }
  for (let y = 0; y < h; y++) { reach(y * w); reach(y * w + w - 1); }
  while (queue.length) {
    const i = queue.pop(), x = i % w;
    if (x > 0) reach(i - 1);
    if (x < w - 1) reach(i + 1);
    if (i >= w) reach(i - w);
    if (i < w * h - w) reach(i + w);
  }
  for (let i = 0; i < w * h; i++) if (!outside[i] && !(bits[i] & mask)) visit(i);
}

// Pixels without `mask` that have it above, below, left or right.
function rim(bits, w, h, mask, visit) {
  for (let y = 0, i = 0; y < h; y++) {
    for (let x = 0; x < w; x++, i++) {
      if (bits[i] & mask) continue;
      if ((x > 0 && bits[i - 1] & mask) || (x < w - 1 && bits[i + 1] & mask)
        || (y > 0 && bits[i - w] & mask) || (y < h - 1 && bits[i + w] & mask)) visit(i);
    }
  }
}

// Pixels with `mask` that lack it above, below, left or right; outside the picture counts as mask.
function edge(bits, w, h, mask, visit) {
  for (let y = 0, i = 0; y < h; y++) {
    for (let x = 0; x < w; x++, i++) {
      if (!(bits[i] & mask)) continue;
      if ((x > 0 && !(bits[i - 1] & mask)) || (x < w - 1 && !(bits[i + 1] & mask))
        || (y > 0 && !(bits[i - w] & mask)) || (y < h - 1 && !(bits[i + w] & mask))) visit(i);
    }
  }
}

// Pixels whose 5 x 5 neighbourhood (border repeated) votes against their present value.
function outvoted(bits, w, h, mask, visit) {
  for (let y = 0; y < h; y++) {
    for (let x = 0; x < w; x++) {
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
function crumbs(bits, w, h, mask, visit) {
  const part = new Int32Array(w * h), sizes = [0];
  for (let seed = 0; seed < w * h; seed++) {
    if (part[seed] || !(bits[seed] & mask)) continue;
    const name = sizes.length, stack = [seed];
    part[seed] = name;
    sizes.push(0);
    while (stack.length) {
      const i = stack.pop(), x = i % w, y = (i - x) / w;
      sizes[name]++;
      for (let v = Math.max(0, y - 1); v <= Math.min(h - 1, y + 1); v++) {
        for (let u = Math.max(0, x - 1); u <= Math.min(w - 1, x + 1); u++) {
          const j = v * w + u;
          if (!part[j] && bits[j] & mask) { part[j] = name; stack.push(j); }
        }
      }
    }
  }
  let largest = 1;
  for (let n = 2; n < sizes.length; n++) if (sizes[n] > sizes[largest]) largest = n;
  for (let i = 0; i < w * h; i++) if (part[i] && part[i] !== largest) visit(i);
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

// Smallest box [x0, y0, x1, y1) that holds `mask`, or null.
function boxOf(bits, w, h, mask) {
  let x0 = w, y0 = h, x1 = 0, y1 = 0;
  for (let y = 0, i = 0; y < h; y++) {
    for (let x = 0; x < w; x++, i++) {
      if (!(bits[i] & mask)) continue;
      if (x < x0) x0 = x;
      if (x >= x1) x1 = x + 1;
      if (y < y0) y0 = y;
      y1 = y + 1;
    }
  }
  return x1 ? [x0, y0, x1, y1] : null;
}

// Borders of `mask` inside `box` as closed loops of corner points [x, y, x, y, ...] on the pixel grid,
// the label on the right-hand side of the walk. Corner pixels that touch only diagonally stay apart.
function traced(bits, w, h, mask, box) {
  const [x0, y0, x1, y1] = box, bw = x1 - x0;
  const seen = new Uint8Array(bw * (y1 - y0)), loops = [];
  const at = (x, y) => x >= 0 && y >= 0 && x < w && y < h && (bits[y * w + x] & mask) !== 0;
  for (let sy = y0; sy < y1; sy++) {
    for (let sx = x0; sx < x1; sx++) {
      if (seen[(sy - y0) * bw + sx - x0] || !at(sx, sy) || at(sx, sy - 1)) continue;
      const loop = [];
      let x = sx, y = sy, d = 0;                     // d: 0 right, 1 down, 2 left, 3 up
      do {
        if (d === 0) seen[(y - y0) * bw + x - x0] = 1;
        x += d === 0 ? 1 : d === 2 ? -1 : 0;
        y += d === 1 ? 1 : d === 3 ? -1 : 0;
        const left = d === 0 ? at(x, y - 1) : d === 1 ? at(x, y) : d === 2 ? at(x - 1, y) : at(x - 1, y - 1);
        const right = d === 0 ? at(x, y) : d === 1 ? at(x - 1, y) : d === 2 ? at(x - 1, y - 1) : at(x, y - 1);
        if (!right) { loop.push(x, y); d = (d + 1) & 3; }
        else if (left) { loop.push(x, y); d = (d + 3) & 3; }
      } while (x !== sx || y !== sy || d !== 0);
      loops.push(loop);
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
