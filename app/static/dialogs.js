// The theme of the page, and what its other scripts share; loaded first.
(() => {
  "use strict";
  const XREAL = (window.XREAL = window.XREAL || {});
  const page = (XREAL.page = XREAL.page || {});
  const $ = (page.$ = (selector) => document.querySelector(selector));

  page.say = (id, text) => {
    const place = document.getElementById(id);
    if (place && place.textContent !== text) place.textContent = text;
  };
  // The sentence of a refusal, which may come wrapped in JSON.
  page.refusal = async (answer) => {
    const text = await answer.text();
    try {
      const { detail } = JSON.parse(text);
      return typeof detail === "string" ? detail : "That could not be read. Reload the page.";
    } catch {
      return text;
    }
  };

  page.ask = async (url, options) => {
    const answer = await fetch(url, { cache: "no-store", ...options });
    if (answer.status === 401) XREAL.loggedOut?.();
    if (!answer.ok) throw Object.assign(new Error(await page.refusal(answer)), { status: answer.status });
    return answer;
  };

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

  page.clicks = {
    "bar-theme": () =>
      page.theme(document.documentElement.classList.contains("light") ? "dark" : "light"),
  };
})();
