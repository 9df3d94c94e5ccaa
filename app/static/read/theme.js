// Before anything is painted: the theme that was chosen here, else that of the system.
(() => {
  const root = document.documentElement;
  let chosen = null;
  try { chosen = localStorage.getItem("reading.theme"); } catch { /* storage is switched off */ }
  const light = chosen ? chosen === "light" : matchMedia("(prefers-color-scheme: light)").matches;
  root.classList.toggle("light", light);
})();
