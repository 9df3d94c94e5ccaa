// What can be taken back, as bytes and back, for after a reload: the newest steps, back to the first that
// cannot be taken back any more then (a deleted state is gone) and as many as there is room for.

const KEPT_STEPS = 100, KEPT_BYTES = 4 << 20;

function makeKept(app) {
  const { d } = app;
  const t = {};
  const checksum = () => crc32(new Uint8Array(d.bits.buffer, d.bits.byteOffset, 4 * d.w * d.h));

  // What a step did outside the drawing, from plain values: what the server is asked to take it back and
  // to do it again, to forget it, and the report before and after.
  t.outside = ({ undo = null, redo = null, forget = null, report = null }) => {
    const [was, now] = report || [null, null];
    const tell = (ask, text) => () => app.command("step", { ask, report: text });
    const found = { told: { undo, redo, forget, report }, undo: tell(undo, was), redo: tell(redo, now) };
    if (forget) found.forget = tell(forget, null);
    return found;
  };

  const outlives = (r) => !r.outside || (!!r.outside.told && !r.outside.told.forget);
  const keeps = (r) => outlives(r) && (!r.parts || r.parts.every(keeps));

  const newest = () => {
    const found = [];
    let room = KEPT_BYTES;
    for (let n = d.undoStack.length - 1; n >= 0 && found.length < KEPT_STEPS; n--) {
      room -= d.undoStack[n].bytes;
      if (room < 0 || !keeps(d.undoStack[n])) break;
      found.unshift(d.undoStack[n]);
    }
    return found;
  };

  // A step without its pixels, which go to `arrays`.
  const told = (r, arrays) => {
    const { title, bytes } = r, entry = { title, bytes };
    if (r.outside) entry.outside = r.outside.told;
    if (r.parts) return { ...entry, parts: r.parts.map((part) => told(part, arrays)) };
    if (r.whole) {
      const { bits, ...rest } = r.whole;
      arrays.push(bits);
      return { ...entry, whole: rest };
    }
    arrays.push(r.at, r.was);
    return { ...entry, changed: r.changed, where: r.where, forward: !!r.forward, notes: r.notes, count: r.at.length };
  };
  const heard = (entry, next) => {
    const { title, bytes } = entry, r = { title, bytes };
    if (entry.outside) r.outside = t.outside(entry.outside);
    if (entry.parts) return { ...r, parts: entry.parts.map((part) => heard(part, next)) };
    if (entry.whole) return { ...r, whole: { ...entry.whole, bits: next(entry.whole.w * entry.whole.h) } };
    const at = next(entry.count), was = next(entry.count);
    const { changed, where, forward, notes } = entry;
    return { ...r, changed, where, forward, at, was, ...(notes ? { notes } : {}) };
  };

  // Taken back one after the other, each step must lie within the drawing that it finds: its pixels.
  const fits = (r, size) => {
    if (r.parts) return r.parts.reduceRight((left, part) => fits(part, left), size);
    if (r.whole) return r.whole.w * r.whole.h;
    if (r.at.some((i) => i >= size)) throw new Error("These steps belong to another drawing.");
    return size;
  };

  // {doc, rev, packed}: gzip of the length of the head (4 bytes), the head (JSON), and all pixels.
  t.packed = async () => {
    const { doc, rev, w, h } = d, arrays = [], steps = newest().map((r) => told(r, arrays));
    const head = new TextEncoder().encode(JSON.stringify({ v: 1, w, h, crc32: checksum(), steps }));
    const whole = await new Blob([Uint32Array.of(head.length), head, ...arrays]).arrayBuffer();
    return { doc, rev, packed: await squeezed(new Uint8Array(whole), "gzip") };
  };

  // The steps that t.packed gave, below those that were made since; none where the drawing is another.
  // Once for each time that it was loaded.
  let taken = null;
  t.unpacked = async (packed) => {
    const doc = d.doc, rev = d.rev, loaded = d.restarts, raw = await squeezed(packed, "gunzip");
    const size = new DataView(raw.buffer, raw.byteOffset).getUint32(0, true);
    const head = JSON.parse(new TextDecoder().decode(raw.subarray(4, 4 + size)));
    if (d.doc !== doc || d.rev !== rev || head.w !== d.w || head.h !== d.h || head.crc32 !== checksum()) return;
    if (d.restarts !== loaded || taken === loaded) return;
    let from = 4 + size;
    const next = (count) => {
      const bytes = raw.slice(from, from + 4 * count);
      from += 4 * count;
      return new Uint32Array(bytes.buffer, 0, count);
    };
    const steps = head.steps.map((entry) => heard(entry, next));
    steps.reduceRight((left, r) => fits(r, left), d.w * d.h);
    taken = loaded;
    d.undoStack.unshift(...steps);
    app.refresh();
  };
  return t;
}
