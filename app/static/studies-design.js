// Steps Protocol and Questions: the same protocol as a form and as YAML.
(() => {
  "use strict";
  const S = window.STUDIES;
  const { make, button, card, field, save, frozen, frozenNote } = S;
  const KINDS = [["scale", "Scale of anchors"], ["choice", "One of several"], ["yes_no", "Yes or no"], ["tags", "Several of several"],
    ["marks", "Marks on the picture"], ["text", "Free text"], ["side", "Left or right"]];
  const MEASURES = [["accuracy", "Accuracy (real or synthetic)"], ["rating", "Difference of ratings"], ["preference", "Preference"]];
  let shown = "form";

  // ---- protocol -----------------------------------------------------------------------------

  S.steps.protocol = (root, s, head) => {
    const fixed = frozen();
    const tabs = make("div", { class: "seg", role: "group", "aria-label": "Shown as" }, [["form", "Form"], ["yaml", "YAML"]].map(([key, name]) =>
      button(name, () => { shown = key; S.render(); }, "", { "aria-pressed": String(shown === key) })));
    head.append(make("span", { class: "mute s" }, s.study.protocol.title), tabs);
    root.append(...[frozenNote(), shown === "yaml" ? asYaml(s, fixed) : asForm(s, fixed)].filter(Boolean));
  };

  function asForm(s, fixed) {
    const p = structuredClone(s.study.protocol);
    const o = p.order;
    const plan = p.plan;
    const keep = () => save({ protocol: p });
    const off = { disabled: fixed };
    const whole = (target, name) => (value) => { target[name] = Math.round(value); keep(); };
    const questions = () => p.parts.find((part) => part.name === plan.part).questions;
    const marked = p.parts.some((part) => part.questions.some((one) => one.kind === "marks"));
    return make("div", { class: "g2" },
      card("The study", null,
        field("Title, for investigators", s.study.title, (v) => save({ title: v }), off),
        field("Title that readers see", s.study.shown_title, (v) => save({ shown_title: v }), { ...off, help: "It must not say what is tested." }),
        field("Ethics approval or waiver", s.study.ethics, (v) => save({ ethics: v }), { ...off, help: "Printed in the report. Reader studies usually need one." }),
        field("Seed of all orders", s.study.seed, (v) => save({ seed: v }), { ...off, kind: "number", min: 0 })),
      card("Words for readers", null,
        field("Instructions", p.instructions, (v) => { p.instructions = v; keep(); }, { ...off, rows: 4 }),
        field("Consent", p.consent, (v) => { p.consent = v; keep(); }, { ...off, rows: 5 }),
        field("Tell after each practice case what it was", p.feedback, (v) => { p.feedback = v; keep(); }, { ...off, kind: "checkbox", help: "Only in practice; clues raise accuracy." }),
        field("At the end", p.finish, (v) => { p.finish = v; keep(); }, { ...off, rows: 2 })),
      card("Order of trials", "Drawn for each reader from the seed, stored at the freeze, never drawn again.",
        field("Repeats, % of trials", Math.round(1000 * o.repeats) / 10, (v) => { o.repeats = v / 100; keep(); }, { ...off, kind: "number", min: 0, max: 50, step: 0.5, help: "For agreement of readers with themselves; they count in nothing else." }),
        field("Pictures of one scene at least so many trials apart", o.gap, whole(o, "gap"), { ...off, kind: "number", min: 1 }),
        field("Trials between breaks", o.block, whole(o, "block"), { ...off, kind: "number", min: 2, max: 200 }),
        field("Trials of a session", o.session, whole(o, "session"), { ...off, kind: "number", min: 2, help: "60 to 80 at most; readers tire." }),
        field("One source after the other, in a Williams square", o.by_source, (v) => { o.by_source = v; keep(); }, { ...off, kind: "checkbox" })),
      card("Statistical plan", "Fixed at the freeze, printed in the report.",
        field("Main result", plan.measure, (v) => { plan.measure = v; keep(); }, { ...off, options: MEASURES }),
        field("Part", plan.part, (v) => { plan.part = v; plan.question = questions()[0].name; keep().then(() => S.render()); }, { ...off, options: p.parts.map((one) => [one.name, one.name]) }),
        field("Question", plan.question, (v) => { plan.question = v; keep(); }, { ...off, options: questions().map((one) => [one.name, `${one.name}: ${one.text}`]) }),
        field(plan.measure === "rating" ? "Margin for equivalence, points" : "Margin for equivalence, share", plan.margin, (v) => { plan.margin = v; keep(); }, { ...off, kind: "number", min: 0, step: 0.01, help: "0.1 means 40 to 60 % for an accuracy. A result that does not differ from guessing is no equivalence." }),
        field("Confidence, %", Math.round(1000 * plan.confidence) / 10, (v) => { plan.confidence = v / 100; keep(); }, { ...off, kind: "number", min: 51, max: 99.9, step: 0.1 }),
        field("Readers are left out who fail so many catch trials", plan.catch_failures, whole(plan, "catch_failures"), { ...off, kind: "number", min: 1 }),
        marked ? field("A mark counts this far beyond the mask of an edit, % of the side", Math.round(1000 * (plan.tolerance ?? 0.02)) / 10, (v) => { plan.tolerance = v / 100; keep(); }, { ...off, kind: "number", min: 0, max: 20, step: 0.5, help: "2 % is 8 mm of a film 40 cm wide. The report shows none and twice as much beside it." }) : null));
  }

  function asYaml(s, fixed) {
    const text = make("textarea", { class: "field yaml", rows: 30, spellcheck: false, readOnly: fixed, "aria-label": "Protocol as YAML", "aria-describedby": "yaml-fault" });
    text.value = s.yaml;
    const fault = make("p", { class: "bad", id: "yaml-fault", role: "status" });
    const numbers = make("pre", { class: "numbers", "aria-hidden": "true" });
    const count = () => { numbers.textContent = text.value.split("\n").map((_, n) => n + 1).join("\n"); };
    text.addEventListener("input", count);
    text.addEventListener("scroll", () => { numbers.scrollTop = text.scrollTop; });
    count();
    const keep = async () => {
      const error = await save({ yaml: text.value });
      text.setAttribute("aria-invalid", String(Boolean(error)));
      fault.textContent = error ? error.message : "Kept.";
      if (!error) { text.value = S.study.yaml; count(); }
      if (error?.line) toLine(text, error.line);
    };
    return card("As YAML", "The same protocol as a file: for a colleague, for a repository, for what the form does not show. An error names its line; nothing is kept until the whole is right.",
      make("div", { class: "editor" }, numbers, text), fault, fixed ? null : make("div", { class: "row" }, button("Keep this protocol", keep, "pri"), button("Back to what is kept", () => S.render())));
  }

  // Marks the line, and brings it into view.
  function toLine(text, line) {
    const lines = text.value.split("\n");
    const from = lines.slice(0, line - 1).join("\n").length + (line > 1 ? 1 : 0);
    text.focus();
    text.setSelectionRange(from, from + (lines[line - 1] || "").length);
    text.scrollTop = Math.max(0, (text.scrollHeight * (line - 4)) / lines.length);
  }

  // ---- questions ----------------------------------------------------------------------------

  S.steps.questions = (root, s) => {
    const fixed = frozen();
    const p = structuredClone(s.study.protocol);
    const keep = () => save({ protocol: p });
    const changed = () => keep().then((error) => { if (!error) S.render(); });
    if (fixed) root.append(frozenNote());
    p.parts.forEach((part, n) => {
      const about = { single: "One picture at a time", pair: "Two pictures side by side", edit: "A picture before and after an edit" }[part.kind];
      root.append(card(`Part ${n + 1}: ${part.name}`, `${about}. Ratings come before the question of real or synthetic, since that colours them.`,
        field("Read before this part begins", part.before, (v) => { part.before = v; keep(); }, { rows: 2, disabled: fixed, help: p.parts.length > 1 && n ? "The disclosure: readers get it when they have done the part before, not earlier." : "" }),
        part.questions.map((one, k) => question(part, one, k, keep, changed, fixed)),
        fixed ? null : make("div", { class: "row" }, button("Add a question", () => { part.questions.push(fresh(part)); changed(); }))));
    });
  };

  const fresh = (part) => {
    let n = part.questions.length + 1;
    while (part.questions.some((one) => one.name === `question-${n}`)) n += 1;
    return { name: `question-${n}`, kind: "text", text: "Remark", anchors: [], required: false, most: 0, tie: false, positive_from: 0 };
  };

  function question(part, one, k, keep, changed, fixed) {
    const listed = ["scale", "choice", "tags", "marks"].includes(one.kind);
    const move = (by) => { part.questions.splice(k + by, 0, ...part.questions.splice(k, 1)); changed(); };
    const off = { disabled: fixed };
    return make("fieldset", { class: "question" }, make("legend", {}, `${k + 1}. ${one.text}`),
      make("div", { class: "g2" },
        field("Words of the question", one.text, (v) => { one.text = v; keep(); }, off),
        field("Kind of answer", one.kind, (v) => {
          one.kind = v;
          one.positive_from = 0;
          one.tie = false;
          one.most = v === "marks" ? 5 : 0;
          const wants = ["scale", "choice", "tags"].includes(v);
          one.anchors = wants ? (one.anchors.length > 1 ? one.anchors : ["first anchor", "second anchor"]) : v === "marks" ? one.anchors : [];
          changed();
        }, { ...off, options: KINDS })),
      listed ? field(one.kind === "marks" ? "Reasons to choose from, one a line" : one.kind === "scale" ? "Anchors in words, one a line, from 1 up" : "Answers, one a line", one.anchors.join("\n"),
        (v) => { one.anchors = v.split("\n").map((a) => a.trim()).filter(Boolean); keep(); }, { ...off, rows: Math.max(3, one.anchors.length) }) : null,
      make("div", { class: "row wrap-row" },
        field("Name in the tables", one.name, (v) => { one.name = v; keep(); }, off),
        one.kind === "marks" ? field("At most so many marks", one.most, (v) => { one.most = Math.round(v); keep(); }, { ...off, kind: "number", min: 1, max: 50 }) : null,
        one.kind === "scale" ? field("Says synthetic from step", one.positive_from, (v) => { one.positive_from = Math.round(v); keep(); }, { ...off, kind: "number", min: 0, help: "0: it decides nothing" }) : null,
        one.kind === "side" ? field("A tie is allowed", one.tie, (v) => { one.tie = v; keep(); }, { ...off, kind: "checkbox" }) : null,
        field("Must be answered", one.required, (v) => { one.required = v; keep(); }, { ...off, kind: "checkbox" })),
      fixed ? null : make("div", { class: "row" },
        button("Up", () => move(-1), "quiet", { disabled: k === 0, "aria-label": `Move ${one.name} up` }),
        button("Down", () => move(1), "quiet", { disabled: k === part.questions.length - 1, "aria-label": `Move ${one.name} down` }),
        button("Remove", () => { part.questions.splice(k, 1); changed(); }, "quiet", { "aria-label": `Remove ${one.name}` })));
  }
})();
