// The login and the password page: what was typed goes to the server, which says yes or why not.
(() => {
  "use strict";
  const $ = (selector) => document.querySelector(selector);
  const asked = new URLSearchParams(location.search);
  const WHY = {
    ended: "You were logged out: nothing was done for a while, you logged in elsewhere, or the server was started again. What you drew is saved.",
    out: "You are logged out.",
  };

  // A logged-out browser has forgotten everything else; the theme comes along in the address.
  let theme = location.hash === "#light" ? "light" : null;
  try {
    theme = theme || localStorage.getItem("xreal-theme");
    if (theme) localStorage.setItem("xreal-theme", theme);
  } catch {
    // a browser without storage forgets the theme, nothing else
  }
  document.documentElement.classList.toggle("light", theme === "light");
  document.documentElement.classList.toggle("dark", theme !== "light");

  const why = $("#why");
  if (why) {
    why.textContent = WHY[asked.get("why")] || "";
    why.hidden = !why.textContent;
  }

  // Only to a page of this server.
  function next() {
    const path = asked.get("next") || "/";
    return /^\/(?!\/)[\w/-]*$/.test(path) ? path : "/";
  }

  const form = $("#form"), fault = $("#fault"), button = $("#form button");
  const clear = () => {
    for (const field of form.querySelectorAll("[type=password]")) field.value = "";
    form.querySelector("[type=password]").focus();
  };
  let waiting = false;
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (waiting) return;
    fault.textContent = "";
    const again = $("#again");
    if (again && again.value !== $("#new").value) {
      fault.textContent = "The two new passwords are not the same.";
      return again.focus();
    }
    waiting = true;
    button.setAttribute("aria-disabled", "true");
    try {
      const answer = await fetch(form.dataset.to, { method: "POST", body: new URLSearchParams(new FormData(form)) });
      if (answer.ok) return location.replace(form.dataset.to === "/login" ? next() : "/");
      fault.textContent = await answer.text();
      clear();
    } catch {
      fault.textContent = "The server does not answer. Try again in a moment.";
    }
    waiting = false;
    button.removeAttribute("aria-disabled");
  });
})();
