// Several pictures of one run side by side over the viewport; one is chosen, all are kept.

function makeGrid(app) {
  const { d, view, history } = app;
  const box = makeNode("div", { class: "grid", role: "listbox", "aria-label": "Variations", hidden: "" });
  const hint = makeNode("p", { class: "grid-hint" });
  const cover = makeNode("div", { class: "grid-cover", hidden: "" }, box, hint);
  app.$(".view").append(cover);
  let cells = [], wanted = null, columns = 2;
  const g = {};

  g.open = () => !cover.hidden;
  const close = () => {
    cover.hidden = true;
    box.hidden = true;
    cells = [];
    box.replaceChildren();
    view.over.focus({ preventScroll: true });
    app.command("grid", { open: false });
  };

  // A picture may be chosen before the history has it: it is shown as soon as it does.
  g.settle = () => {
    if (wanted === null || !(app.props.states || []).some((s) => s.id === wanted)) return;
    const id = wanted;
    wanted = null;
    if (d.state !== id) history.select(id);
  };

  const choose = (k) => {
    const cell = cells[k];
    if (!cell || !cell.id) return app.say("This picture is not finished yet.");
    wanted = cell.id;
    close();
    app.say("Picture " + (k + 1) + " chosen. All are in the history.");
    g.settle();
  };

  const move = (k) => {
    if (k < 0 || k >= cells.length) return;
    cells.forEach((c, n) => { c.node.tabIndex = n === k ? 0 : -1; c.node.setAttribute("aria-selected", String(n === k)); });
    cells[k].node.focus({ preventScroll: true });
  };
  const at = () => Math.max(0, cells.findIndex((c) => c.node.tabIndex === 0));

  box.addEventListener("keydown", (e) => {
    if (e.ctrlKey || e.metaKey || e.altKey) return;
    const step = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: columns, ArrowUp: -columns }[e.key];
    if (step) move(at() + step);
    else if (e.key >= "1" && e.key <= "9") choose(Number(e.key) - 1);
    else if (e.key === "Enter" || e.key === " ") choose(at());
    else if (e.key === "Escape") g.leave();
    else return;
    e.preventDefault();
    e.stopPropagation();
  });

  // Leaves with the first finished picture chosen.
  g.leave = () => {
    const first = cells.findIndex((c) => c.id);
    if (first >= 0) choose(first);
    else close();
  };

  const make = (k) => {
    const image = makeNode("img", { alt: "", draggable: "false", hidden: "" });
    const node = makeNode("button", { type: "button", role: "option", "aria-selected": String(k === 0), tabindex: k ? "-1" : "0" },
      image, makeNode("span", { class: "grid-number" }, String(k + 1)), makeNode("span", { class: "grid-seed" }));
    node.addEventListener("click", () => choose(k));
    const cell = { node, image, id: null, url: null };
    name(cell, k, "waiting");
    return cell;
  };
  const name = (cell, k, state, seed) => {
    const known = seed !== undefined && seed !== null;
    cell.node.setAttribute("aria-label", "Picture " + (k + 1) + (state ? ", " + state : "") + (known ? ", seed " + seed : ""));
    cell.node.querySelector(".grid-seed").textContent = state || (known ? "seed " + seed : "");
    cell.node.classList.toggle("done", !state);
  };
  const put = (cell, url) => {
    if (!url || cell.url === url) return;
    cell.url = url;
    cell.image.src = url;
    cell.image.hidden = false;
  };

  // `finished`: [{id, url, seed}] in their order; `running`: the preview of the next one, or null.
  g.show = ({ count, finished, running, over }) => {
    if (cells.length !== count) {
      wanted = null;
      columns = Math.ceil(Math.sqrt(count));
      cells = Array.from({ length: count }, (_, k) => make(k));
      box.replaceChildren(...cells.map((c) => c.node));
      box.style.setProperty("--columns", columns);
      cover.hidden = box.hidden = false;
      app.note(null);
      move(0);
      app.command("grid", { open: true });
    }
    finished.forEach((f, k) => {
      cells[k].id = f.id;
      put(cells[k], f.url);
      name(cells[k], k, "", f.seed);
    });
    if (running !== undefined && finished.length < count) {
      put(cells[finished.length], running);
      name(cells[finished.length], finished.length, over ? "not made" : "running");
    }
    if (over) for (let k = finished.length; k < count; k++) name(cells[k], k, "not made");
    hint.textContent = (over ? "" : finished.length + " of " + count + " finished. ")
      + "Choose with 1-" + count + ", arrows and Enter, or a click. Esc takes the first. All stay in the history.";
  };
  g.close = () => { if (g.open()) close(); };
  const shown = history.show;
  history.show = () => { shown(); g.settle(); };
  return g;
}
