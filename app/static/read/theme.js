// Before anything is painted: the theme that was chosen here, else the dark one, whatever the system
// prefers: films are read in dim light.
(() => {
  const root = document.documentElement;
  let chosen = null;
  try { chosen = localStorage.getItem("reading.theme"); } catch { /* storage is switched off */ }
  root.classList.toggle("light", chosen === "light");
})();
