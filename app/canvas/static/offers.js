// A region that is proposed, dashed over the picture, until the person takes or drops it.

function makeOffers(app) {
  const { d, overlay, view } = app;
  const o = {};
  let pending = null;                               // {region, words, answer}

  const end = (accepted) => {
    const done = pending;
    pending = null;
    overlay.offerLoops = null;
    app.note(null);
    view.redraw();
    if (done) done.answer(accepted);
  };

  // `url` is a drawing of bit 0; resolves to the bit of the new finding, or null when it is dropped.
  o.show = async ({ url, words, title, text }) => {
    end(null);
    const file = await fetchedLabels(url);
    if (file.w !== d.w || file.h !== d.h) throw new Error("The picture changed meanwhile. Ask again.");
    app.leaveFirst();
    overlay.offerLoops = traced(file.bits, d.w, d.h, 1, tightened(file.bits, d.w, 1, [0, 0, d.w, d.h]));
    view.redraw();
    return new Promise((answer) => {
      pending = { region: file.bits, words, answer };
      app.note({ title, text, decide: true, buttons: [{ label: "Accept", act: o.accept }, { label: "Discard", act: o.discard }] });
      view.over.focus({ preventScroll: true });
    });
  };

  o.pending = () => pending !== null;
  o.discard = () => end(null);
  o.accept = () => {
    if (!pending) return;
    const { region, words } = pending;
    if (region.length !== d.w * d.h) return end(null);   // the picture on screen got another size
    const bit = d.freeFinding();
    if (bit === null) { end(null); return app.say("There can be 24 findings at most."); }
    const m = bitMask(bit);
    d.note("draw region, finding " + letterOf(bit), () => d.findings.push({ bit, words, strength: 1 }),
      () => { for (let i = 0; i < region.length; i++) if (region[i]) d.put(i, (d.bits[i] | m) >>> 0); });
    end(bit);
    app.choose(bit);
    app.refresh();
  };
  return o;
}
