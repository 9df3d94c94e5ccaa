// Files out: the export dialog, which says in words what the file will say of itself, and the
// project. Loaded after words.js.
(() => {
  "use strict";
  const XREAL = (window.XREAL = window.XREAL || {});
  const page = XREAL.page;
  const { $, say, ask } = page;
  const NO_ROOM = 507; // the answer where the disk of this computer has no room for the file
  const PICTURES = ["16", "8", "dicom"];
  const ABOUT = {
    project: "All states, drawings, words and settings in one file. It opens here as it was.",
    recipe: "Models, seed and words as text. The masks it needs are in the PNG.",
    masks: "One PNG per label, one index map, and an NPZ with everything, at the size of the drawing.",
  };

  const canvas = () => XREAL.canvas || null;
  const disabled = (id) => document.getElementById(id)?.getAttribute("aria-disabled") === "true";
  const format = () => $("#export-format input:checked").value;
  const exportable = () => (page.engine().exportable || []).includes(String(page.summary().state));
  const withMasks = () => format() === "dicom" && $("#export-masks").checked;
  const mark = () => ($("#export-mark").checked ? $("#export-where input:checked").value : "none");

  // Why some formats are greyed.
  const missing = () => (page.summary().picture ? "This picture was opened and not changed yet" : "There is no picture yet");

  page.openExport = async () => {
    if (disabled("bar-export")) return;
    await page.look(); // what can be exported may have changed since
    const whole = exportable();
    say("export-title", whole ? `Export state ${page.summary().state}` : "Export");
    for (const input of document.querySelectorAll("#export-format input")) {
      input.disabled = !whole && [...PICTURES, "recipe"].includes(input.value);
      input.parentElement.title = input.disabled ? missing() : "";
    }
    if ($("#export-format input:checked").disabled) $("#export-format input[value=project]").checked = true;
    shown();
    if (!$("#export-dialog").open) $("#export-dialog").showModal();
  };

  function name() {
    const state = `xreal-state-${page.summary().state}`;
    return { 16: `${state}.png`, 8: `${state}-8bit.png`, dicom: withMasks() ? `${state}.zip` : `${state}.dcm`,
      recipe: `${state}.json`, project: "xreal-project.zip", masks: "xreal-masks.zip" }[format()];
  }

  let noRoom = false; // the disk was too full for it; a person may have another one
  function shown() {
    noRoom = false;
    say("export-fault", "");
    say("export-download", "Download");
    const picture = PICTURES.includes(format()), dicom = format() === "dicom";
    for (const part of document.querySelectorAll("#export-dialog .of-picture")) part.hidden = !picture;
    for (const part of document.querySelectorAll("#export-dialog .of-dicom")) part.hidden = !dicom;
    $("#export-about").hidden = picture;
    say("export-about", (ABOUT[format()] || "") + (exportable() ? "" : ` ${missing()}: PNG, DICOM and recipe are for what was made here.`));
    say("export-name", name());
    const peer = page.engine().peer;
    $("#export-send").hidden = !dicom || !peer;
    if (peer) $("#export-send").textContent = `Send to ${peer}`;
    statement();
  }

  let asked = 0; // an answer that is overtaken by a newer question says nothing any more
  async function statement() {
    const mine = ++asked, kind = format() === "dicom" ? "dicom" : "png";
    let look = format() === "project" && page.engine().look > 0;
    if (PICTURES.includes(format())) {
      try {
        const told = await (await ask(`/api/states/${page.summary().state}/statement?kind=${kind}&mark=${mark()}`)).json();
        if (mine !== asked) return;
        look = told.look.length > 0;
        $("#export-says").replaceChildren(...told.lines.map((line) => Object.assign(document.createElement("li"), { textContent: line })));
      } catch (fault) {
        if (mine === asked) say("export-fault", fault.message);
        return;
      }
    }
    $("#export-look").hidden = !look;
    for (const id of ["export-download", "export-send"]) {
      const button = document.getElementById(id);
      button.setAttribute("aria-disabled", String(look));
      button.title = look ? "Look at the film first" : "";
    }
  }

  document.addEventListener("change", (event) => {
    if (event.target.closest && event.target.closest("#export-dialog")) shown();
  });

  function address() {
    const state = page.summary().state;
    const others = { project: "/api/project", masks: "/api/masks", recipe: `/api/states/${state}/recipe` };
    const kind = format() === "dicom" ? `kind=dicom&masks=${withMasks()}` : `bits=${format()}`;
    const found = others[format()] || `/api/states/${state}/export?mark=${mark()}&${kind}`;
    return noRoom ? found + (found.includes("?") ? "&" : "?") + "anyway=true" : found;
  }

  async function download() {
    if (disabled("export-download")) return;
    try {
      await fetched(address(), name());
      $("#export-dialog").close();
    } catch (fault) {
      say("export-fault", fault.message);
      noRoom = fault.status === NO_ROOM;
      if (noRoom) say("export-download", "Download anyway");
    }
  }

  async function fetched(url, name) {
    if (!page.readOnly()) await page.save().catch(() => {});
    const answer = await ask(url);
    const link = document.createElement("a");
    link.href = URL.createObjectURL(await answer.blob());
    link.download = name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60000);
  }

  page.saveProject = async (anyway = false) => {
    if (disabled("bar-save")) return;
    await page.look();
    if (page.engine().look > 0 && !page.readOnly()) return page.openWords(() => page.saveProject(anyway));
    try {
      await fetched("/api/project" + (anyway ? "?anyway=true" : ""), "xreal-project.zip");
    } catch (fault) {
      const buttons = fault.status === NO_ROOM ? [{ label: "Save it anyway", act: () => page.saveProject(true) }] : [];
      canvas().note({ tone: "bad", title: "The project could not be saved.", text: fault.message, buttons });
    }
  };

  async function send() {
    if (disabled("export-send")) return;
    const button = $("#export-send"), before = button.textContent;
    button.setAttribute("aria-disabled", "true");
    button.textContent = "Sending ...";
    say("export-fault", "");
    try {
      const state = page.summary().state;
      const answer = await ask(`/api/states/${state}/send?mark=${mark()}&masks=${withMasks()}`, { method: "POST" });
      $("#export-dialog").close();
      canvas().note({ title: await answer.text(), text: "" });
    } catch (fault) {
      say("export-fault", fault.message);
    }
    button.textContent = before;
    button.setAttribute("aria-disabled", "false");
  }

  Object.assign(page.clicks, {
    "bar-save": () => page.saveProject(),
    "bar-export": () => page.openExport(),
    "export-download": download,
    "export-send": send,
    "export-look-now": () => {
      $("#export-dialog").close();
      page.openWords(() => page.openExport());
    },
    "export-cancel": () => $("#export-dialog").close(),
    "export-close": () => $("#export-dialog").close(),
  });
})();
