// Keys. Character keys act only while the picture has the focus; Ctrl combinations act on the page.
// Keys to look with (hide, before, magnifier, fit, 1:1, invert) also act where the mouse is over the
// picture and nobody types: after a run the focus is still on the run button.

const KEY_CARD = {
  Draw: [["Brush, eraser", "B E"], ["Polygon, lasso, ellipse", "P L O"], ["Fill, grow from tone", "F T"], ["Move and scale", "V"], ["Scale, turn (with V)", "[ ], Shift [ ]"], ["Brush size", "[ ]"],
    ["Subtract instead", "Alt or X"], ["Mirror", "M"], ["Shrink, grow, smooth", "- + S"], ["Shrink, grow by 5 px", "Shift - +"], ["Without a mouse: move, pen", "arrows, K"]],
  Labels: [["Left lung ... aorta", "1 - 4"], ["Findings A ... D", "5 - 8"], ["Area (erase, keep)", "A"], ["New finding", "N"],
    ["Clear label", "Del"], ["Hide all (hold)", "H"], ["Template", "Shift T"], ["Undo, redo", "Ctrl Z, Ctrl Y"]],
  Look: [["Window and level", "W, right drag"], ["Next preset", "Shift W"], ["Invert", "I"], ["Zoom and pan", "Z, wheel, Space"],
    ["Fit, 1:1", "0 9"], ["Magnifier (hold)", "G"], ["Before (hold)", "C"], ["Swipe, difference", "Shift C"], ["State back, forth", ", ."]],
  Ask: [["Generate, insert", "Shift G, I"], ["Erase, outpaint, upscale", "Shift E, O, U"], ["Run", "Ctrl Enter"], ["Stop", "Esc"],
    ["Accept, discard proposal", "Enter, Backspace"]],
  File: [["Open", "Ctrl O"], ["Export", "Ctrl E"], ["Paste picture", "Ctrl V"]],
  Page: [["Back to the picture", "Ctrl ."], ["Hide drawing column", "\\"], ["Hide request panel", "Shift \\"], ["This card", "?"]],
};

const LOOKING = ["h", "c", "g", "0", "9", "i"];

function makeKeys(app) {
  const { $, d, ui, tools, view, pictures, overlay, history } = app;
  const card = $(".keys-card");
  $(".keys").replaceChildren(...Object.entries(KEY_CARD).map(([heading, lines]) =>
    makeNode("section", {}, makeNode("h3", {}, heading), makeNode("dl", {},
      ...lines.flatMap(([what, key]) => [makeNode("dt", {}, what), makeNode("dd", {}, makeNode("kbd", {}, key))])))));
  app.openKeys = () => { if (!card.open) card.showModal(); };
  card.addEventListener("close", () => view.over.focus());

  const verbs = { G: "generate", I: "insert", E: "erase", O: "outpaint", U: "upscale" };
  const plain = {
    b: () => app.tool("brush"), e: () => app.tool("eraser"), p: () => app.tool("polygon"), l: () => app.tool("lasso"),
    o: () => app.tool("ellipse"), f: () => app.tool("fill"), t: () => app.tool("tone"), v: () => app.tool("move"), w: () => app.tool("window"), z: () => app.tool("zoom"),
    "[": () => lessOrMore(-1), "]": () => lessOrMore(1), "{": () => turn(-1), "}": () => turn(1),
    0: () => view.fit(), 9: () => view.one(), i: () => app.invert(), m: () => app.mirror(),
    "-": () => tools.shrink(), "+": () => tools.grow(), "=": () => tools.grow(), s: tools.smooth, Delete: tools.clear, n: () => app.addFinding(),
    a: () => app.chooseArea(), ",": () => history.step(-1), ".": () => history.step(1), k: tools.pen,
    "?": app.openKeys, "\\": () => app.fold(), "|": () => app.command("fold"),
  };
  // The brackets change what the tool has: size of the brush, tolerance, scale or angle of the box.
  const lessOrMore = (sign) => {
    if (ui.tool === "tone") app.growing.tolerance(ui.tolerance + sign * Math.max(1, Math.round(ui.tolerance * 0.12)));
    else if (ui.tool === "move") app.move.resize(sign > 0 ? 1.02 : 1 / 1.02);
    else app.size(ui.size + sign * Math.max(1, Math.round(ui.size * 0.12)));
  };
  const turn = (degrees) => { if (ui.tool === "move") app.move.turn(degrees); };
  const shifted = { "+": () => tools.grow(5), "*": () => tools.grow(5), "_": () => tools.shrink(5), W: () => app.nextPreset(), C: () => app.nextCompare(), T: () => app.command("template") };
  const moves = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

  const confirm = (key) => {
    if (key === "Enter" && tools.pending()) return tools.finish(), true;
    if (key === "Enter" && ui.shape) return tools.closeShape(), true;
    if (key === "Backspace" && ui.shape && ui.shape.kind === "polygon") return tools.shortenShape(), true;
    if (app.offers.pending()) return app.offers[key === "Enter" ? "accept" : "discard"](), true;
    const kind = key === "Enter" ? "accept" : "discard", proposal = app.props.proposal;
    if (proposal) app.ask(kind, { id: proposal.id });
    else app.command(kind);
    return true;
  };
  const hold = (key, on) => {
    if (key === "h") overlay.hideAll = on;
    else if (key === "c") pictures.before = on;
    else if (key === "g") ui.loupe = on;
    else if (key === "x") ui.subtract = on;
    else if (key === " ") ui.space = on;
    else return false;
    app.cursor();
    app.showCompare();
    view.redraw();
    return true;
  };

  const act = (e) => {
    if (e.ctrlKey || e.metaKey) return false;
    const key = e.key, low = key.length === 1 ? key.toLowerCase() : key;
    if (moves[key]) return (ui.tool === "move" ? app.move.nudge : tools.moveCross)(...moves[key].map((v) => v * (e.shiftKey ? 10 : 1))), true;
    if (key === "Enter" || key === "Backspace") return confirm(key);
    if (key === "Escape") return escape(), true;
    if (e.shiftKey && verbs[key]) return app.command("verb", { verb: verbs[key] }), true;
    if (e.shiftKey && shifted[key]) return shifted[key](), true;
    if (!e.shiftKey && hold(low, true)) return true;
    if (key >= "1" && key <= "4") return app.choose(Number(key) - 1), true;
    if (key >= "5" && key <= "8") return app.choose(Number(key) - 5 + FIRST_FINDING), true;
    const action = plain[key] || (!e.shiftKey && plain[low]);
    if (!action) return false;
    if (!e.repeat || "[]{},.-+=".includes(key)) action();
    return true;
  };
  const escape = () => {
    if (tools.drop()) return;
    if (app.offers.pending()) return app.offers.discard();
    if (!$(".note").hidden) return app.note(null);
    app.command("stop");
  };

  view.over.addEventListener("keydown", (e) => {
    if (!act(e)) return;
    e.preventDefault();
    e.stopPropagation();
  });
  view.over.addEventListener("keyup", (e) => { if (hold(e.key.length === 1 ? e.key.toLowerCase() : e.key, false)) e.stopPropagation(); });
  view.over.addEventListener("blur", () => { for (const key of ["h", "c", "g", "x", " "]) hold(key, false); tools.putDown(); });

  const typing = (e) => /^(INPUT|TEXTAREA|SELECT)$/.test(e.target.tagName) && !/^(range|checkbox|radio|button|file)$/.test(e.target.type) || e.target.isContentEditable;
  const look = (e) => {
    if (e.ctrlKey || e.metaKey || e.altKey || e.shiftKey || e.target === view.over || typing(e)) return;
    if (!LOOKING.includes(e.key.toLowerCase()) || !view.over.matches(":hover") || document.querySelector("dialog[open]")) return;
    view.over.focus({ preventScroll: true }); // so that letting go of the key is heard there
    act(e);
    e.preventDefault();
    e.stopPropagation();
  };
  const page = (e) => {
    if (!(e.ctrlKey || e.metaKey) || e.altKey || !app.visible()) return;
    const key = e.key.toLowerCase();
    const always = { enter: () => app.command("run"), ".": () => view.over.focus(), o: () => app.open(), e: () => app.command("export"), s: () => app.command("save") };
    const elsewhere = { z: () => (e.shiftKey ? app.redo() : app.undo()), y: () => app.redo() };
    const action = always[key] || (!typing(e) && elsewhere[key]);
    if (!action) return;
    e.preventDefault();
    e.stopPropagation();
    action();
  };
  const heard = [page, look];
  for (const hear of heard) document.addEventListener("keydown", hear, true);
  return { remove: () => { for (const hear of heard) document.removeEventListener("keydown", hear, true); } };
}
