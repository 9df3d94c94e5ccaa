// Several films at once, dropped or in a folder: a list to choose one from, which then opens as a
// single file does. Each is looked at and forgotten by the server. Loaded after files.js.
(() => {
  "use strict";
  const XREAL = (window.XREAL = window.XREAL || {});
  const page = XREAL.page;
  const { $, say } = page;
  const MOST_FILES = 200;
  const TOO_MANY = `More than ${MOST_FILES} files cannot be listed together. Choose a folder with fewer, or some of its films. Nothing was changed.`;
  const canvas = () => XREAL.canvas || null;
  let looking = null; // the search that goes on, which closing the dialog ends

  const dialog = () => $("#folder-dialog");
  const rows = () => [...document.querySelectorAll("#folder-films button")];

  // ---- which files -----------------------------------------------------------------------------

  const isDicom = async (file) => (await file.slice(128, 132).text().catch(() => "")) === "DICM";
  // Several files of which one at least is DICOM; masks that belong together are none.
  page.areFilms = async (files) => {
    if (files.length < 2) return false;
    for (const file of files) if (await isDicom(file)) return true;
    return false;
  };

  const input = document.createElement("input");
  Object.assign(input, { type: "file", webkitdirectory: true, multiple: true, hidden: true, id: "folder-input", tabIndex: -1 });
  input.setAttribute("aria-label", "Open a folder of films");
  input.addEventListener("change", () => {
    const files = byPath([...input.files].map((file) => [file.webkitRelativePath, file]));
    input.value = "";
    page.openFolder(files);
  });
  document.body.append(input);
  page.chooseFolder = () => input.click();

  const byPath = (found) => found
    .sort(([one], [other]) => one.localeCompare(other, "en", { numeric: true }))
    .map(([, file]) => file);

  document.addEventListener("xreal", (event) => {
    if (event.detail?.kind !== "folder") return;
    event.preventDefault();
    if (page.readOnly()) return;
    filesIn(event.detail.entries).then((found) => page.openFolder(byPath(found)), () =>
      canvas().note({ tone: "bad", title: "The folder cannot be read.", text: "Nothing of yours was changed; choose it again." }));
  });

  // Files below these entries, at most one more than are listed.
  async function filesIn(entries) {
    const found = [], waiting = [...entries];
    while (waiting.length && found.length <= MOST_FILES) {
      const entry = waiting.shift();
      if (entry.isFile) found.push([entry.fullPath, await new Promise((done, fail) => entry.file(done, fail))]);
      else if (entry.isDirectory) waiting.unshift(...await within(entry.createReader()));
    }
    return found;
  }

  async function within(reader) {
    const all = [];
    for (;;) { // a reader gives a hundred at a time, and none at the end
      const some = await new Promise((done, fail) => reader.readEntries(done, fail));
      if (!some.length || all.length > MOST_FILES) return all;
      all.push(...some);
    }
  }

  // ---- the list --------------------------------------------------------------------------------

  page.openFolder = async (files) => {
    if (page.readOnly()) return;
    if (files.length > MOST_FILES) return canvas().note({ tone: "bad", title: "Too many files.", text: TOO_MANY });
    looking?.abort();
    const mine = (looking = new AbortController());
    const refused = [];
    $("#folder-films").replaceChildren();
    for (const id of ["folder-refused", "folder-fault"]) say(id, "");
    dialog().onclose = () => mine.abort();
    if (!dialog().open) dialog().showModal();
    for (const [k, file] of files.entries()) {
      say("folder-status", `Looking at file ${k + 1} of ${files.length}`);
      try {
        const answer = await fetch("/api/folder", { method: "POST", body: file, signal: mine.signal });
        if (answer.status === 401) XREAL.loggedOut?.();
        if (!answer.ok) throw new Error(await page.refusal(answer));
        const told = await answer.json();
        if (mine.signal.aborted) return;
        if (told.refused) refused.push(told.refused);
        else add(told, file);
      } catch (fault) {
        if (mine.signal.aborted) return;
        say("folder-fault", fault instanceof TypeError
          ? "The connection failed, or the file is not there any more. Nothing of yours was changed; try again." : fault.message);
        break;
      }
      say("folder-refused", inOneLine(refused));
    }
    const count = rows().length;
    say("folder-status", count === 1 ? "1 film found." : `${count || "No"} films found.`);
    if (!count) $("#folder-cancel").focus();
  };

  function add(told, file) {
    const number = rows().length + 1;
    const button = document.createElement("button"), image = new Image();
    const at = document.createElement("b"), what = document.createElement("span");
    Object.assign(button, { type: "button" });
    button.setAttribute("aria-label", `Film ${number}: ${told.line}`);
    Object.assign(image, { src: told.preview, alt: "" });
    [at.textContent, what.textContent] = [String(number), told.line];
    button.append(image, at, what);
    button.addEventListener("click", () => {
      dialog().close();
      page.openFiles([file]);
    });
    const item = document.createElement("li");
    item.append(button);
    $("#folder-films").append(item);
    if (number === 1) button.focus();
  }

  // The most frequent reason first, as the command line says it.
  function inOneLine(sentences) {
    if (!sentences.length) return "";
    const counted = new Map();
    for (const one of sentences) counted.set(one, (counted.get(one) || 0) + 1);
    const reasons = [...counted].sort((one, other) => other[1] - one[1]);
    const are = sentences.length === 1 ? "1 file is not a film" : `${sentences.length} files are not films`;
    const told = reasons.length === 1 ? reasons[0][0] : reasons.map(([why, n]) => `${n} x: ${why}`).join(" ");
    return `${are} that can be opened: ${told}`;
  }

  document.addEventListener("keydown", (event) => {
    if (!dialog()?.open) return;
    const all = rows(), at = all.indexOf(document.activeElement);
    const next = { ArrowDown: at + 1, ArrowUp: at < 0 ? all.length - 1 : at - 1, Home: 0, End: all.length - 1 }[event.key];
    if (next === undefined || !all.length) return;
    all[Math.max(0, Math.min(all.length - 1, next))].focus();
    event.preventDefault();
    event.stopPropagation();
  }, true);

  Object.assign(page.clicks, {
    "folder-close": () => dialog().close(),
    "folder-cancel": () => dialog().close(),
  });
})();
