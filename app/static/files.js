// Files in: opened by what they are, and the documents that were saved. Loaded after documents.js.
(() => {
  "use strict";
  const XREAL = (window.XREAL = window.XREAL || {});
  const page = XREAL.page;
  const { $, say, ask } = page;
  const SEVERAL = -2;
  const LABELS = [["New finding", -1], ["Left lung", 0], ["Right lung", 1], ["Heart", 2], ["Aorta", 3],
    ["Area to erase", 28], ["Area to keep", 29]];
  const WAYS = {
    new: ["New document", "what you work on now is kept under Recent projects"],
    picture: ["Use as picture", "a new state of this document"],
    mask: ["Add as mask", "a label of the drawing; undo takes it back"],
    recipe: ["Take over words", "words, seed and settings; undo takes the words back"],
  };
  const canvas = () => XREAL.canvas || null;

  function node(tag, attributes, ...children) {
    const made = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
    made.append(...children);
    return made;
  }
  const bad = (title, text) => canvas().note({ tone: "bad", title, text });

  // ---- opening -------------------------------------------------------------------------------

  document.addEventListener("xreal", (event) => {
    if (event.detail?.kind !== "files") return;
    event.preventDefault();
    openFiles([...event.detail.files]);
  });

  async function openFiles(files) {
    if (page.readOnly()) return;
    if (await page.areFilms(files)) return page.openFolder(files);
    canvas().note({ title: `Opening ${files.length > 1 ? files.length + " files" : files[0].name} ...` });
    await page.save().catch(() => {});
    const found = [];
    for (const file of files) {
      try {
        const answer = await fetch("/api/files", {
          method: "POST", body: file, headers: { "X-Name": encodeURIComponent(file.name) },
        });
        if (!answer.ok) {
          drop(found);
          return bad(`${file.name} could not be opened.`, await page.refusal(answer));
        }
        found.push({ ...(await answer.json()), name: file.name }); // names stay in the browser
      } catch {
        drop(found);
        return bad(`${file.name} could not be sent.`, "The connection failed. Nothing of yours was changed; try again.");
      }
    }
    canvas().note(null);
    decide(found);
  }

  page.openFiles = openFiles;

  function drop(found) {
    for (const one of found) ask(`/api/files/${one.file}/drop`, { method: "POST" }).catch(() => {});
  }

  function decide(found) {
    const masks = found.every((one) => one.ways.includes("mask"));
    const unnamed = found.filter((one) => one.kind === "mask" && one.label === null);
    if (found.length > 1 && !masks) {
      drop(found);
      return bad("These files cannot be opened together.",
        "Several files can be opened together only where all are masks. Open the others one at a time.");
    }
    const [one] = found;
    const ways = found.length > 1 ? ["mask"] : one.ways;
    const sure = found.length > 1 || one.empty ? ways[0] : one.kind === "project" ? null : ways.length === 1 ? ways[0] : null;
    if (sure && !(sure === "mask" && unnamed.length)) return open(found, sure);
    askHow(found, ways, unnamed);
  }

  function open(found, way, labels) {
    const known = Object.fromEntries(found.filter((f) => f.label !== null && f.label !== SEVERAL).map((f) => [f.file, f.label]));
    page.tell({ kind: "open", way, files: found.map((f) => f.file), labels: { ...known, ...labels } });
    canvas().focus();
  }

  function askHow(found, ways, unnamed) {
    const dialog = $("#open-dialog");
    say("open-title", found.length > 1 ? `Open ${found.length} masks` : `Open ${found[0].name}`);
    $("#open-what").replaceChildren(...ways.map((way) =>
      node("li", {}, node("b", {}, WAYS[way][0]), `: ${WAYS[way][1]}.`)));
    const choices = unnamed.map((one) => {
      const select = node("select", { "aria-label": `Label of ${one.name}` },
        ...LABELS.map(([name, bit]) => node("option", { value: bit }, name)));
      return [one, select];
    });
    $("#open-labels").replaceChildren(...choices.map(([one, select]) =>
      node("label", { class: "line" }, node("span", { class: "grow" }, one.name), select)));
    const buttons = ways.map((way) => {
      const button = node("button", { type: "button", class: way === ways[0] ? "btn pri" : "btn", ...(way === ways[0] ? { autofocus: "" } : {}) }, WAYS[way][0]);
      button.addEventListener("click", () => {
        found.chosen = true;
        dialog.close();
        open(found, way, Object.fromEntries(choices.map(([one, select]) => [one.file, Number(select.value)])));
      });
      return button;
    });
    const cancel = node("button", { type: "button", class: "btn" }, "Cancel");
    cancel.addEventListener("click", () => dialog.close());
    $("#open-ways").replaceChildren(cancel, ...buttons.reverse());
    dialog.onclose = () => { if (!found.chosen) drop(found); };
    dialog.showModal();
  }

  // ---- documents that were saved --------------------------------------------------------------

  async function openRecent() {
    const list = $("#recent");
    closeMenu();
    await page.save().catch(() => {});
    try {
      const known = await (await ask("/api/documents")).json();
      list.replaceChildren(...(known.length ? known.map(row)
        : [node("li", { class: "mute" }, "Nothing was saved yet. What you do is saved by itself.")]));
      say("recent-fault", "");
    } catch (fault) {
      say("recent-fault", fault.message);
    }
    if (!$("#recent-dialog").open) $("#recent-dialog").showModal();
  }

  function row(one) {
    const when = new Date(one.changed * 1000);
    const time = when.toLocaleString("en-GB", { dateStyle: "medium", timeStyle: "short" });
    const restore = node("button", { type: "button", class: "btn", "aria-label": `Restore ${one.title}, ${time}` }, "Restore");
    const remove = node("button", { type: "button", class: "btn quiet", "aria-label": `Delete ${one.title}, ${time}` }, "Delete");
    if (one.open) {
      for (const button of [restore, remove]) button.disabled = true;
      restore.textContent = "Open now";
    }
    restore.addEventListener("click", () => {
      $("#recent-dialog").close();
      page.tell({ kind: "reopen", file: one.doc });
    });
    remove.addEventListener("click", async () => {
      if (remove.dataset.sure !== "yes") {
        remove.dataset.sure = "yes";
        remove.textContent = "Delete for good";
        return;
      }
      try {
        await ask(`/api/documents/${one.doc}/delete`, { method: "POST" });
        openRecent();
      } catch (fault) {
        say("recent-fault", fault.message);
      }
    });
    const image = new Image();
    image.src = `/api/documents/${one.doc}.png?at=${one.changed}`;
    image.alt = "";
    return node("li", {}, image, node("span", { class: "grow" }, node("b", {}, one.title), node("small", {}, time)), restore, remove);
  }

  // Nothing is lost by it: the document at work is saved first, and stays where it cannot be.
  async function newDocument() {
    closeMenu();
    $("#recent-dialog").close();
    await page.save().catch(() => {});
    page.tell({ kind: "new" });
  }

  const menu = () => $("#bar-menu");
  function closeMenu() {
    if (!menu() || menu().hidden) return;
    menu().hidden = true;
    $("#bar-more").setAttribute("aria-expanded", "false");
  }
  function openMenu() {
    if (!menu().hidden) return closeMenu();
    menu().hidden = false;
    menu().style.left = $("#bar-open").getBoundingClientRect().left + "px";
    $("#bar-more").setAttribute("aria-expanded", "true");
    menu().querySelector("button").focus();
  }
  document.addEventListener("pointerdown", (event) => {
    if (!event.target.closest("#bar-menu, #bar-more")) closeMenu();
  }, true);
  document.addEventListener("keydown", (event) => {
    if (!event.target.closest || !event.target.closest("#bar-menu")) return;
    const all = [...menu().querySelectorAll("button")], at = all.indexOf(event.target);
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (event.key === "Escape") { closeMenu(); $("#bar-more").focus(); }
    else if (step) all[(at + step + all.length) % all.length].focus();
    else return;
    event.preventDefault();
    event.stopPropagation();
  }, true);

  Object.assign(page.clicks, {
    "bar-open": () => !page.readOnly() && canvas() && canvas().open(),
    "bar-more": openMenu,
    "bar-new": () => !page.readOnly() && newDocument(),
    "bar-folder": () => { closeMenu(); if (!page.readOnly()) page.chooseFolder(); },
    "bar-recent": () => !page.readOnly() && openRecent(),
    "recent-close": () => $("#recent-dialog").close(),
    "recent-new": newDocument,
    "open-close": () => $("#open-dialog").close(),
    "take-over": () => page.takeOver(),
  });
})();
