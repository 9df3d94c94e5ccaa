// Steps Size, Readers and codes, Preview and pilot.
(() => {
  "use strict";
  const S = window.STUDIES;
  const { make, button, card, table, field, press, at, save, frozen, frozenNote } = S;
  const YEARS = ["", "resident", "up to 5", "6 to 10", "11 to 20", "over 20"];
  const NS = "http://www.w3.org/2000/svg";

  // ---- size ---------------------------------------------------------------------------------

  S.steps.size = (root, s) => {
    const size = s.size;
    const asked = { readers: Math.max(2, s.study.readers.length), cases: size.cases || 120, reader_sd: 0.5, case_sd: 1 };
    const rating = s.study.protocol.plan.measure === "rating";
    const answer = make("div", { class: "col", "aria-live": "polite" });
    const ask = async () => {
      answer.replaceChildren(make("p", { class: "note" }, "Simulating some thousand studies of this size."));
      const told = await press(at(`/power?${new URLSearchParams(asked)}`));
      answer.replaceChildren(...(told ? shown(told, asked) : []));
    };
    const set = (key) => (value) => { asked[key] = value; };
    const now = size.fault ? size.fault : `As it stands: ${size.readers} readers, ${size.cases} ${size.cases === 1 ? "item" : "items"} counted in the main result, ${size.trials} trials each (${size.repeats} repeats, ${size.catch} catch trials), ${size.sessions} ${size.sessions === 1 ? "session" : "sessions"}, about ${size.minutes} minutes in all.`;
    root.append(make("p", { class: "note" }, now), make("div", { class: "g2 uneven" },
      card("A size to try", "Readers and pictures stand for all like them, so both are random; how much they differ is an assumption until a pilot tells.",
        field("Readers", asked.readers, set("readers"), { kind: "number", min: 2, max: 100 }),
        field(rating ? "Pictures of the two sources together" : "Pictures, or pairs", asked.cases, set("cases"), { kind: "number", min: 8, max: 2000 }),
        field(rating ? "Spread of readers, points" : "Spread of readers, logit", asked.reader_sd, set("reader_sd"), { kind: "number", min: 0, max: 3, step: 0.1, help: rating ? "Standard deviation of how strict readers are." : "0.3 alike, 0.5 usual, 0.8 mixed experience." }),
        field(rating ? "Spread of pictures, points" : "Spread of pictures, logit", asked.case_sd, set("case_sd"), { kind: "number", min: 0, max: 3, step: 0.1, help: rating ? "" : "0.5 alike, 1.0 usual." }),
        make("div", { class: "row" }, button("What would it show?", ask, "pri"))),
      answer));
    if (S.auto !== s.id) ask();
  };

  function shown(told, asked) {
    const share = told.unit === "share";
    const say = (v) => (share ? `${Math.round(100 * v)} %` : v.toFixed(2));
    const rows = told.rows.map((one) => [say(one.true), `${say(one.low)} to ${say(one.high)}`, `${Math.round(100 * one.differs)} %`, `${Math.round(100 * one.equivalent)} %`]);
    const [first, ...more] = told.told;
    return [card("What this size can show", `${asked.readers} readers, ${asked.cases} pictures; margin ${share ? `${Math.round(100 * told.margin)} points` : `${told.margin} points`}, fixed at the freeze`,
      chart(told, share), make("p", { class: "lead" }, first), make("ul", { class: "said" }, more.map((one) => make("li", {}, one)))),
    card("If it is true", `${told.studies} simulated studies a row, each analysed as yours will be (Obuchowski-Rockette).`,
      table("Power", [share ? "True accuracy" : "True difference", "Interval to expect", share ? "Told from guessing" : "Told from none", "Shown equivalent"], rows, ["", "", "n", "n"]))];
  }

  // Expected intervals by true value, with the band of equivalence.
  function chart(told, share) {
    const [low, high] = share ? [0.2, 1] : [-1, 2];
    const W = 560;
    const H = 34 + 22 * told.rows.length;
    const x = (v) => 110 + ((Math.min(high, Math.max(low, v)) - low) / (high - low)) * (W - 130);
    const centre = share ? 0.5 : 0;
    const svg = document.createElementNS(NS, "svg");
    const add = (tag, attributes, text) => {
      const node = document.createElementNS(NS, tag);
      for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
      if (text !== undefined) node.textContent = text;
      svg.append(node);
    };
    svg.setAttribute("viewBox", `0 0 ${W} ${H}`);
    svg.setAttribute("class", "p");
    svg.setAttribute("role", "img");
    svg.setAttribute("aria-label", "Intervals to expect, by what is true; the same numbers are in the table");
    add("rect", { x: x(centre - told.margin), y: 2, width: x(centre + told.margin) - x(centre - told.margin), height: H - 28, class: "band" });
    add("line", { x1: x(centre), x2: x(centre), y1: 2, y2: H - 26, class: "dash" });
    for (let v = low; v <= high + 1e-9; v += share ? 0.1 : 0.5) add("text", { x: x(v), y: H - 8, "text-anchor": "middle" }, share ? `${Math.round(100 * v)} %` : v.toFixed(1));
    told.rows.forEach((one, n) => {
      const y = 16 + 22 * n;
      add("text", { x: 100, y: y + 4, "text-anchor": "end", class: "t" }, `true ${share ? `${Math.round(100 * one.true)} %` : one.true}`);
      add("line", { x1: x(one.low), x2: x(one.high), y1: y, y2: y, class: one.equivalent >= 0.8 || one.differs >= 0.8 ? "sure" : "unsure" });
      add("circle", { cx: x(one.true), cy: y, r: 4, class: "dot" });
    });
    return svg;
  }

  // ---- readers and codes --------------------------------------------------------------------

  S.steps.readers = (root, s) => {
    const fixed = frozen();
    const people = structuredClone(s.study.readers);
    const keep = (again) => save({ readers: people }).then((error) => { if (!error && again) S.render(); });
    if (fixed) root.append(frozenNote());
    const rows = people.map((one, n) => [one.reader_id,
      control(field("Years", one.years, (v) => { one.years = v; keep(); }, { options: YEARS.map((y) => [y, y || "not given"]), disabled: fixed }), `Years of ${one.reader_id}`),
      control(field("Specialty", one.specialty, (v) => { one.specialty = v; keep(); }, { disabled: fixed }), `Specialty of ${one.reader_id}`),
      control(field("", one.independent, (v) => { one.independent = v; keep(); }, { kind: "checkbox", disabled: fixed }), `${one.reader_id} is independent of the developers`),
      s.codes.readers.includes(one.reader_id) ? "issued" : "-",
      make("div", { class: "row" }, button("New code", () => issue([one.reader_id]), "quiet", { "aria-label": `New code for ${one.reader_id}` }),
        fixed ? null : button("Remove", () => { people.splice(n, 1); keep(true); }, "quiet", { "aria-label": `Remove ${one.reader_id}` }))]);
    const cards = make("div", { class: "cards", id: "cards" });
    const issue = async (only) => {
      if (!only.length && s.codes.issued_at && !(await S.confirmed("New codes for all readers?", "The cards that were given out end at once, and readers who are in the middle of a session sign in anew. Their answers stay.", "Make new codes"))) return;
      const told = await press(at("/codes"), { readers: only });
      if (!told) return;
      S.take(await S.call(at()));
      S.render(); // the table says that they are issued, and another press asks before it ends them
      showCards(S.$("#cards"), told.codes, S.study);
    };
    root.append(
      card("Readers", "By number only: names stay on your own list, outside this program. Years and specialty are printed in the report.",
        table("Readers", ["Number", "Years of reading", "Specialty", "Independent of the developers", "Code", ""], rows),
        fixed ? null : make("div", { class: "row" }, button("Add a reader", () => { people.push({ reader_id: free(people), years: "", specialty: "", independent: true }); keep(true); }))),
      card("Codes and cards", s.codes.issued_at ? `Codes were made ${S.when(s.codes.issued_at)}. Only their hashes are kept: a lost card is replaced by a new code.` : "A code is shown once, here, and kept as a hash only. Print the cards or write the codes down before you leave this page.",
        make("div", { class: "row" }, button(s.codes.issued_at ? "Make new codes for all" : "Make codes and cards", () => issue([]), s.codes.issued_at ? "" : "pri", { disabled: !people.length })), cards));
  };

  const control = (box, label) => {
    box.control.setAttribute("aria-label", label);
    return box.control;
  };

  function free(people) {
    let n = 1;
    const name = () => `R${String(n).padStart(2, "0")}`;
    while (people.some((one) => one.reader_id === name())) n += 1;
    return name();
  }

  function showCards(place, codes, study) {
    const url = `${location.origin}/read`;
    const one = ([reader, code]) => make("article", { class: "code-card" }, make("h3", {}, study.study.shown_title), make("p", {}, "Reader ", make("b", {}, reader)),
      make("p", { class: "code mono" }, code), make("p", { class: "s" }, `Open ${url} and type this code. You can stop at any time and go on later, at the same case, with the same code.`),
      make("p", { class: "s" }, "Research only, not for diagnosis. Do not discuss the cases before the study is closed."));
    const all = Object.entries(codes);
    place.replaceChildren(make("p", { class: "warn", role: "status" }, "These codes are shown now and never again."), make("div", { class: "row" }, button("Print the cards", () => print(), "pri")), make("div", { class: "card-grid" }, all.map(one)));
    S.$("#print").replaceChildren(...all.map(one));
    S.leave = () => S.$("#print").replaceChildren();
    place.querySelector("button").focus();
  }
  S.showCards = showCards;

  // ---- preview and pilot --------------------------------------------------------------------

  S.steps.preview = async (root, s) => {
    const pilot = card("Pilot", "A frozen copy for the first reader, with a code of its own. Its answers are marked as a pilot and belong to no other study. Watch somebody read it: are the questions understood, how long does a case take?",
      make("div", { class: "row" }, button("Begin a pilot", async () => {
        const told = await press(at("/pilot"), {});
        if (!told) return;
        S.take(await S.call(at()));
        const place = make("div", { class: "cards" });
        pilot.append(place);
        showCards(place, told.codes, S.study);
      }, "", { disabled: frozen() })), s.pilots.length ? make("ul", {}, s.pilots.map((one) => make("li", {}, make("a", { href: S.link(one, "monitor") }, one)))) : null);
    const place = make("div", {}, make("p", { class: "note" }, "Drawing the orders."));
    root.append(place, pilot);
    const told = await press(at("/preview"));
    if (!place.isConnected) return;
    place.replaceChildren(told ? previewed(told) : make("p", { class: "note" }, "No order of trials can be made yet."));
  };

  function previewed(told) {
    let n = -1;
    const seen = new Set();
    const stage = make("div", { class: "stage" });
    const where = make("span", { class: "mute s", role: "status" });
    const back = button("Back", () => move(-1));
    const next = button("Next", () => move(1), "pri");
    const enough = Math.min(told.enough, told.trials.length);
    const move = async (by) => {
      n = Math.min(told.trials.length - 1, Math.max(-1, n + by));
      const trial = told.trials[n];
      where.textContent = trial ? `Case ${trial.number} of ${told.trials.length}${trial.practice ? ", practice" : ""}, session ${trial.session}` : "Before the first case";
      back.disabled = n < 0;
      next.disabled = n === told.trials.length - 1;
      stage.replaceChildren(...(trial ? asShown(told, trial, told.trials[n - 1]) : [make("h3", {}, told.title), make("p", {}, told.consent), make("p", {}, told.instructions)]));
      if (trial) seen.add(n);
      if (seen.size === enough && by) {
        const kept = await press(at("/previewed"), { trials: seen.size });
        if (!kept || S.study?.id !== kept.id) return;
        S.take(kept);
        if (S.$("[data-step=freeze]")) S.render(); // the list there was made before this was kept
      }
    };
    move(0);
    return card("As a reader sees it", `Words, pictures and order as they would be frozen now. Nothing is answered here. ${enough} cases count as a preview.`, make("div", { class: "row" }, back, next, where), stage);
  }

  function asShown(told, trial, before) {
    const part = told.parts[trial.part];
    const opens = !before || before.part !== trial.part;
    return [opens && part.before ? make("p", { class: "note" }, part.before) : "",
      make("div", { class: "shown" }, trial.pictures.map((sha, k) => (sha ? make("img", { src: `/api/studies${at(`/pictures/${sha}.png`)}`, alt: trial.pictures.length > 1 ? `Picture ${k + 1}` : "Picture" }) : make("div", { class: "none" }, "no picture")))),
      ...part.questions.map((one) => make("fieldset", { class: "question" }, make("legend", {}, one.text.replaceAll("{finding}", trial.finding) + (one.required ? "" : " (may be left out)")), answers(one)))];
  }

  function answers(one) {
    const words = { yes_no: ["yes", "no"], side: ["Picture 1", ...(one.tie ? ["no difference"] : []), "Picture 2"] }[one.kind] || one.anchors;
    if (one.kind === "text") return make("p", { class: "mute s" }, "a line of text");
    const list = make("ol", { class: one.kind === "scale" ? "scale" : "plain" }, words.map((word) => make("li", {}, word)));
    return one.kind === "marks" ? make("div", {}, make("p", { class: "mute s" }, `up to ${one.most} marks on the picture`), list) : list;
  }
})();
