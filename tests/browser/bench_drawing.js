// The drawing of `python -m tests.browser.bench_drawing`: evaluated on the page, gives lists of milliseconds.
async () => {
  const { view, drawing, flush, ui } = window.XREAL.canvas, over = view.over;
  const box = over.getBoundingClientRect();
  const frame = () => new Promise((f) => requestAnimationFrame(f));
  const send = (type, x, y, button, buttons) => {
    const event = new PointerEvent(type, { clientX: box.left + x, clientY: box.top + y, pointerId: 1,
      pointerType: "mouse", button, buttons, bubbles: true, cancelable: true });
    const from = performance.now();
    over.dispatchEvent(event);
    return performance.now() - from;
  };
  const at = (k, n) => {                             // a winding way in and out of the patient's left lung
    const x = drawing.w * (0.80 + 0.14 * Math.sin(k / 5)), y = drawing.h * (0.25 + (0.4 * k) / n);
    return view.toScreen(x, y);
  };
  const dragged = async (button, n) => {
    const buttons = button === 2 ? 2 : 1, handler = [], frames = [];
    send("pointermove", ...at(0, n), -1, 0);
    await frame(); await frame();
    send("pointerdown", ...at(0, n), button, buttons);
    await frame(); await frame();
    view.frames.length = 0;
    let last = await frame();
    for (let k = 1; k <= n; k++) {
      handler.push(send("pointermove", ...at(k, n), -1, buttons));
      const now = await frame();
      frames.push(now - last);
      last = now;
    }
    const drawing_ = view.frames.slice(), from = performance.now();
    send("pointerup", ...at(n, n), button, 0);
    await null;
    const commit = performance.now() - from;
    await frame(); await frame();
    return { handler, drawing: drawing_, frames, commit };
  };
  const press = (key) => over.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true }));
  const flushed = [];
  press("1"); press("b");
  window.XREAL.canvas.brush(Math.max(8, Math.round(drawing.w / 25)));
  const paint = await dragged(0, 90);
  drawing.undo();
  for (let k = 0; k < 5; k++) {
    await dragged(0, 2);
    const from = performance.now();
    await flush();
    flushed.push(performance.now() - from);
    drawing.undo();
  }
  const tone = await dragged(2, 90);
  press("v");
  const move = await dragged(0, 90);
  press("Escape"); press("b");
  return { paint, tone, move, flushed };
}
