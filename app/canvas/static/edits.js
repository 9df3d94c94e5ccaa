// What is done to a whole label at once: grow, shrink, smooth, fill holes, keep the largest part, clear,
// swap, mirror. Each is one undo step; each looks at the box of the label only.

function makeEdits(app) {
  const { d, ui, view } = app;
  const t = {};

  const mirrored = (bit) => (bit === 0 ? 1 : bit === 1 ? 0 : bit);

  // The function that paints one pixel with `bit`, by the rules of "Paint where".
  const painter = (bit, on, where = ui.where) => {
    const m = bitMask(bit), bits = d.bits;
    const kin = (bit < ORGANS.length ? ORGAN_BITS : isFinding(bit) ? FINDING_BITS : 0) & ~m;
    if (!on) return (i) => d.put(i, (bits[i] & ~m) >>> 0);
    return (i) => {
      const old = bits[i];
      if (where === "lungs" && !(old & LUNGS)) return;
      if (where === "free" && old & kin) return;
      d.put(i, (old | m) >>> 0);
    };
  };

  const refused = () => {
    const why = app.lockReason(ui.bit);
    if (why) app.say(why);
    else if (d.hidden & bitMask(ui.bit)) { d.hidden = (d.hidden & ~bitMask(ui.bit)) >>> 0; app.refresh(); }
    return !!why;
  };
  // ---- one edit of the chosen label from the options bar or the keyboard
  t.edit = (title, change) => {
    app.tools.finish();
    if (refused()) return;
    const m = bitMask(ui.bit), box = d.boxes[ui.bit];
    if (!box) return app.say(app.subject(ui.bit) + " is not drawn yet.");
    app.begin(title + ", " + d.nameOf(ui.bit));
    change({ source: d.bits.slice(), m, box, on: painter(ui.bit, true), off: painter(ui.bit, false) });
    d.touched();
    if (!d.commit()) app.say("Nothing changed.");
    view.redraw();
  };
  const amount = (by) => (by > 1 ? " by " + by + " px" : "");
  t.grow = (by = 1) => t.edit("grow" + amount(by), ({ source, m, box, on }) => rim(source, d.w, d.h, m, box, by, on));
  t.shrink = (by = 1) => t.edit("shrink" + amount(by), ({ source, m, box, off }) => edge(source, d.w, d.h, m, box, by, off));
  t.smooth = () => t.edit("smooth", ({ source, m, box, on, off }) =>
    outvoted(source, d.w, d.h, m, box, (i) => (source[i] & m ? off(i) : on(i))));
  t.fillHoles = () => t.edit("fill holes", ({ source, m, box, on }) => holes(source, d.w, d.h, m, box, on));
  t.largest = () => t.edit("keep largest part", ({ source, m, box, off }) => crumbs(source, d.w, d.h, m, box, off));
  const each = (box, visit) => {
    for (let y = box[1]; y < box[3]; y++) for (let i = y * d.w + box[0]; i < y * d.w + box[2]; i++) visit(i);
  };
  t.clear = () => t.edit("clear", ({ source, m, box, off }) => each(box, (i) => { if (source[i] & m) off(i); }));
  t.invertArea = () => {
    app.tools.finish();
    if (refused()) return;
    const m = bitMask(ui.bit), on = painter(ui.bit, true), off = painter(ui.bit, false);
    app.begin("invert, " + d.nameOf(ui.bit));
    each([0, 0, d.w, d.h], (i) => (d.bits[i] & m ? off(i) : on(i)));
    d.touched();
    d.commit();
    view.redraw();
  };
  // A lung becomes the mirror image of the other; any other label is flipped about the middle of the picture.
  t.mirrorOver = (bit) => {
    const to = mirrored(bit), why = app.lockReason(to);
    if (why) return app.say(why);
    app.tools.finish();
    const m = bitMask(bit), from = d.boxes[bit];
    if (!from) return app.say(app.subject(bit) + " is not drawn yet.");
    const source = d.bits.slice(), on = painter(to, true, ""), off = painter(to, false);
    app.begin("mirror, " + d.nameOf(bit));
    if (d.boxes[to]) each(d.boxes[to], off);
    each(from, (i) => { if (source[i] & m) on(i + d.w - 1 - 2 * (i % d.w)); });
    d.touched();
    if (!d.commit()) app.say("Nothing changed.");
    view.redraw();
  };
  t.swap = (a, b) => {
    const why = app.lockReason(a) || app.lockReason(b);
    if (why) return app.say(why);
    app.tools.finish();
    app.begin("swap, " + d.nameOf(a) + " and " + d.nameOf(b));
    const ma = bitMask(a), mb = bitMask(b);
    d.bits.forEach((v, i) => {
      const rest = v & ~ma & ~mb;
      d.put(i, (rest | (v & ma ? mb : 0) | (v & mb ? ma : 0)) >>> 0);
    });
    d.touched();
    d.commit();
    view.redraw();
  };

  Object.assign(t, { painter, mirrored, refused, each });
  return t;
}
