// The filmstrip: states come from the server, the canvas shows them and reports what is chosen.

function makeHistory(app) {
  const { $, d, ui, pictures, view } = app;
  const strip = $(".ths"), h = { running: null };
  const states = () => app.props.states || [];
  const byId = (id) => states().find((s) => s.id === id);

  // B: the pinned state, else what the chosen one was made from, else the one before it.
  h.other = () => {
    const now = byId(d.state);
    if (!now) return null;
    const at = states().indexOf(now);
    const wanted = [ui.pinned, now.parent, at > 0 ? states()[at - 1].id : null].map(byId);
    return wanted.find((s) => s && s !== now && s.url) || null;
  };

  h.select = async (id, quietly) => {
    const s = byId(id);
    if (!s) return;
    d.state = id;
    h.show();
    try {
      const picture = await pictures.show("shown", s.url || null);
      if (picture) app.fitTo(picture);
    } catch (error) { app.note({ tone: "bad", title: "The picture could not be shown.", text: error.message }); }
    h.compareWith();
    if (!quietly) app.ask("select", { id });
    app.refresh();
  };

  h.compareWith = () => {
    const b = h.other();
    if (!b && pictures.compare !== "off") pictures.compare = "off";
    pictures.show("other", b ? b.url : null).catch(() => {});
    app.showCompare();
  };

  h.pin = (id) => {
    ui.pinned = ui.pinned === id ? null : id;
    app.ask("pin", { id: ui.pinned });
    h.compareWith();
    h.show();
  };

  h.step = (by) => {
    const at = states().findIndex((s) => s.id === d.state), next = states()[at + by];
    if (next) h.select(next.id);
    else app.say(by < 0 ? "This is the first state." : "This is the last state.");
  };

  const thumb = (s) => {
    const chosen = s.id === d.state && !h.running;
    const b = makeNode("button", { type: "button", class: "th", role: "option", "aria-selected": String(chosen),
      "aria-label": "State " + s.label, title: s.title || s.label, tabindex: chosen ? "0" : "-1" });
    b.append(s.thumb_url || s.url ? makeNode("img", { src: s.thumb_url || s.url, alt: "", draggable: "false" }) : makeNode("span", { class: "blank" }),
      makeNode("span", {}, s.label));
    if (s.badge) b.append(makeNode("em", { class: "r" }, s.badge));
    const b0 = pictures.compare !== "off" || ui.pinned ? h.other() : null;
    if (b0 && b0.id === s.id) b.append(makeNode("em", {}, "B"));
    else if (b0 && s.id === d.state) b.append(makeNode("em", {}, "A"));
    b.addEventListener("click", (e) => (e.shiftKey ? h.pin(s.id) : h.select(s.id)));
    b.addEventListener("keydown", (e) => {
      const step = { ArrowRight: 1, ArrowLeft: -1 }[e.key];
      if (!step) return;
      e.preventDefault();
      const all = [...strip.querySelectorAll(".th")], next = all[all.indexOf(b) + step];
      if (next) { next.focus(); next.click(); strip.querySelector(".th[aria-selected=true]")?.focus(); }
    });
    return b;
  };

  h.show = () => {
    const all = states(), focused = strip.contains(document.activeElement);
    const nodes = all.flatMap((s, k) => (k ? [makeNode("span", { class: "lnk" }), thumb(s)] : [thumb(s)]));
    if (h.running) {
      const b = makeNode("button", { type: "button", class: "th", role: "option", "aria-selected": "true", tabindex: "-1",
        "aria-label": "State " + h.running.label }, h.running.url ? makeNode("img", { src: h.running.url, alt: "" })
        : makeNode("span", { class: "blank" }), makeNode("span", {}, h.running.label));
      nodes.push(...(all.length ? [makeNode("span", { class: "lnk" })] : []), b);
    }
    strip.replaceChildren(...(nodes.length ? nodes : [makeNode("span", { class: "hint" }, "Every run, and every stage of it, is kept here.")]));
    const chosen = strip.querySelector("[aria-selected=true]");
    if (chosen) {
      strip.scrollLeft = Math.max(0, Math.min(chosen.offsetLeft - 40, strip.scrollLeft), chosen.offsetLeft + chosen.offsetWidth - strip.clientWidth + 40);
      if (focused) chosen.focus();
    }
    const branches = all.filter((s, k) => k && s.parent && s.parent !== all[k - 1].id).length;
    $(".film-count").textContent = !all.length ? "empty"
      : all.length + (all.length === 1 ? " state" : " states") + (branches ? ", " + branches + (branches === 1 ? " branch" : " branches") : "");
    const now = byId(d.state);
    app.disable("pin", now ? "" : "Choose a state first", "Compare the chosen state with this one (Shift+click a picture does the same)");
    $("[data-do=pin]").textContent = now && ui.pinned === now.id ? "Unpin B" : "Pin as B";
    $("[data-do=pin]").setAttribute("aria-label", "Pin as B");
    $("[data-do=pin]").setAttribute("aria-pressed", String(!!now && ui.pinned === now.id));
    app.disable("restore", !now ? "Choose a state first" : now.restorable === false ? "This state was made without a drawing" : "",
      "Bring back the drawing, words and seed that made this state");
    app.disable("delete", now ? "" : "Choose a state first", "Delete state");
    view.redraw();
  };
  h.current = () => byId(d.state) || null;
  return h;
}
