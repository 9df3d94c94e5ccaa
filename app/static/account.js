// Who is logged in, where there are users: the name in the bar, logging out, and leaving the page
// when the login has ended, so that nobody finds somebody else's pictures on a screen.
(() => {
  "use strict";
  const XREAL = (window.XREAL = window.XREAL || {});
  const EVERY_MS = 20000;
  const light = () => (document.documentElement.classList.contains("light") ? "#light" : "");
  let gone = false;

  const leave = (why) => {
    if (gone) return;
    gone = true;
    const asked = new URLSearchParams({ why, ...(location.pathname === "/" ? {} : { next: location.pathname }) });
    location.replace(`/login?${asked}${light()}`);
  };
  XREAL.loggedOut = () => leave("ended"); // for whoever is answered by 401

  async function logOut() {
    const page = XREAL.page;
    if (page?.save && !(await page.save()) && !window.confirm("What you drew last is not saved. Log out all the same?")) return;
    await fetch("/logout", { method: "POST" }).catch(() => null);
    leave("out");
  }

  function show(name) {
    const place = document.querySelector("#bar .top"), before = document.querySelector("#bar-theme");
    if (!place || !before) return setTimeout(show, 50, name);
    if (document.getElementById("bar-logout")) return;
    const who = document.createElement("a");
    Object.assign(who, { id: "bar-account", className: "btn quiet", href: "/password", textContent: name, title: `Logged in as ${name}. Change the password` });
    const out = document.createElement("button");
    Object.assign(out, { id: "bar-logout", type: "button", className: "btn quiet", textContent: "Log out" });
    out.addEventListener("click", logOut);
    before.before(who, out);
  }

  async function look() {
    try {
      const answer = await fetch("/api/account", { cache: "no-store" });
      if (answer.status === 401) return leave("ended");
      const { name } = await answer.json();
      if (!name) return; // no users here
      show(name);
    } catch {
      // the server does not answer; the page says so elsewhere
    }
    setTimeout(look, EVERY_MS);
  }
  look();
})();
