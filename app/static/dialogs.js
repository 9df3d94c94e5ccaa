// The export dialog of the page and its theme; loaded first.
(() => {
  "use strict";
  const XREAL = (window.XREAL = window.XREAL || {});
  const page = (XREAL.page = XREAL.page || {});
  const $ = (page.$ = (selector) => document.querySelector(selector));

  page.say = (id, text) => {
    const place = document.getElementById(id);
    if (place && place.textContent !== text) place.textContent = text;
  };
  page.ask = async (url, options) => {
    const answer = await fetch(url, { cache: "no-store", ...options });
    if (!answer.ok) throw new Error(await answer.text());
    return answer;
  };
  const { say, ask } = page;
  const summary = () => page.summary();

  page.theme = (name) => {
    document.documentElement.classList.toggle("light", name === "light");
    document.documentElement.classList.toggle("dark", name !== "light");
    document.body.classList.toggle("dark", name !== "light");
    try {
      localStorage.setItem("xreal-theme", name);
    } catch {
      // a browser without storage forgets the theme, nothing else
    }
    const button = $("#bar-theme");
    if (button) button.setAttribute("aria-label", `Theme: ${name}`);
  };

  page.openExport = () => {
    if ($("#bar-export")?.getAttribute("aria-disabled") === "true") return;
    const now = summary();
    say("export-title", `Export state ${now.state}`);
    say("export-fault", "");
    $("#export-dialog").showModal();
  };

  async function download() {
    const state = summary().state;
    const mark = $("#export-mark").checked ? $("#export-where input:checked").value : "none";
    const bits = $("#export-format input:checked").value;
    try {
      const answer = await ask(`/api/states/${state}/export?mark=${mark}&bits=${bits}`);
      const link = document.createElement("a");
      link.href = URL.createObjectURL(await answer.blob());
      link.download = `xreal-state-${state}.png`;
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), 60000);
      $("#export-dialog").close();
    } catch (fault) {
      say("export-fault", fault.message);
    }
  }

  page.clicks = {
    "bar-export": page.openExport,
    "bar-theme": () =>
      page.theme(document.documentElement.classList.contains("light") ? "dark" : "light"),
    "export-download": download,
    "export-cancel": () => $("#export-dialog").close(),
    "export-close": () => $("#export-dialog").close(),
  };
})();
