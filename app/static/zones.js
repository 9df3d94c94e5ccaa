// What an edit may change: the zone in pixels, the finding it is about, its side, zone and words.
// Loaded after details.js.
(() => {
  "use strict";
  const XREAL = (window.XREAL = window.XREAL || {});
  const page = XREAL.page;
  const { $, say } = page;
  const ERASE = 28, TYPED_MS = 300;
  const read = new Map(); // words -> how the model reads them
  let shown = "", drawnSide = 0, waiting = 0, feathered = false;

  const canvas = () => XREAL.canvas || null;

  page.sides = () => ({
    top: page.number("add-top"), right: page.number("add-right"),
    left: page.number("add-left"), bottom: page.number("add-bottom"),
  });

  // The sentence why these words cannot be run, as far as they were read already.
  page.refused = (words) => (read.get(words.trim()) || {}).refused || null;

  // ---- the zone -----------------------------------------------------------------------------

  page.showZones = () => {
    if (!canvas()) return;
    for (const slider of document.querySelectorAll(".px:not([title])")) {
      slider.title = slider.querySelector(".info-text")?.textContent || "";
    }
    const verb = page.asked(), now = page.summary();
    const bits = verb === "Insert" ? page.findings().map((f) => f.bit) : verb === "Erase" ? [ERASE] : [];
    const grow = page.number(verb === "Insert" ? "insert-grow" : "erase-grow");
    const zone = bits.length && now.picture ? { bits, grow, always: verb === "Insert" } : null;
    const key = JSON.stringify(zone) + now.doc;
    if (key !== shown) {
      shown = key;
      canvas().zone(zone);
      if (!zone) count(0, 0);
    }
    const undecided = (page.engine().proposals || []).includes(String(now.state));
    const outpaints = verb === "Outpaint" && now.picture && !undecided;
    canvas().frame(outpaints ? page.sides() : null);
    const s = page.sides();
    say("outpaint-size", now.picture ? `${now.w} x ${now.h} \u2192 ${now.w + s.right + s.left} x ${now.h + s.top + s.bottom}` : "");
    feather(now);
    showFinding(now);
  };

  function count(pixels, share) {
    const text = pixels ? `${pixels.toLocaleString("en-US")} px, ${(100 * share).toFixed(1)} %` : "nothing painted";
    for (const node of document.querySelectorAll(".zone-count")) if (node.textContent !== text) node.textContent = text;
  }
  document.addEventListener("xreal", (event) => {
    if (event.detail && event.detail.kind === "zone") count(event.detail.pixels, event.detail.share);
  });

  // Until somebody sets it, the feather of an insertion is 1/64 of the picture's longer side.
  function feather(now) {
    const side = Math.max(now.w || 0, now.h || 0);
    if (feathered || !now.picture || side === drawnSide) return;
    drawnSide = side;
    page.set("insert-feather", Math.min(64, Math.round(side / 64)));
  }
  document.addEventListener("input", (event) => {
    if (!page.setting && event.target.closest && event.target.closest("#insert-feather")) feathered = true;
  });

  // ---- the finding that is chosen ----------------------------------------------------------------

  const capital = (word) => word[0].toUpperCase() + word.slice(1);

  function showFinding(now) {
    const finding = page.finding(now);
    const panel = $("#ask");
    if (panel) panel.dataset.change = (page.checked("change") || "Insert").toLowerCase();
    say("finding-title", finding ? `Finding for ${finding.letter}` : "Finding");
    const place = (finding && finding.place) || {};
    const share = place.share ? `painted, ${(100 * place.share).toFixed(0)} % of ${place.side} lung` : finding && finding.pixels ? "painted" : "not painted";
    say("finding-share", finding ? share : "");
    const words = finding ? finding.words.trim() : "";
    for (const f of now.findings || []) ask(f.words.trim());
    const reading = read.get(words) || {};
    places("side", page.engine().sides || [], place.side, reading.side, finding);
    places("part", page.engine().zones || [], place.zone, reading.zone, finding);
    strength(finding, reading);
    picked(finding, reading);
    warn(place, reading);
    sayWords(reading);
  }

  // The picker shows the model's own word for what the words say.
  function picked(finding, reading) {
    const box = $("#finding input");
    if (!box || document.activeElement === box) return;
    const word = finding && reading.finding ? reading.finding : finding && page.engine().free_text ? finding.words : "";
    if (box.value !== word) box.value = word;
  }

  function places(id, known, drawn, said, finding) {
    const box = $(`#${id}`);
    if (!box) return;
    const name = id === "side" ? "side" : "zone";
    const first = drawn ? `${capital(drawn)} (from drawing)` : `${capital(name)} from drawing`;
    const key = [first, ...known].join("|");
    if (box.dataset.key !== key) {
      box.dataset.key = key;
      box.replaceChildren(new Option(first, ""), ...known.map((k) => new Option(capital(k), k)));
    }
    if (document.activeElement !== box) box.value = said || "";
    box.disabled = !finding;
    box.hidden = !known.length;
    box.title = `The ${name} of the finding; from the drawing unless you choose one`;
  }

  // Shown where the models obey one for this finding; it lies beside the words of the region.
  function strength(finding, reading) {
    const line = $("#strength-line"), slider = $("#strength");
    if (!line) return;
    line.hidden = !finding || !(page.engine().strengths || []).includes(reading.finding);
    if (finding && document.activeElement !== slider) slider.value = finding.strength ?? 1;
    sayStrength(slider);
  }
  function sayStrength(slider) {
    const value = Number(slider.value);
    const text = value === 0 ? "model's own" : `${value.toFixed(1)} x`;
    say("strength-value", text);
    slider.setAttribute("aria-valuetext", text);
  }
  document.addEventListener("input", (event) => {
    if (event.target.id === "strength") sayStrength(event.target);
  });
  document.addEventListener("change", (event) => {
    if (event.target.id !== "strength" || !canvas()) return;
    const finding = page.finding();
    if (finding) canvas().strength(finding.bit, Number(event.target.value));
  });

  function warn(place, reading) {
    const off = [];
    if (place.side && reading.side && reading.side !== "both" && reading.side !== place.side) off.push([reading.side, place.side]);
    if (place.zone && reading.zone && reading.zone !== place.zone) off.push([reading.zone, place.zone]);
    const asked = off.map((o) => o[0]).join(" "), lies = off.map((o) => o[1]).join(" ");
    say("place-warning", off.length ? `The words say ${asked}, but the region lies ${lies}.` : "");
  }

  function sayWords(reading) {
    const engine = page.engine(), known = engine.inserts || [];
    const reads = engine.free_text ? "This model reads free text."
      : `This model knows ${known.length} findings and reads side and zone.`;
    const nearest = (reading.nearest || []).map(([said, drawn]) => `"${said}" is drawn as "${drawn}".`);
    const ignored = reading.ignored && reading.ignored.length
      ? `Other words are ignored: ${reading.ignored.map((w) => w.replace(/^(.+?)( \(.+\?\))?$/, '"$1"$2')).join(", ")}.` : "";
    const line = $("#words-read");
    if (line) line.classList.toggle("bad", !!reading.refused);
    say("words-read", reading.refused || [reads, ...nearest, ignored].filter(Boolean).join(" "));
  }

  // Words are read by the server, with the engine's own reading, a moment after they are typed.
  const unread = new Set();
  function ask(words) {
    if (!words || read.has(words) || page.engine().state !== "ready") return;
    unread.add(words);
    clearTimeout(waiting);
    waiting = setTimeout(readAll, TYPED_MS);
  }
  async function readAll() {
    const all = [...unread];
    unread.clear();
    try {
      for (const words of all) read.set(words, await page.post("/api/words", { words }));
      while (read.size > 300) read.delete(read.keys().next().value);
    } catch {
      return; // the server is away: they are asked for again with the next change
    }
    page.describe();
  }
  page.forgetWords = () => read.clear();

  // Heard before anything else hears it: showing the panel anew would take the choice back.
  document.addEventListener("input", async (event) => {
    if (event.target.id !== "side" && event.target.id !== "part") return;
    event.stopPropagation();
    const finding = page.finding();
    if (!finding || !canvas()) return;
    try {
      const answer = await page.post("/api/words", {
        words: finding.words, side: $("#side").value || null, zone: $("#part").value || null,
      });
      read.set(answer.words.trim(), answer);
      canvas().words(finding.bit, answer.words);
    } catch (fault) {
      page.note({ text: fault.message, tone: "warn" });
    }
  }, true);
})();
