// The document: bit planes, findings, what is hidden or locked, and one undo stack for all of it.

const ORGANS = [
  { bit: 0, name: "Left lung", colour: "#3f8fd6", dash: [] },
  { bit: 1, name: "Right lung", colour: "#79ddb8", dash: [10, 4] },
  { bit: 2, name: "Heart", colour: "#de6b35", dash: [10, 3, 2, 3] },
  { bit: 3, name: "Aorta", colour: "#f0a6dc", dash: [2, 3] },
];
const FINDING_COLOUR = "#f4e35a", AREA_COLOUR = "#ffffff";
const FIRST_FINDING = 4, LAST_FINDING = 27, ERASE = 28, KEEP = 29;
const LUNGS = 3, ORGAN_BITS = 15, FINDING_BITS = 0x0ffffff0;
const UNDO_STEPS = 100, UNDO_BYTES = 64 * 2 ** 20, UNDO_MOST = 8 * UNDO_BYTES;

const isFinding = (bit) => bit >= FIRST_FINDING && bit <= LAST_FINDING;
const letterOf = (bit) => String.fromCharCode(65 + bit - FIRST_FINDING);
const bitMask = (bit) => (1 << bit) >>> 0;

// A random version 4 UUID; crypto.randomUUID is missing on plain http.
function uuid() {
  const b = crypto.getRandomValues(new Uint8Array(16));
  b[6] = (b[6] & 15) | 64;
  b[8] = (b[8] & 63) | 128;
  const hex = [...b].map((v) => v.toString(16).padStart(2, "0")).join("");
  return [8, 12, 16, 20].reduceRight((s, at) => s.slice(0, at) + "-" + s.slice(at), hex);
}

function makeDrawing(onChange) {
  const d = {
    doc: uuid(), rev: 0, w: 256, h: 256, bits: new Uint32Array(256 * 256),
    findings: [], hidden: 0, locked: 0, state: null,
    boxes: {}, stale: 0xffffffff, undoStack: [], redoStack: [], authored: null, restarts: 0, tally: makeTally(256, 256),
  };
  let step = null;                                   // the change in progress

  const write = (i, old, value) => {
    d.bits[i] = value;
    d.tally.change(i, old, value);
  };

  d.begin = (title) => { step = { title, at: [], was: [], changed: 0, x0: d.w, y0: d.h, x1: 0, y1: 0 }; };
  d.open = () => step !== null;

  d.put = (i, value) => {
    const old = d.bits[i];
    if (old === value) return;
    step.at.push(i);
    step.was.push(old);
    step.changed |= old ^ value;
    const x = i % d.w, y = (i - x) / d.w;
    if (x < step.x0) step.x0 = x;
    if (x >= step.x1) step.x1 = x + 1;
    if (y < step.y0) step.y0 = y;
    if (y >= step.y1) step.y1 = y + 1;
    write(i, old, value);
  };

  // Call after a part of a step is drawn: outlines of what changed are traced anew.
  d.touched = () => {
    for (let k = 0, m = step.changed; m; k++, m >>>= 1) {
      if (m & 1) d.boxes[k] = joined(d.boxes[k], [step.x0, step.y0, step.x1, step.y1]);
    }
    d.stale |= step.changed;
  };

  // The boxes of labels that changed inside `where` only: never a look at the whole picture.
  const fitBoxes = (changed, where) => {
    for (let k = 0, m = changed; m; k++, m >>>= 1) {
      if (m & 1) d.boxes[k] = tightened(d.bits, d.w, bitMask(k), joined(d.boxes[k], where));
    }
    d.stale |= changed;
  };
  const boxOfStep = (s) => [s.x0, s.y0, s.x1, s.y1];

  let gathered = null;                               // records of a step that is being put together

  const remember = (record) => {
    if (gathered) return gathered.push(record);
    d.undoStack.push(record);
    d.redoStack.length = 0;
    let bytes = d.undoStack.reduce((sum, r) => sum + r.bytes, 0);
    const full = (n) => (n > UNDO_STEPS && (bytes > UNDO_BYTES || n > 1000)) || (n > 1 && bytes > UNDO_MOST);
    while (full(d.undoStack.length)) {
      const lost = d.undoStack.shift();
      bytes -= lost.bytes;
      if (lost.outside && lost.outside.forget) lost.outside.forget();
    }
  };

  // From gather() to together() all changes are one step. `outside` is what else the step did,
  // { undo(), redo(), forget() }: what is not in the drawing.
  d.gather = () => { gathered = []; };
  d.gathering = () => gathered !== null;
  d.together = (title, outside) => {
    const parts = gathered || [];
    gathered = null;
    if (title === null) return parts.forEach(remember);
    if (!parts.length && !outside) return;
    remember({ title, parts, outside, bytes: parts.reduce((sum, r) => sum + r.bytes, 200) });
    onChange(title);
  };
  // A change of something else than the drawing, as a step: { title, undo(), redo(), forget() };
  // `told` are the plain values that these were made from, where there are some.
  d.remember = ({ title, undo, redo, forget, told }) => {
    remember({ title, parts: [], outside: { undo, redo, forget, told }, bytes: 200 });
    onChange("");
  };

  d.commit = () => {
    const done = step;
    step = null;
    if (!done || !done.at.length) return false;
    const at = Uint32Array.from(done.at), was = Uint32Array.from(done.was);
    fitBoxes(done.changed, boxOfStep(done));
    remember({ title: done.title, at, was, changed: done.changed, where: boxOfStep(done), bytes: at.byteLength * 2 });
    d.rev++;
    d.authored = null;
    onChange(done.title);
    return true;
  };

  d.drop = () => {                                   // the step in progress never happened
    const done = step;
    step = null;
    if (!done) return;
    for (let k = done.at.length - 1; k >= 0; k--) write(done.at[k], d.bits[done.at[k]], done.was[k]);
    fitBoxes(done.changed, boxOfStep(done));
  };

  const notes = () => ({
    findings: d.findings.map((f) => ({ ...f })), hidden: d.hidden, locked: d.locked,
  });

  // A change of words, visibility, locks or the list of findings, and of pixels where `draw` is given.
  d.note = (title, change, draw) => {
    const before = notes();
    d.begin(title);
    change();
    if (draw) draw();
    const done = step;
    step = null;
    fitBoxes(done.changed, boxOfStep(done));
    remember({
      title, notes: before, at: Uint32Array.from(done.at), was: Uint32Array.from(done.was),
      changed: done.changed, where: boxOfStep(done), bytes: done.at.length * 8 + 200,
    });
    d.rev++;
    if (done.at.length) d.authored = null;
    onChange(title);
  };

  const snapshot = () => ({
    w: d.w, h: d.h, bits: d.bits, findings: d.findings.map((f) => ({ ...f })), state: d.state,
  });

  const become = (whole) => {
    d.w = whole.w;
    d.h = whole.h;
    d.bits = whole.bits;
    d.findings = whole.findings.map((f) => ({ ...f }));
    d.state = whole.state;
    d.tally = makeTally(d.w, d.h);
    d.boxes = d.tally.count(d.bits);
    d.stale = 0xffffffff;
  };

  // Another drawing instead of this one, as one undo step.
  d.replace = (title, whole) => {
    if (whole.w === d.w && whole.h === d.h) {        // only what differs is remembered
      return d.note(title, () => { if (whole.findings) d.findings = whole.findings.map((f) => ({ ...f })); },
        () => { for (let i = 0; i < whole.bits.length; i++) d.put(i, whole.bits[i]); });
    }
    remember({ title, whole: snapshot(), bytes: d.bits.byteLength });
    become({ state: d.state, findings: d.findings, ...whole });
    d.rev++;
    d.authored = null;
    onChange(title);
  };

  // Another document: nothing of the former one can be undone.
  d.restart = (doc, whole) => {
    d.doc = doc;
    d.restarts++;
    d.rev = whole.rev || 0;
    d.undoStack.length = d.redoStack.length = 0;
    if (gathered) gathered = [];
    d.hidden = d.locked = 0;
    become({ state: null, findings: [], ...whole });
    d.authored = null;
    onChange("", true);
  };

  // The picture got another size: the drawing follows it, from the last version that a person drew.
  // A picture of another shape starts an empty one; false says that something was left behind.
  d.resize = (w, h) => {
    const from = d.authored || { bits: d.bits, w: d.w, h: d.h };
    const alike = Math.abs(from.w * h - from.h * w) <= Math.max(w, h);
    const blank = d.blank();
    const bits = alike ? resized(from.bits, from.w, from.h, w, h) : new Uint32Array(w * h);
    if (!blank) remember({ title: "picture size", whole: snapshot(), bytes: d.bits.byteLength });
    become({ ...snapshot(), w, h, bits });
    d.authored = from;
    d.rev++;
    onChange("picture size");
    return alike || blank;
  };

  // Takes a record back; what takes this back again.
  const reversed = (r) => {
    const back = { title: r.title, bytes: r.bytes, outside: r.outside };
    if (r.parts) {
      back.parts = r.parts.slice().reverse().map(reversed);
    } else if (r.whole) {
      back.whole = snapshot();
      become(r.whole);
    } else {
      if (r.notes) {
        back.notes = notes();
        d.findings = r.notes.findings.map((f) => ({ ...f }));
        d.hidden = r.notes.hidden;
        d.locked = r.notes.locked;
      }
      back.at = r.at;
      back.was = new Uint32Array(r.at.length);
      back.changed = r.changed;
      back.where = r.where;
      back.forward = !r.forward;                     // a pixel written twice goes back the way it came
      for (let n = 0; n < r.at.length; n++) {
        const k = r.forward ? n : r.at.length - 1 - n, i = r.at[k];
        back.was[k] = d.bits[i];
        write(i, d.bits[i], r.was[k]);
      }
      fitBoxes(r.changed, r.where);
    }
    return back;
  };

  const swap = (from, to) => {
    const r = from.pop();
    if (!r) return null;
    const back = reversed(r), state = d.state;
    to.push(back);
    if (r.outside) d.state = state;                  // the server says what is on screen
    d.rev++;
    d.authored = null;
    onChange("");
    if (r.outside) (from === d.undoStack ? r.outside.undo : r.outside.redo)();
    return back;
  };
  d.undo = () => swap(d.undoStack, d.redoStack);
  d.redo = () => swap(d.redoStack, d.undoStack);

  d.blank = () => d.tally.pixels.every((n) => n === 0);
  d.finding = (bit) => d.findings.find((f) => f.bit === bit);
  d.freeFinding = () => {
    for (let bit = FIRST_FINDING; bit <= LAST_FINDING; bit++) if (!d.finding(bit)) return bit;
    return null;
  };
  d.nameOf = (bit) => isFinding(bit) ? "finding " + letterOf(bit)
    : bit >= ERASE ? "area" : ORGANS[bit].name.toLowerCase();
  return d;
}
