// The page is seen once all of its scripts are there and hear what is pressed: its framework shows
// the controls earlier, and a press would go nowhere (app/pages/edit.py hides it). Loaded last.
(() => {
  "use strict";
  const XREAL = window.XREAL;
  const show = () => {
    if (XREAL.canvas && XREAL.tell) document.documentElement.classList.add("ready");
    else setTimeout(show, 30);
  };
  show();
})();
