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
  page.ask = async (url, options) => {
    const answer = await fetch(url, { cache: "no-store", ...options });
    if (!answer.ok) throw new Error(await answer.text());
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
