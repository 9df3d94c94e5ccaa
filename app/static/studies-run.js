// Steps Freeze, Monitor, and Close, unblind, results.
(() => {
  "use strict";
  const S = window.STUDIES;
  const { make, button, card, table, field, press, at, step } = S;
  const EVERY = 5000; // ms between looks of the monitor
  const MARK = { good: ["\u2713", "ok", "done"], warn: ["!", "warn", "look at this"], bad: ["\u2715", "bad", "must be mended"], open: ["\u2013", "mute", "open"] };

  // ---- freeze -------------------------------------------------------------------------------

  S.steps.freeze = (root, s) => {
    if (s.phase !== "draft") return root.append(afterFreeze(s));
    const bad = s.before.some((one) => one.state === "bad");
    const name = field("Type the study name to freeze it", "", null);
    name.control.setAttribute("aria-label", "Study name to confirm");
    name.control.placeholder = s.study.title;
    const why = make("span", { class: "s mute", role: "status" });
    const freeze = button("Freeze the design", () => { if (ready()) step("/freeze", { name: name.control.value }); }, "pri");
    const ready = () => {
      const typed = name.control.value.trim() === s.study.title.trim();
      why.textContent = bad ? "Waits for what must be mended" : typed ? "" : "Waits for the name above";
      freeze.setAttribute("aria-disabled", String(bad || !typed));
      return !bad && typed;
    };
    name.control.addEventListener("input", ready);
    ready();
    const p = s.study.protocol;
    root.append(make("div", { class: "g2" },
      card("After this, nothing of the design can change", "Orders are drawn and stored, and all of it gets one hash. A later change is an amendment with a reason; both stay in the report.",
        table("What is frozen", ["", ""], [
          ["Order", s.size.fault || `${s.size.trials} trials for each of ${s.study.readers.length} readers, seed ${s.study.seed}`],
          ["Main result", `${p.plan.measure}, question '${p.plan.question}'`],
          ["Margin for equivalence", p.plan.measure === "rating" ? `${p.plan.margin} points` : `${Math.round(1000 * p.plan.margin) / 10} points of 100`],
          ["Left out by rule", `readers who fail ${p.plan.catch_failures} catch trials`],
          ...(p.parts.some((part) => part.questions.some((one) => one.kind === "marks")) ? [["Marks on an edit", `within its mask or ${Math.round(1000 * (p.plan.tolerance ?? 0.02)) / 10} % of the side beyond`]] : []),
          ["Repeats", `${Math.round(1000 * p.order.repeats) / 10} %, a scene ${p.order.gap} trials apart at least`]])),
      card("Before you freeze", null, make("ul", { class: "checks" }, s.before.map((one) => make("li", { class: MARK[one.state][1] },
        make("span", { "aria-hidden": "true" }, MARK[one.state][0]), make("span", { class: "unseen" }, `${MARK[one.state][2]}: `), make("span", { class: "words" }, one.step ? make("a", { href: S.link(s.id, one.step) }, one.sentence) : one.sentence)))),
      name, make("div", { class: "row" }, freeze, why))));
  };

  function afterFreeze(s) {
    return card(`Frozen ${S.when(s.frozen.at)}`, "This is what the report prints, whatever happens later.",
      table("The frozen design", ["", ""], [...s.frozen.rows, ["Design hash, SHA-256", make("span", { class: "mono s" }, s.frozen.sha256)]]),
      s.phase === "frozen" ? make("div", {}, make("p", { class: "lead" }, "Next: open the study for reading."), make("p", { class: "mute s" }, s.codes.issued_at ? "Readers can sign in from then on." : "Make the codes first, on the page Readers."),
        make("div", { class: "row" }, button("Open for reading", () => step("/open", {}), "pri"))) : null);
  }

  // ---- monitor ------------------------------------------------------------------------------

  S.steps.monitor = (root, s, head) => {
    if (s.phase === "draft") return root.append(make("p", { class: "note" }, "The study is a draft. When it is frozen and open, this page shows the work of each reader: never their accuracy."));
    head.append(make("span", { class: "mute s" }, `Hash ${s.frozen.sha256.slice(0, 8)}. ${s.phase === "unblinded" ? "" : "Accuracy stays hidden until the study is closed and unblinded."}`));
    const live = make("div", { class: "col" });
    let timer = 0, turn = 0;
    const look = async () => {
      const mine = ++turn; // a look that was overtaken sets no second timer
      clearTimeout(timer);
      const told = await S.call(at("/monitor")).catch((error) => ({ fault: error.message }));
      if (!live.isConnected || mine !== turn) return;
      if (told.fault) S.say(told.fault);
      else {
        const focused = document.activeElement?.getAttribute?.("aria-label");
        live.replaceChildren(...tiles(told), readers(told, s));
        if (focused && !document.activeElement?.isConnected) live.querySelector(`[aria-label="${CSS.escape(focused)}"]`)?.focus();
        if (told.phase !== S.study.phase) { S.take(await S.call(at())); S.render(); return; }
      }
      timer = setTimeout(look, EVERY);
    };
    S.leave = () => clearTimeout(timer);
    root.append(live, actions(s, look), amendments(s));
    look();
  };

  const bar = (done, count) => make("span", { class: "pb", "aria-hidden": "true" }, make("i", { style: `width:${count ? (100 * done) / count : 0}%` }));

  function tiles(t) {
    const tile = (title, big, small, kind = "") => make("div", { class: "card" }, make("span", { class: "mute s" }, title), make("div", { class: `big ${kind}` }, big), small);
    const whole = t.verified;
    return [make("div", { class: "g3" }, tile("Trials done", `${t.done} of ${t.count}`, bar(t.done, t.count)),
      tile("Median time a case", S.seconds(t.median), make("span", { class: "mute s" }, t.middle_half ? `middle half ${Math.round(t.middle_half[0])} to ${Math.round(t.middle_half[1])} s` : "no case yet")),
      tile("Store", whole ? "Chain intact" : "Not verified yet", make("span", { class: "mute s" }, `${t.events} events${whole ? `, checked ${S.when(whole.at)}` : ""}${t.backups.length ? `, backup ${S.when(t.backups[0].at)}` : ", no backup yet"}`), whole ? "ok" : ""))];
  }

  function readers(t, s) {
    const rows = t.readers.map((one) => {
      const failed = one.catch_failures >= t.limit;
      const note = [...one.flags, failed ? `Failed ${one.catch_failures} catch trials: left out by the rule of the plan.` : "", one.excluded ? `Left out: ${s.excluded[one.reader_id] || ""}` : ""].filter(Boolean);
      return [one.reader_id, make("div", { class: "row" }, bar(one.done, one.count), make("span", { class: "mute s nowrap" }, `${one.done} of ${one.count}`)), String(one.sessions), S.seconds(one.median_seconds),
        String(one.catch_failures), String(one.too_fast), String(one.hidden), one.last_seen ? S.when(one.last_seen) : "not yet",
        make("div", { class: "warn s" }, note.map((line) => make("div", {}, line))),
        one.excluded ? "" : button("Leave out", () => leaveOut(one.reader_id), "quiet", { "aria-label": `Leave ${one.reader_id} out` })];
    });
    return make("section", { class: "card flush" }, table("Readers", ["Reader", "Progress", "Sessions", "Median time", "Catch failed", "Too fast", "Left the tab", "Last seen", "Look at", ""], rows, ["", "wide", "n", "n", "n", "n", "n", "", "", ""]));
  }

  async function leaveOut(reader) {
    const reason = field("Reason, printed in the report", "", null, { rows: 2 });
    if (await S.confirmed(`Leave ${reader} out of the analysis?`, reason, "Leave out")) step("/exclude", { reader, reason: reason.control.value });
  }

  function actions(s, look) {
    const said = make("div", { role: "status" });
    const verify = async () => {
      said.replaceChildren(make("p", { class: "s" }, "Reading every event, order and picture."));
      const told = await press(at("/verify"), {});
      if (told) await look(); // so that what stands above says the same
      if (told) said.replaceChildren(told.faults.length ? make("div", { class: "callout bad-box" }, make("div", {}, make("b", {}, "The study is not as it was written."), make("ul", {}, told.faults.map((one) => make("li", {}, make("b", {}, `${one.where}: `), one.what))), make("span", { class: "mute s" }, "Nothing was changed by this check. Do not go on; put the file back from a backup, or rebuild it from events.jsonl (docs/studies.md)."))) : make("p", { class: "ok" }, "The study is as it was written."));
    };
    return card("Store", null, make("div", { class: "row wrap-row" }, button("Verify chain", verify), button("Back up now", () => step("/backup", {})),
      s.phase === "frozen" ? button("Open for reading", () => step("/open", {}), "pri") : null,
      s.phase === "open" ? button("Close study", () => step("/close", {}, ["Close the study?", "Readers can answer nothing from then on, and it is never opened again. Answers that were given are kept; trials that were not read are missing for good.", "Close study"]), "stop") : null), said,
    s.backups.length ? make("ul", { class: "s" }, s.backups.map((one) => make("li", {}, make("a", { href: `/api/studies${at(`/backups/${one.name}`)}` }, one.name), ` ${S.when(one.at)}`))) : make("p", { class: "mute s" }, "Backups are made at the end of every session and at the close; take them to another disk."));
  }

  function amendments(s) {
    const what = field("What is done differently", "", null, { rows: 2 });
    const why = field("Reason", "", null, { rows: 2 });
    return card("Amendments", "A change of plan after the freeze is written down beside the frozen design, and the report prints both.",
      s.amendments.length ? table("Amendments", ["At", "What", "Reason"], s.amendments.map((one) => [S.when(one.at), one.change.what || JSON.stringify(one.change), one.reason])) : make("p", { class: "mute s" }, "None."),
      what, why, make("div", { class: "row" }, button("Record the amendment", () => step("/amend", { change: what.control.value, reason: why.control.value }))));
  }

  // ---- results ------------------------------------------------------------------------------

  S.steps.results = (root, s) => {
    if (["draft", "frozen", "open"].includes(s.phase)) {
      root.append(make("p", { class: "note" }, "Results come when the study is closed and unblinded. Until then nobody is shown an accuracy, since an investigator may be a reader too."));
      if (s.phase === "open") root.append(make("p", {}, make("a", { href: S.link(s.id, "monitor") }, "Close the study on the page Monitor")));
      return;
    }
    if (s.phase === "closed") {
      root.append(card("Closed", "Note the last hash down, outside this computer: whoever has it can tell that nothing was changed since.", make("p", { class: "mono" }, s.last_hash),
        make("div", { class: "row" }, button("Unblind", () => step("/unblind", {}, ["Unblind the study?", "The truth and all results are given out, and this is recorded with the time. It cannot be taken back.", "Unblind"]), "stop"))));
      return;
    }
    root.append(reports(s));
  };

  function reports(s) {
    const making = make("p", { class: "s", role: "status" });
    const make_ = button(s.exports.length ? "Make the report again" : "Make the report", async () => {
      making.textContent = "Computing; some thousand draws take seconds.";
      make_.disabled = true;
      if (!(await step("/report", {}))) { making.textContent = ""; make_.disabled = false; }
    }, s.exports.length ? "" : "pri");
    const name = s.exports[0];
    const box = card("Report", "One page that loads nothing, with everything it was made from beside it. Every number comes again from those files: python -m app.studies analyse, and the name of the folder.", make("div", { class: "row wrap-row" }, make_), making);
    if (!name) return box;
    const base = `/api/studies${at(`/exports/${name}`)}`;
    const said = make("div", { role: "status" });
    box.querySelector(".row").append(make("a", { class: "btn pri", href: `${base}/report.html?shown=true`, target: "_blank", rel: "noopener" }, "Open to read or print"), make("a", { class: "btn", href: `${base}/all.zip`, download: "" }, "Everything as ZIP"),
      button("Verify result", async () => {
        said.replaceChildren(make("p", { class: "s" }, "Computing every number again from the tables."));
        const told = await press(at(`/exports/${name}/verify`), {});
        if (told) said.replaceChildren(make("p", { class: told.same && !told.changed.length ? "ok" : "bad" }, told.changed.length ? `Changed after the export: ${told.changed.join(", ")}.` : told.same ? "Every number came again, and every file has its checksum." : "The numbers do not come again from these tables."));
      }));
    const files = make("ul", { class: "files s" });
    const frame = make("div", { class: "paper" });
    press(at(`/exports/${name}`)).then((told) => told && files.replaceChildren(...told.files.map((one) => make("li", {}, make("a", { href: `${base}/${one.name}`, download: "" }, one.name), ` ${Math.ceil(one.bytes / 1000)} kB`))));
    fetch(`${base}/report.html?shown=true`).then((answer) => answer.text()).then((text) => {
      const page = new DOMParser().parseFromString(text, "text/html");
      const inner = frame.attachShadow({ mode: "open" });
      inner.append(...page.querySelectorAll("style"), page.querySelector("main"));
    });
    box.append(said, make("details", {}, make("summary", {}, "Files"), files));
    return make("div", { class: "col" }, box, make("section", { "aria-label": "The report" }, frame));
  }
})();
