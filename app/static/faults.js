// What is said of a run that did not end well, and the one thing to do about it. Loaded after runs.js.
(() => {
  "use strict";
  const XREAL = (window.XREAL = window.XREAL || {});
  const page = XREAL.page;
  const { $, say, ask } = page;
  const DETAIL_FROM = 384; // px; larger pictures are given detail by a second, larger network

  const canvas = () => XREAL.canvas || null;

  // A message in the viewport goes with Esc, from anywhere on the page.
  page.dismiss = () => {
    const note = $(".xc .note");
    if (!note || note.hidden || document.querySelector("dialog[open]")) return false;
    canvas().note(null);
    return true;
  };

  page.stopped = (view) => {
    const kept = view.pictures.length ? `${view.pictures.length} finished ${view.pictures.length === 1 ? "picture is" : "pictures are"} in the history.`
      : view.stages.length || view.results.length ? "Finished stages are in the history." : "Nothing was finished, so nothing was added.";
    canvas().note({ title: view.sentence, text: `${kept} The drawing is as it was.`, buttons: [{ label: "Run again", kind: "run" }] });
  };

  page.failed = (view, id) => {
    const again = { label: "Run again", kind: "run" };
    const copy = { label: "Copy details", stays: true, act: () => copyDetails(id) };
    if (view.memory) return outOfMemory(view, again, copy);
    canvas().note({
      tone: "bad", title: `${page.failure || "The picture could not be made."}`,
      text: view.sentence, buttons: id ? [copy, again] : [again],
    });
  };

  function outOfMemory({ memory: [device, needed, free] }, again, copy) {
    const gib = (n) => `${n.toFixed(1)} GiB`, what = device === "computer" ? "memory" : "graphics memory";
    const title = needed ? `Not enough ${what}: ${gib(needed)} needed, ${gib(free)} free.` : `Not enough ${what}: ${gib(free)} free.`;
    const now = page.summary(), verb = page.asked();
    const edits = verb === "Insert" || verb === "Erase", large = Math.max(now.w || 0, now.h || 0) >= DETAIL_FROM;
    if (edits && large && !page.number(`${verb.toLowerCase()}-context`)) {
      return canvas().note({
        tone: "warn", title,
        text: "Nothing is lost. Seeing only 32 px around the zone needs less: no second network is used where the zone is small.",
        buttons: [{ label: "See the zone only", act: () => page.runWith({ context: 32 }) }],
      });
    }
    if (verb !== "Upscale" && page.number("guidance") !== 1) {
      return canvas().note({
        tone: "warn", title,
        text: "Nothing is lost. Guidance 1 computes half as much at once; words are obeyed less strictly.",
        buttons: [{ label: "Guidance 1", act: () => page.runWith({ guidance: 1 }) }],
      });
    }
    canvas().note({
      tone: "warn", title, buttons: [copy, again],
      text: "Nothing is lost. Close other programs that use it, or start XReal Studio with --device cpu.",
    });
  }

  async function copyDetails(id) {
    try {
      const text = await (await ask(`/api/jobs/${id}/details`)).text();
      await copied(text);
      say("run-status", "Details copied: versions and settings, no picture.");
    } catch (fault) {
      say("run-status", "The details could not be copied. " + fault.message);
    }
  }

  async function copied(text) {
    if (navigator.clipboard && window.isSecureContext) {
      try { return await navigator.clipboard.writeText(text); } catch { /* not allowed: the old way */ }
    }
    const box = document.createElement("textarea");
    box.value = text;
    document.body.append(box);
    box.select();
    document.execCommand("copy");
    box.remove();
  }

  // Sets a slider of Gradio as a person would.
  page.set = (id, value) => {
    const box = $(`#${id} input[type=number]`);
    if (!box || box.value === String(value)) return;
    Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, "value").set.call(box, String(value));
    page.setting = true;
    box.dispatchEvent(new Event("input", { bubbles: true }));
    box.dispatchEvent(new Event("change", { bubbles: true }));
    box.dispatchEvent(new Event("blur"));
    page.setting = false;
  };
})();
