// What can be taken back, as bytes and back, for after a reload: the newest steps, back to the first that
// did more than draw (the server has forgotten how to take that back) and as many as there is room for.

const KEPT_STEPS = 100, KEPT_BYTES = 4 << 20;

function makeKept(app) {
  const { d } = app;
  const t = {};
  const drawnOnly = (r) => !r.outside && !r.whole && (!r.parts || r.parts.every(drawnOnly));
  const checksum = () => crc32(new Uint8Array(d.bits.buffer, d.bits.byteOffset, 4 * d.w * d.h));

  const newest = () => {
    const found = [];
    let room = KEPT_BYTES;
    for (let n = d.undoStack.length - 1; n >= 0 && found.length < KEPT_STEPS; n--) {
      room -= d.undoStack[n].bytes;
      if (room < 0 || !drawnOnly(d.undoStack[n])) break;
      found.unshift(d.undoStack[n]);
    }
    return found;
  };

  // A step without its pixels, which go to `arrays`.
  const told = (r, arrays) => {
    const { title, bytes } = r;
    if (r.parts) return { title, bytes, parts: r.parts.map((part) => told(part, arrays)) };
    arrays.push(r.at, r.was);
    return { title, bytes, changed: r.changed, where: r.where, forward: !!r.forward, notes: r.notes, count: r.at.length };
  };
  const heard = (entry, next) => {
    const { title, bytes } = entry;
    if (entry.parts) return { title, bytes, parts: entry.parts.map((part) => heard(part, next)) };
    const at = next(entry.count), was = next(entry.count);
    if (at.some((i) => i >= d.w * d.h)) throw new Error("These steps belong to another drawing.");
    const { changed, where, forward, notes } = entry;
    return { title, bytes, changed, where, forward, at, was, ...(notes ? { notes } : {}) };
  };

  // {doc, rev, packed}: gzip of the length of the head (4 bytes), the head (JSON), and all pixels.
  t.packed = async () => {
    const { doc, rev, w, h } = d, arrays = [], steps = newest().map((r) => told(r, arrays));
    const head = new TextEncoder().encode(JSON.stringify({ v: 1, w, h, crc32: checksum(), steps }));
    const whole = await new Blob([Uint32Array.of(head.length), head, ...arrays]).arrayBuffer();
    return { doc, rev, packed: await squeezed(new Uint8Array(whole), "gzip") };
  };

  // The steps that t.packed gave, below those that were made since; none where the drawing is another.
  t.unpacked = async (packed) => {
    const doc = d.doc, rev = d.rev, raw = await squeezed(packed, "gunzip");
    const size = new DataView(raw.buffer, raw.byteOffset).getUint32(0, true);
    const head = JSON.parse(new TextDecoder().decode(raw.subarray(4, 4 + size)));
    if (d.doc !== doc || d.rev !== rev || head.w !== d.w || head.h !== d.h || head.crc32 !== checksum()) return;
    let from = 4 + size;
    const next = (count) => {
      const bytes = raw.slice(from, from + 4 * count);
      from += 4 * count;
      return new Uint32Array(bytes.buffer, 0, count);
    };
    d.undoStack.unshift(...head.steps.map((entry) => heard(entry, next)));
    app.refresh();
  };
  return t;
}
