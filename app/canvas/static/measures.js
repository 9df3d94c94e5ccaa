// What can be counted of a drawing. The tally is kept pixel by pixel while one draws, so that the
// measures cost the rows of the picture and never its pixels.

function makeTally(w, h) {
  const t = { pixels: new Float64Array(32), rows: {} };   // rows[finding][lung]: pixels of both, by row

  // Pixel `i` went from the labels `old` to the labels `now`.
  t.change = (i, old, now) => {
    for (let m = old ^ now; m; m &= m - 1) {
      const k = 31 - Math.clz32(m & -m);
      t.pixels[k] += (now >>> k) & 1 ? 1 : -1;
    }
    const either = old | now;
    if (!(either & LUNGS)) return;
    for (let m = either & FINDING_BITS; m; m &= m - 1) {
      const k = 31 - Math.clz32(m & -m), y = Math.floor(i / w);
      const rows = t.rows[k] || (t.rows[k] = [new Int32Array(h), new Int32Array(h)]);
      for (let side = 0; side < 2; side++) {
        rows[side][y] += ((now >>> k) & (now >>> side) & 1) - ((old >>> k) & (old >>> side) & 1);
      }
    }
  };

  // A whole drawing, once: counts its pixels and gives the box of each label that it has.
  t.count = (bits) => {
    const boxes = {};
    for (let y = 0, i = 0; y < h; y++) {
      for (let x = 0; x < w; x++, i++) {
        const b = bits[i];
        if (!b) continue;
        let end = x + 1;
        while (end < w && bits[i + end - x] === b) end++;
        for (let m = b; m; m &= m - 1) {
          const k = 31 - Math.clz32(m & -m), box = boxes[k];
          t.pixels[k] += end - x;
          if (!box) boxes[k] = [x, y, end, y + 1];
          else {
            if (x < box[0]) box[0] = x;
            if (end > box[2]) box[2] = end;
            box[3] = y + 1;
          }
          if (!(b & LUNGS) || !isFinding(k)) continue;
          const rows = t.rows[k] || (t.rows[k] = [new Int32Array(h), new Int32Array(h)]);
          for (let side = 0; side < 2; side++) if ((b >>> side) & 1) rows[side][y] += end - x;
        }
        i += end - x - 1;
        x = end - 1;
      }
    }
    return boxes;
  };
  return t;
}

// Pixels of each label, where findings lie, and the cardiothoracic ratio. `boxes` may hold the box of a
// label that is being moved; `spacing` is the millimetres of a pixel, where they are known.
function measured(d, boxes = d.boxes, spacing = null) {
  const { pixels, rows } = d.tally;
  const both = pixels[0] + pixels[1], [left, right, heart] = [0, 1, 2].map((k) => boxes[k]);
  const thorax = left && right ? [Math.min(left[0], right[0]), Math.max(left[2], right[2])] : null;
  const thirdsOf = (bit, side) => {                  // pixels in the upper, middle and lower third of that lung
    const sums = [0, 0, 0], box = d.boxes[side], counts = rows[bit] && rows[bit][side];
    if (!counts || !box) return sums;
    for (let y = box[1]; y < box[3]; y++) sums[Math.min(2, Math.floor((3 * (y - box[1])) / (box[3] - box[1])))] += counts[y];
    return sums;
  };
  const sum = (numbers) => numbers.reduce((a, b) => a + b, 0);
  const places = d.findings.map((f) => {
    const thirds = [thirdsOf(f.bit, 0), thirdsOf(f.bit, 1)], sides = thirds.map(sum), side = sides[0] >= sides[1] ? 0 : 1;
    if (!pixels[f.bit]) return { bit: f.bit, text: "nothing painted yet", share: 0 };
    if (!sides[side]) return { bit: f.bit, text: both ? "outside the lungs" : "no lungs drawn", share: 0 };
    const zone = thirds[side].indexOf(Math.max(...thirds[side]));
    const share = sides[side] / pixels[side];
    return {
      bit: f.bit, side: ["left", "right"][side], zone: ["upper", "middle", "lower"][zone], share,
      text: ["left", "right"][side] + " " + ["upper", "middle", "lower"][zone] + ", " + percent(share),
    };
  });
  return {
    spacing, pixels: pixels.slice(), boxes: [left, right, heart], places, thorax, heart: heart ? [heart[0], heart[2]] : null,
    ratio: thorax && heart ? (heart[2] - heart[0]) / (thorax[1] - thorax[0]) : null,
    left: both ? pixels[0] / both : null, right: both ? pixels[1] / both : null,
  };
}

const percent = (share) => (share > 0 && share < 0.095 ? (100 * share).toFixed(1) : Math.round(100 * share)) + " %";
