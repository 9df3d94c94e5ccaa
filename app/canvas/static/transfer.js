// Between the browser and the server: the drawing goes up as a gzipped file with a checksum, views
// come down as URLs and numbers.

async function squeezed(bytes, kind) {
  const stream = new Blob([bytes]).stream();
  const through = kind === "gzip" ? new CompressionStream("gzip") : new DecompressionStream("gzip");
  return new Uint8Array(await new Response(stream.pipeThrough(through)).arrayBuffer());
}

// The file of `labels_file` in drawing.py: {v, w, h, crc32, replaces, findings, gzip (base64)}.
async function fetchedLabels(url) {
  const answer = await fetch(url);
  if (!answer.ok) throw new Error("The drawing could not be fetched (" + answer.status + ").");
  const file = await answer.json();
  const packed = Uint8Array.from(atob(file.gzip), (c) => c.charCodeAt(0));
  const raw = await squeezed(packed, "gunzip");
  if (raw.length !== 4 * file.w * file.h || crc32(raw) !== file.crc32) throw new Error("The drawing arrived damaged.");
  return { ...file, bits: new Uint32Array(raw.buffer, raw.byteOffset, file.w * file.h) };
}

function makeTransfer(app, upload) {
  const { d, ui, pictures, view } = app;
  const t = {};
  let sent = null, sending = null, applying = Promise.resolve(), lastNonce = null, proposed = false, welcomed = false;

  // The drawing of this moment as {head, packed}: what it is, and its gzipped planes.
  t.packed = async () => {
    const raw = new Uint8Array(d.bits.buffer, d.bits.byteOffset, 4 * d.w * d.h).slice();
    const head = { v: 1, doc: d.doc, rev: d.rev, w: d.w, h: d.h, crc32: crc32(raw), state: d.state,
      findings: d.findings.map((f) => ({ ...f, letter: letterOf(f.bit) })) };
    return { head, packed: await squeezed(raw, "gzip") };
  };
  // What t.packed gave, as a drawing again.
  t.unpacked = async ({ head, packed }) => {
    const raw = await squeezed(packed, "gunzip");
    if (raw.length !== 4 * head.w * head.h || crc32(raw) !== head.crc32) throw new Error("The drawing kept in this browser is damaged.");
    const findings = head.findings.map(({ bit, words, strength = 1 }) => ({ bit, words, strength }));
    return { w: head.w, h: head.h, bits: new Uint32Array(raw.buffer, raw.byteOffset, head.w * head.h), findings };
  };
  const send = async () => {
    const { head: { state, ...payload }, packed } = await t.packed();
    const file = await upload(new File([packed], "labels.u32.gz", { type: "application/gzip" }));
    sent = { ...payload, bytes: packed.length, labels: { path: file.path, meta: { _type: "gradio.FileData" } } };
    return sent;
  };
  // The drawing as it is now, uploaded. A stroke in progress ends here.
  t.flush = async (job) => {
    app.commitWords();
    app.tools.finish();
    if (sending) await sending.catch(() => {});
    if (!sent || sent.rev !== d.rev || sent.doc !== d.doc) {
      sending = send();
      try { await sending; } finally { sending = null; }
    }
    return { ...sent, job: job || uuid(), state: d.state };
  };

  // Labels that replace only some bits (an anatomy) are laid under what else is drawn.
  const combined = (file) => {
    const replaces = file.replaces >>> 0;
    if (replaces === 0xffffffff) {
      return { w: file.w, h: file.h, bits: file.bits, findings: file.findings };
    }
    const empty = !pictures.shown && d.bits.every((b) => b === 0);
    const [w, h] = empty ? [file.w, file.h] : [d.w, d.h];
    const from = file.w === w && file.h === h ? file.bits : resized(file.bits, file.w, file.h, w, h);
    const kept = empty ? null : d.bits, bits = new Uint32Array(w * h);
    for (let i = 0; i < bits.length; i++) {
      bits[i] = ((from[i] & replaces) | (kept ? kept[i] & ~replaces : 0)) >>> 0;
    }
    return { w, h, bits };
  };

  const loadLabels = async (next, fresh, title) => {
    const file = await fetchedLabels(next.labels_url);
    const stale = next.base !== undefined && next.base !== null && next.base !== d.rev;
    const late = !fresh && stale && app.untouched();   // a reloaded page that was shown empty first
    const load = () => {
      if (fresh || late) d.restart(next.doc, { ...combined(file), findings: file.findings, rev: next.base || 0, state: d.state });
      else d.replace(title || "load", combined(file));
      if (pictures.shown) app.fitTo(pictures.shown);
      if (!d.finding(ui.bit) && isFinding(ui.bit)) ui.bit = 0;
      view.fit();
      app.refresh();
    };
    app.tools.finish();
    if (fresh || late || !stale) return load();
    app.note({ tone: "warn", title: "You drew on meanwhile.", text: "Loading replaces your drawing; undo brings it back.", decide: true,
      buttons: [{ label: "Load", act: load }, { label: "Keep mine" }] });
  };

  // A view with a step is one step of the undo stack, whatever it changes.
  const take = async (next) => {
    const step = next.step;
    if (!step || (next.doc && next.doc !== d.doc)) return show(next);
    const outside = step.undo || step.report ? app.kept.outside(step) : null;
    d.gather();
    let whole = false;
    try {
      await show(next);
      whole = true;
    } finally { d.together(whole ? step.title : null, outside); }
    app.refresh();
  };

  const show = async (next) => {
    if (next.nonce !== undefined && next.nonce === lastNonce) return;
    if (next.nonce < lastNonce && next.doc !== d.doc && welcomed) return;  // of a document that was left meanwhile
    if (next.nonce !== undefined) lastNonce = next.nonce;
    const fresh = !!next.doc && (next.doc !== d.doc || !!next.restart);
    Object.assign(app.props, next);
    const early = !welcomed && fresh && d.rev > 0;   // drawn before the server said its first word
    if (next.doc) welcomed = true;
    if (early && !next.labels_url) {                 // it is kept, and belongs to the document now
      d.doc = next.doc;
      if (next.autosave) app.unsaved();
    } else if (fresh && !next.labels_url) {
      const [w, h] = next.size || [256, 256];
      d.restart(next.doc, { w, h, bits: new Uint32Array(w * h), rev: next.base || 0 });
      view.fit();
    }
    if (fresh) app.filmFirst(false, true);
    if (fresh && !early) { ui.pinned = null; ui.dismissed = false; if (!d.finding(ui.bit) && isFinding(ui.bit)) ui.bit = 0; }
    if ("area" in next) app.area(next.area);
    if ("current" in next || "image_url" in next || fresh) {
      d.state = app.props.current || null;
      const known = (app.props.states || []).find((s) => s.id === d.state);
      const picture = await pictures.show("shown", app.props.image_url || (known && known.url) || null);
      if (picture && !next.labels_url) app.fitTo(picture);
    }
    if (next.labels_url) await loadLabels(next, fresh, next.title);
    if (next.proposal || (next.proposal === null && proposed)) {
      proposed = !!next.proposal;
      await pictures.show("preview", next.proposal ? next.proposal.image_url : null);
      app.props.caption = next.proposal ? next.proposal.text || "Proposal: accept or discard" : null;
      app.previewing(!!next.proposal);
    }
    if (next.look) app.takeSeen(next.look);
    if ("current" in next) app.filmShown();
    if (fresh && next.restart) app.command("restarted");
    app.history.compareWith();
    app.refresh();
  };
  // Views are applied one after another, in the order they came.
  t.apply = (next) => {
    applying = applying.then(() => take(next || {})).catch((error) =>
      app.note({ tone: "bad", title: "This could not be loaded.", text: error.message + " Nothing of yours was changed." }));
    return applying;
  };

  t.preview = (url, caption, fraction) => {
    if (url && typeof url === "object") ({ url, text: caption, fraction } = url);
    if (!url && caption === undefined) {
      app.history.running = null;
      app.progress(null);
      app.history.show();
      if (app.props.proposal) return Promise.resolve();   // it stays on screen until it is decided
      app.previewing(false);
      return pictures.show("preview", null);
    }
    app.props.caption = caption || null;
    const last = (app.props.states || []).at(-1), number = last ? parseInt(last.label, 10) + 1 || "" : 1;
    app.history.running = { label: (number + " running").trim(), url: url || null };
    app.progress(fraction);
    app.previewing(true);
    app.history.show();
    return url ? pictures.show("preview", url).catch(() => {}) : Promise.resolve();
  };

  // Files are the page's where it takes them (the event `files`), else the server is asked.
  t.open = async (files) => {
    if (files instanceof File) files = [files];
    if (!files || !files.length) return app.pickFile();
    const [file] = files;
    if (!app.command("files", { files })) return;
    app.note({ title: "Opening " + file.name + " ..." });
    try {
      const stored = await upload(file);
      app.note(null);
      app.ask("open", { name: file.name, file: { path: stored.path, orig_name: file.name, size: file.size, meta: { _type: "gradio.FileData" } } });
    } catch {
      app.note({ tone: "bad", title: file.name + " could not be sent.", text: "The connection failed or the file is too large. Nothing of yours was changed." });
    }
  };
  return t;
}
