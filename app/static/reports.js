// What the report says, one row a statement, laid beside the drawing; and the words of a finding as
// the model reads them. Both are read by the server, with the engine's own parser. Loaded after
// asking.js.
(() => {
  "use strict";
  const XREAL = (window.XREAL = window.XREAL || {});
  const page = XREAL.page;
  const { $, say, ask } = page;
  const TYPED_MS = 500;
  const MARKS = { tick: ["\u2713", "fits the drawing"], dash: ["\u2013", "nothing to draw"], open: ["!", "not drawn"] };
  let waiting = 0, asked = 0, last = "";

  const post = async (url, body) =>
    (await ask(url, {
      method: "POST", body: JSON.stringify(body), headers: { "Content-Type": "application/json" },
    })).json();
  page.post = post;

  const drawn = () => {
    const now = page.summary(), measures = XREAL.canvas ? XREAL.canvas.measures() : {};
    return {
      ratio: measures.ratio === undefined ? null : measures.ratio,
      findings: (now.findings || []).filter((f) => f.pixels).map((f) => ({
        letter: f.letter, words: f.words,
        side: (f.place && f.place.side) || null, zone: (f.place && f.place.zone) || null,
      })),
    };
  };

  // Half a second after the last letter or stroke; the newest answer wins.
  page.readReport = () => {
    clearTimeout(waiting);
    waiting = setTimeout(read, TYPED_MS);
  };

  async function read() {
    const box = $("#report textarea");
    if (!box || !page.engine) return; // page.js is still to come
    const engine = page.engine();
    const told = { text: box.value, ...drawn() };
    const key = JSON.stringify(told) + engine.state + engine.name;
    if (key === last || engine.state !== "ready") return;
    const mine = ++asked;
    try {
      const answer = told.text.trim() ? await post("/api/report", told) : { rows: [], ignored: [] };
      if (mine !== asked) return;
      last = key;
      show(answer);
    } catch {
      if (mine === asked) setTimeout(page.readReport, 2000); // the server is away; it comes back
    }
  }

  function show({ rows, ignored }) {
    $("#statements").hidden = !rows.length;
    $("#statements .read").replaceChildren(...rows.map(row));
    const engine = page.engine(), known = engine.reads || [];
    const reads = engine.free_text ? "This model reads free text."
      : rows.length ? "" : `This model knows: ${known.join(", ")}. Other words are named and left out.`;
    say("report-words", ignored.length ? `Other words are ignored: ${ignored.join(", ")}.` : reads);
  }

  function row({ mark, text, note, draw }) {
    const item = document.createElement("div");
    item.setAttribute("role", "listitem");
    item.dataset.mark = mark;
    const sign = document.createElement("b"), said = document.createElement("span");
    sign.textContent = MARKS[mark][0];
    sign.setAttribute("role", "img");
    sign.setAttribute("aria-label", MARKS[mark][1]);
    said.textContent = text;
    item.append(sign, said, draw ? drawButton(text, note, draw) : side(note));
    return item;
  }

  function side(note) {
    const node = document.createElement("span");
    node.className = "note-of";
    node.textContent = note;
    return node;
  }

  function drawButton(text, note, offer) {
    const box = document.createElement("span"), button = document.createElement("button");
    box.className = "note-of";
    if (note !== "not drawn") box.append(side(note));
    button.type = "button";
    button.className = "btn";
    button.textContent = "Draw region";
    button.setAttribute("aria-label", "Draw " + text);
    button.title = "Proposes a region to accept or discard; nothing is drawn unasked";
    button.addEventListener("click", () => propose(text, offer));
    box.append(button);
    return box;
  }

  const SOURCES = {
    drawing: "Computed from the organs you drew.",
    picture: "No lungs are drawn: computed from the organs in the picture.",
    template: "No lungs are drawn: computed from the template.",
  };

  async function propose(text, offer) {
    const canvas = XREAL.canvas;
    if (!canvas) return;
    try {
      const answer = await post("/api/region", { ...offer, drawing: await canvas.flush() });
      const where = offer.side || offer.finding === "cardiomegaly" ? "" : " No side is said.";
      await canvas.offer({
        url: answer.labels, words: offer.words, title: `Region for ${text}`,
        text: SOURCES[answer.from] + where + " Accept (Enter) or discard (Backspace).",
      });
      canvas.focus();
    } catch (fault) {
      page.note({ text: fault.message, tone: "warn" });
    }
  }

  document.addEventListener("input", (event) => {
    if (event.target.closest && event.target.closest("#report")) page.readReport();
  });
  document.addEventListener("xreal", (event) => {
    if (event.detail && event.detail.kind === "changed") page.readReport();
  });
})();
