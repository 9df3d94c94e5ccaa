// What a control is and in which unit, when the pointer rests on it; also its description for
// assistive software. A Gradio slider brings its own words; the others are named here.
(() => {
  "use strict";
  const SLIDER = "A slider draws the template anew with these values. Findings stay, Undo brings your drawing back.";
  const TITLES = {
    verb: "What is made: a new picture, a change of this one, or more of it",
    report: "As in a report, up to 10,000 characters. What the model does not know is named and left out",
    change: "Put a finding there, put it in place of what is there, or take what is there away",
    finding: "The findings that the model in use knows; nothing else appears",
    words: "The words of the chosen finding; words that the model does not know are named",
    keep: "Which part of the picture stays as it is, pixel for pixel",
    "add-top": "In pixels of the picture; what is added is invented",
    "add-bottom": "In pixels of the picture; what is added is invented",
    "add-right": "In pixels of the picture; what is added is invented",
    "add-left": "In pixels of the picture; what is added is invented",
    quality: "How many steps are taken: more cost time, in proportion",
    seed: "A whole number. The same seed and drawing give the same picture",
    "keep-seed": "Use this seed again whatever changed; else it stays where only findings changed",
    sampler: "How the steps are taken; the model's own is the default",
    exact: "The authors' arithmetic to the letter: slower, and only for published models",
    variations: "How many pictures: with the seed, and the seeds that follow it",
  };

  function describe(element, text) {
    if (element && element.title !== text) element.title = text;
  }

  function all() {
    for (const [id, text] of Object.entries(TITLES)) describe(document.getElementById(id), text);
    for (const info of document.querySelectorAll("#ask .info-text")) {
      const text = info.textContent.trim();
      const block = info.closest(".block");
      describe(block, text);
      for (const input of block.querySelectorAll("input")) describe(input, text);
    }
    describe(document.querySelector("#shape > button"), SLIDER);
    describe(document.querySelector("#details > button"), "How the picture is computed: quality, seed, steps");
  }

  const begin = () => {
    const ask = document.getElementById("ask");
    if (!ask) return void setTimeout(begin, 100);
    all();
    new MutationObserver(all).observe(ask, { childList: true, subtree: true });
  };
  begin();
})();
