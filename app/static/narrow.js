// Narrow pages, as with a zoom of 200 %: the side columns are drawers over the picture. Also the
// height of the bar, which may need two lines there. Loaded after dialogs.js.
(() => {
  "use strict";
  const XREAL = (window.XREAL = window.XREAL || {});
  const page = XREAL.page;
  const { $ } = page;
  const narrow = window.matchMedia("(max-width: 1099px)");
  const folds = () => $("#editor [data-do=fold]");
  const column = () => Boolean(folds()) && folds().getAttribute("aria-label").startsWith("Hide");

  function named() {
    const button = $("#bar-ask");
    if (!button) return;
    const open = !document.body.classList.contains("folded");
    button.setAttribute("aria-label", `${open ? "Hide" : "Show"} request panel`);
    button.setAttribute("aria-expanded", String(open));
    button.title = `${open ? "Hide" : "Show"} request panel (Shift+\\)`;
  }

  // Where there is room for one drawer only, opening one closes the other.
  page.foldAsk = (fold) => {
    const folded = document.body.classList.toggle("folded", fold);
    if (narrow.matches && !folded && column()) XREAL.canvas.fold();
    named();
  };

  // The panel is a closed drawer where the page becomes narrow, and open where it is wide again.
  const settle = () => page.foldAsk(narrow.matches);

  page.clicks["bar-ask"] = () => {
    page.foldAsk();
    if (!document.body.classList.contains("folded")) $("#verb input:checked")?.focus();
  };
  // A verb that is chosen by its key is looked at, and so is the report.
  document.addEventListener("xreal", (event) => {
    const kind = (event.detail || {}).kind;
    if (narrow.matches && (kind === "verb" || kind === "report")) page.foldAsk(false);
  }, true);
  document.addEventListener("click", (event) => {
    if (!event.target.closest?.("[data-do=fold]")) return;
    setTimeout(() => narrow.matches && column() && page.foldAsk(true)); // it says so a moment later
  });
  narrow.addEventListener("change", settle);
  const begin = () => {
    const bar = $("#bar header");
    if (!bar) return void setTimeout(begin, 50);
    new ResizeObserver(() => {
      document.documentElement.style.setProperty("--bar", `${bar.getBoundingClientRect().height}px`);
    }).observe(bar);
    if (narrow.matches) settle();
    named();
  };
  begin();
})();
