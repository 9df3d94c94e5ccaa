// The field that outpainting adds: dashed around the picture, with what is added at each side.

function makeFrame(app) {
  const { d, ui, overlay, view } = app;

  // `sides`: {top, right, left, bottom} in px, right and left as the patient has them; null hides it.
  const set = (sides) => {
    const wanted = sides && ["top", "right", "left", "bottom"].some((s) => sides[s] > 0) ? sides : null;
    if (JSON.stringify(wanted) === JSON.stringify(ui.frame || null)) return;
    ui.frame = wanted;
    overlay.frame = wanted;
    if (view.fitted) view.fit();
    view.redraw();
  };

  overlay.drawFrame = (ctx, v) => {
    const f = overlay.frame;
    if (!f || overlay.hideAll) return;
    const px = v.ratio / v.zoom, x0 = -f.right, y0 = -f.top, x1 = d.w + f.left, y1 = d.h + f.bottom;
    v.transform(ctx);
    ctx.fillStyle = "rgba(255,255,255,.07)";
    ctx.beginPath();
    ctx.rect(x0, y0, x1 - x0, y1 - y0);
    ctx.rect(0, 0, d.w, d.h);
    ctx.fill("evenodd");
    const box = (dash, colour, width, x, y, w, h) => {
      ctx.setLineDash(dash.map((n) => n * px));
      ctx.strokeStyle = colour;
      ctx.lineWidth = width * px;
      ctx.strokeRect(x, y, w, h);
    };
    box([], "#8fa8ff", 1.5, 0, 0, d.w, d.h);
    box([], "rgba(0,0,0,.6)", 3.5, x0, y0, x1 - x0, y1 - y0);
    box([7, 5], "#fff", 1.5, x0, y0, x1 - x0, y1 - y0);
    ctx.setLineDash([]);
    ctx.fillStyle = "#fff";
    ctx.font = 15 * px + "px IBM Plex Sans, sans-serif";
    ctx.textAlign = "center";
    ctx.textBaseline = "middle";
    const at = (n, x, y) => { if (n > 0) ctx.fillText("+" + n + " px", x, y); };
    at(f.top, d.w / 2, y0 + f.top / 2);
    at(f.bottom, d.w / 2, d.h + f.bottom / 2);
    at(f.right, x0 + f.right / 2, d.h / 2);
    at(f.left, d.w + f.left / 2, d.h / 2);
  };
  return { set };
}
