// The measures "in picture": asked of the server once for each picture that comes on screen, told to
// the canvas. Loaded after page.js.
(() => {
  "use strict";
  const page = window.XREAL.page;
  const AGAIN_MS = 2000;
  const known = new Set(); // document and state
  let waiting = null;

  async function look() {
    const canvas = window.XREAL.canvas;
    const { doc, state, picture } = canvas ? canvas.summary() : {};
    const engine = page.engine();
    const key = `${doc}/${state}`;
    if (!picture || !state || known.has(key) || waiting === key || page.job()) return;
    if (engine.state !== "ready" || !engine.can || engine.can.segment) return;
    waiting = key;
    try {
      const answer = await page.ask(`/api/states/${state}/measures`);
      if (answer.status === 200) {
        known.add(key);
        window.XREAL.canvas.measured(doc, state, await answer.json());
      } else setTimeout(look, AGAIN_MS); // the models were busy
    } catch {
      // the state is gone, or the server is; the next change asks again
    }
    waiting = null;
  }

  document.addEventListener("xreal", (event) => {
    if (event.detail && event.detail.kind === "changed") look();
  });
  document.addEventListener("engine", look); // the models have arrived
})();
