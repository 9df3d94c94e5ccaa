// The gallery of templates: a grid to walk with the arrow keys, and the chosen one large, with the
// sliders of the anatomy live before it is used. Loaded after dialogs.js.
(() => {
  "use strict";
  const XREAL = (window.XREAL = window.XREAL || {});
  const page = XREAL.page;
  const { $, say, ask } = page;
  const SIDE = 528; // px, twice what is shown
  let known = { templates: [], sliders: [] };
  let chosen = -1;
  let moved = false; // whether a slider of the chosen template was moved
  let asked = 0; // the newest preview that was asked for
  let busy = false;

  page.openTemplates = async () => {
    const dialog = $("#templates-dialog");
    if (dialog.open) return;
    try {
      if (!known.templates.length) {
        known = await (await ask("/api/templates")).json();
        $("#templates").replaceChildren(...known.templates.map(option));
        $("#template-sliders").replaceChildren(...known.sliders.map(slider));
      }
      say("templates-fault", "");
    } catch (fault) {
      say("templates-fault", fault.message);
    }
    dialog.showModal();
    pick(chosen < 0 ? 0 : chosen);
    $("#templates").children[chosen]?.focus();
  };

  function option(template, index) {
    const button = document.createElement("button");
    button.type = "button";
    button.setAttribute("role", "option");
    button.title = `Cardiothoracic ratio ${template.ratio.toFixed(2)}`;
    const image = new Image();
    image.src = `/api/templates/${index}.png`;
    image.alt = "";
    image.loading = "lazy";
    button.append(image, template.title);
    button.addEventListener("click", () => pick(index));
    button.addEventListener("dblclick", use);
    return button;
  }

  function slider({ name, label, about, low, high, step }) {
    const line = document.createElement("label");
    line.className = "slide";
    line.title = about;
    const input = document.createElement("input");
    Object.assign(input, { type: "range", min: low, max: high, step, id: `template-${name}` });
    input.setAttribute("aria-label", label);
    const words = document.createElement("span");
    words.textContent = label;
    const value = document.createElement("output");
    input.addEventListener("input", () => { moved = true; said(input, name); preview(); });
    line.append(words, input, value);
    return line;
  }

  // The value as it is read out and shown: a ratio, or standard deviations from the template.
  function said(input, name) {
    const value = Number(input.value);
    const text = name === "ratio" ? value.toFixed(2) : `${value > 0 ? "+" : ""}${value.toFixed(1)} SD`;
    input.nextElementSibling.textContent = text;
    input.setAttribute("aria-valuetext", text);
  }

  function pick(index) {
    const options = [...$("#templates").children];
    if (!options[index]) return;
    chosen = index;
    options.forEach((one, at) => {
      one.setAttribute("aria-selected", String(at === index));
      one.tabIndex = at === index ? 0 : -1;
    });
    say("template-name", known.templates[index].title);
    reset();
  }

  function reset() {
    moved = false;
    for (const { name } of known.sliders) {
      const input = $(`#template-${name}`);
      input.value = name === "ratio" ? known.templates[chosen].ratio : 0;
      said(input, name);
    }
    preview();
  }

  const values = () => Object.fromEntries(known.sliders.map(({ name }) => [name, Number($(`#template-${name}`).value)]));

  // One preview at a time; of those that were asked for meanwhile only the newest is fetched.
  async function preview() {
    asked += 1;
    if (busy) return;
    busy = true;
    let shown = -1;
    while (shown !== asked) {
      shown = asked;
      const told = new URLSearchParams({ side: SIDE, ...(moved ? values() : {}) });
      try {
        const answer = await ask(`/api/templates/${chosen}.png?${told}`);
        const picture = URL.createObjectURL(await answer.blob());
        const image = $("#template-shown");
        const before = image.src;
        image.src = picture;
        if (before.startsWith("blob:")) URL.revokeObjectURL(before);
        say("templates-fault", "");
        $("#templates-use").setAttribute("aria-disabled", "false");
      } catch (fault) {
        say("templates-fault", fault.message);
        $("#templates-use").setAttribute("aria-disabled", "true");
      }
    }
    busy = false;
  }

  function use() {
    if ($("#templates-use").getAttribute("aria-disabled") === "true") return;
    page.tell({ kind: "template", name: known.templates[chosen].title, ...(moved ? values() : {}) });
    $("#templates-dialog").close();
    if (XREAL.canvas) XREAL.canvas.focus(); // what opened the gallery may be gone by then
  }

  document.addEventListener("keydown", (event) => {
    const grid = event.target.closest && event.target.closest("#templates");
    if (!grid) return;
    const columns = getComputedStyle(grid).gridTemplateColumns.split(" ").length;
    const last = grid.children.length - 1;
    const steps = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: columns, ArrowUp: -columns, Home: -chosen, End: last - chosen };
    if (event.key === "Enter") use();
    else if (event.key in steps) {
      const next = chosen + steps[event.key];
      if (next >= 0 && next <= last) pick(next);
      grid.children[chosen].focus();
    } else return;
    event.preventDefault();
  });

  Object.assign(page.clicks, {
    "templates-close": () => $("#templates-dialog").close(),
    "templates-use": use,
    "templates-reset": reset,
  });
})();
