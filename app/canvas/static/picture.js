// Grey pictures: decoded exactly, toned by window and level, compared with another one.

const PRESETS = [
  { name: "Full range", window: 255, level: 128 },
  { name: "Lung", window: 150, level: 80 },
  { name: "Mediastinum", window: 120, level: 165 },
  { name: "Bone", window: 110, level: 195 },
];

function makeCanvas(w, h) {
  const c = document.createElement("canvas");
  c.width = w;
  c.height = h;
  return c;
}

// A picture behind a URL as {w, h, grey: Uint8Array}, without colour management.
async function fetchedPicture(url) {
  const answer = await fetch(url);
  if (!answer.ok) throw new Error("The picture could not be fetched (" + answer.status + ").");
  const bitmap = await createImageBitmap(await answer.blob(),
    { colorSpaceConversion: "none", premultiplyAlpha: "none" });
  const w = bitmap.width, h = bitmap.height;
  const ctx = makeCanvas(w, h).getContext("2d", { willReadFrequently: true });
  ctx.drawImage(bitmap, 0, 0);
  const data = ctx.getImageData(0, 0, w, h).data, grey = new Uint8Array(w * h);
  for (let i = 0; i < grey.length; i++) grey[i] = data[4 * i];
  return { url, w, h, grey, levels: [{ w, h, grey, toned: null, tone: "" }] };
}

// The picture at 1 / 2^n of its size, each pixel the mean of four. Seen from afar it looks the same and
// costs what the screen has, not what the picture has.
function levelOf(picture, n) {
  if (picture.levels[n]) return picture.levels[n];
  const from = levelOf(picture, n - 1), w = Math.ceil(from.w / 2), h = Math.ceil(from.h / 2), grey = new Uint8Array(w * h);
  for (let y = 0, i = 0; y < h; y++) {
    const upper = 2 * y * from.w, lower = Math.min(from.h - 1, 2 * y + 1) * from.w;
    for (let x = 0; x < w; x++, i++) {
      const left = 2 * x, right = Math.min(from.w - 1, 2 * x + 1);
      grey[i] = (from.grey[upper + left] + from.grey[upper + right] + from.grey[lower + left] + from.grey[lower + right] + 2) >> 2;
    }
  }
  return (picture.levels[n] = { w, h, grey, toned: null, tone: "" });
}

function makePictures(redraw) {
  const p = {
    shown: null,                                     // the state on screen
    other: null,                                     // B, what it is compared with
    preview: null,                                   // a run's preview, shown instead while it lasts
    window: 255, level: 128, invert: false, compare: "off", split: 0.5, before: false,
  };
  const kept = new Map();                            // url -> promise, newest last

  p.get = (url) => {
    let found = kept.get(url);
    kept.delete(url);
    if (!found) {
      found = fetchedPicture(url);
      found.catch(() => kept.delete(url));
    }
    kept.set(url, found);
    while (kept.size > 12) kept.delete(kept.keys().next().value);
    return found;
  };

  // Window w and level l as on a viewer: l - w/2 is black, l + w/2 is white.
  const table = () => {
    const lut = new Uint8ClampedArray(256);
    for (let v = 0; v < 256; v++) {
      const out = p.window >= 255 && p.level === 128 ? v : ((v - (p.level - p.window / 2)) / p.window) * 255;
      lut[v] = p.invert ? 255 - out : out;
    }
    return lut;
  };

  const painted = (w, h, value, reused) => {
    const image = new ImageData(w, h), out = new Uint32Array(image.data.buffer);
    for (let i = 0; i < w * h; i++) out[i] = 0xff000000 | (value(i) * 0x010101);
    const c = reused || makeCanvas(w, h);
    c.getContext("2d").putImageData(image, 0, 0);
    return c;
  };

  p.toned = (picture, n = 0) => {
    const tone = [p.window, p.level, p.invert].join(), level = levelOf(picture, n);
    if (level.tone !== tone) {
      const lut = table(), grey = level.grey;
      for (const other of picture.levels) if (other && other !== level) { other.toned = null; other.tone = ""; }
      level.toned = painted(level.w, level.h, (i) => lut[grey[i]], level.toned);
      level.tone = tone;
    }
    return level.toned;
  };

  // |A - B|, four times: black where nothing changed.
  p.difference = (a, b) => {
    if (a.w !== b.w || a.h !== b.h) return null;
    if (a.differenceTo !== b) {
      a.differenceTo = b;
      a.difference = painted(a.w, a.h, (i) => Math.min(255, 4 * Math.abs(a.grey[i] - b.grey[i])));
    }
    return a.difference;
  };

  p.draw = (ctx, view) => {
    const base = p.preview || p.shown;
    if (!base) return;
    ctx.imageSmoothingEnabled = view.smooth || view.zoom < 8;
    ctx.imageSmoothingQuality = "high";
    const put = (c) => ctx.drawImage(c, 0, 0, view.w, view.h);
    const show = (picture) => {
      let n = 0;
      for (let zoom = (view.zoom * view.w) / picture.w; zoom <= 0.5; zoom *= 2) n++;
      const c = p.toned(picture, n), scale = 2 ** n;
      ctx.drawImage(c, 0, 0, (c.width * scale * view.w) / picture.w, (c.height * scale * view.h) / picture.h);
    };
    const other = p.preview ? null : p.other;
    if (p.before && other) return show(other);
    if (p.compare === "difference" && other) {
      const c = p.difference(base, other);
      if (c) return put(c);
    }
    show(base);
    if (p.compare === "swipe" && other) {
      ctx.save();
      ctx.setTransform(1, 0, 0, 1, 0, 0);
      ctx.beginPath();
      ctx.rect(0, 0, ctx.canvas.width * p.split, ctx.canvas.height);
      ctx.clip();
      view.transform(ctx);
      show(other);
      ctx.restore();
    }
  };

  p.show = async (slot, url) => {
    const token = (p["wanted " + slot] = url);
    const picture = url ? await p.get(url) : null;
    if (p["wanted " + slot] !== token) return null;   // something newer was asked for meanwhile
    p[slot] = picture;
    redraw();
    return picture;
  };
  return p;
}
