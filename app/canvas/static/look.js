// Looking closer: the magnifier, the scale bar, and window and level as numbers.

const LOUPE_ZOOM = 4, LOUPE_RADIUS = 92;             // times; screen px

// A length that is easy to read and at most `most` screen px long: {mm, text, px}. `mmPerPx` is of the screen.
function scaleBar(mmPerPx, most) {
  for (const mm of [100, 50, 20, 10, 5, 2, 1, 0.5, 0.2, 0.1]) {
    if (mm / mmPerPx <= most) return { mm, text: mm >= 10 ? mm / 10 + " cm" : mm + " mm", px: mm / mmPerPx };
  }
  return null;
}

function makeLook(app) {
  const { $, d, ui, view, pictures, overlay } = app;
  const t = {};

  // Millimetres of a pixel of the drawing, or null where the picture does not say.
  t.spacing = () => {
    const now = app.history.current(), mm = now && now.spacing_mm ? now.spacing_mm : app.props.spacing_mm;
    return mm > 0 ? mm : null;
  };

  t.showScale = () => {
    const mm = t.spacing(), bar = mm && !app.isFirst() ? scaleBar((mm * view.ratio) / view.zoom, 170) : null;
    $(".scale").hidden = !bar;
    if (!bar) return;
    $(".scale i").style.width = bar.px + "px";
    $(".scale span").textContent = bar.text;
    $(".scale").setAttribute("aria-label", "Scale: the bar is " + bar.text + " long");
  };

  // A round window at the cursor that shows the picture and the outlines four times as large.
  t.drawLoupe = (ctx) => {
    const at = ui.cross || ui.cursor;
    if (!ui.loupe || !at) return;
    const r = LOUPE_RADIUS * view.ratio, zoom = view.zoom * LOUPE_ZOOM;
    const x = at[0] * view.zoom + view.px, y = at[1] * view.zoom + view.py;
    const near = { zoom, px: x - at[0] * zoom, py: y - at[1] * zoom, ratio: view.ratio, w: d.w, h: d.h, smooth: true };
    near.transform = (c) => c.setTransform(zoom, 0, 0, zoom, near.px, near.py);
    ctx.save();
    ctx.setTransform(1, 0, 0, 1, 0, 0);
    ctx.beginPath();
    ctx.arc(x, y, r, 0, 7);
    ctx.clip();
    ctx.fillStyle = "#000";
    ctx.fillRect(x - r, y - r, 2 * r, 2 * r);
    near.transform(ctx);
    pictures.draw(ctx, near);
    const filled = overlay.opacity;
    overlay.opacity = 0;                             // one looks at the picture: outlines only
    overlay.draw(ctx, near, 0xffffffff, ui.bit, ui.area);
    overlay.opacity = filled;
    ctx.restore();
    ctx.setTransform(1, 0, 0, 1, 0, 0);
    for (const [width, colour] of [[5, "rgba(0,0,0,.7)"], [2, "#fff"]]) {
      ctx.lineWidth = width * view.ratio;
      ctx.strokeStyle = colour;
      ctx.beginPath();
      ctx.arc(x, y, r, 0, 7);
      ctx.stroke();
    }
  };

  // ---- window and level without dragging
  const box = $(".levels"), button = $("[data-do=levels]"), names = ["window", "level"];
  const open = (on) => {
    box.hidden = !on;
    button.setAttribute("aria-expanded", String(on));
    if (!on) return;
    const r = button.getBoundingClientRect(), all = app.root.getBoundingClientRect();
    box.style.left = Math.max(8, Math.min(r.left - all.left, all.width - 268)) + "px";
    box.style.top = r.bottom - all.top + 4 + "px";
    t.showLevels();
    $("[data-in=window]").focus();
  };
  t.toggleLevels = () => open(box.hidden);
  t.showLevels = () => {
    for (const name of names) {
      $("[data-in=" + name + "]").value = pictures[name];
      $("." + name + "-now").textContent = pictures[name];
    }
  };
  for (const name of names) {
    $("[data-in=" + name + "]").addEventListener("input", () =>
      app.tone(Number($("[data-in=window]").value), Number($("[data-in=level]").value)));
  }
  box.addEventListener("keydown", (e) => {
    if (e.key !== "Escape") return;
    e.stopPropagation();
    open(false);
    button.focus();
  });
  box.addEventListener("focusout", (e) => { if (e.relatedTarget && !box.contains(e.relatedTarget) && e.relatedTarget !== button) open(false); });
  view.over.addEventListener("pointerdown", () => open(false));
  return t;
}
