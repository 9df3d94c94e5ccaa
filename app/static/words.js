// Words in a film: before anything with its pixels leaves, a person looks at the places that may
// be words, blacks out what names anybody or says that nothing does. Loaded after files.js.
(() => {
  "use strict";
  const XREAL = (window.XREAL = window.XREAL || {});
  const page = XREAL.page;
  const { $, say, ask } = page;
  const CROP = { width: 190, height: 44 };
  let films = []; // as /api/films tells
  let film = null; // the one that is looked at
  let places = []; // {box: [top, left, bottom, right] in px of the film, ticked, mine}
  let then = null; // what was asked for before somebody had to look

  const canvas = () => XREAL.canvas || null;
  const dialog = () => $("#words-dialog");
  const image = () => $("#words-picture");
  function make(tag, attributes, ...children) {
    const made = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
    made.append(...children);
    return made;
  }

  // ---- which film ------------------------------------------------------------------------------

  page.openWords = async (after = null) => {
    then = after;
    say("words-fault", "");
    try {
      films = (await (await ask("/api/films")).json()).filter((one) => !one.synthetic);
    } catch (fault) {
      return canvas().note({ tone: "bad", title: "The films could not be asked for.", text: fault.message });
    }
    film = films.find((one) => !one.looked) || films[0];
    if (!film) return then && then();
    show();
    if (!dialog().open) dialog().showModal();
    // The message that asked for this look would ask on beside it, and after it.
    if ($(".xc .note")?.textContent.includes("Words in the film")) canvas().note(null);
  };

  function show() {
    places = film.found.filter((box) => !film.blacked.some((done) => within(box, done)))
      .map((box) => ({ box, ticked: false, mine: false }));
    const count = places.length;
    const seen = count ? `${count === 1 ? "1 place looks" : `${count} places look`} like words. ` : "No place was found that looks like words, but no search finds all. ";
    const stated = film.stated === true ? "The file says that words in the picture name the patient. " : "";
    say("words-why", `${stated}${seen}Look at the whole film. What you black out is gone from this document for good, in all states that came of the film.`);
    image().onload = draw;
    image().src = film.url;
    draw();
  }

  const within = (box, other) => box[0] >= other[0] && box[1] >= other[1] && box[2] <= other[2] && box[3] <= other[3];

  // ---- drawing -----------------------------------------------------------------------------------

  // px of the film -> px of the picture that is shown, which an edit may have enlarged or framed
  const here = (box) => {
    const [top, left, scale] = film.place;
    return [box[0] * scale + top, box[1] * scale + left, box[2] * scale + top, box[3] * scale + left];
  };
  function placed(button, box) {
    const { naturalWidth: w, naturalHeight: h } = image();
    const [top, left, bottom, right] = here(box);
    Object.assign(button.style, {
      top: `${(100 * top) / h}%`, left: `${(100 * left) / w}%`,
      height: `${(100 * (bottom - top)) / h}%`, width: `${(100 * (right - left)) / w}%`,
    });
    button.classList.toggle("low", top < h * 0.06);
  }

  function draw() {
    if (!film || !image().naturalWidth) return;
    const sheet = $("#words-film .sheet"), list = $("#words-places");
    for (const old of sheet.querySelectorAll(".place")) old.remove();
    for (const box of film.blacked) {
      const done = make("span", { class: "place done", title: "Blacked out" });
      placed(done, box);
      sheet.append(done);
    }
    places.forEach((place, k) => {
      const name = `Place ${k + 1}`;
      const button = make("button", {
        type: "button", class: "place", "aria-pressed": place.ticked, "aria-label": `Black out place ${k + 1} on the film`,
        title: place.mine ? `${name}: arrows move it, Shift and arrows change its size, Delete takes it away` : name,
      }, make("b", {}, String(k + 1)));
      placed(button, place.box);
      button.addEventListener("click", () => tick(k, !place.ticked));
      button.addEventListener("keydown", (event) => place.mine && moved(event, k));
      sheet.append(button);
    });
    list.replaceChildren(...places.map(row));
    counted();
  }

  function row(place, k) {
    const box = make("input", { type: "checkbox", "aria-label": `Black out place ${k + 1}` });
    box.checked = place.ticked;
    box.addEventListener("change", () => tick(k, box.checked));
    return make("li", {}, make("label", {}, box, make("span", {}, String(k + 1)), crop(place.box)));
  }

  // The place enlarged, so that small letters can be read.
  function crop(box) {
    const [top, left, bottom, right] = here(box);
    const scale = Math.min(CROP.width / (right - left), CROP.height / (bottom - top), 8);
    const shown = make("canvas", { width: Math.max(1, Math.round((right - left) * scale)), height: Math.max(1, Math.round((bottom - top) * scale)), "aria-hidden": "true" });
    shown.getContext("2d").drawImage(image(), left, top, right - left, bottom - top, 0, 0, shown.width, shown.height);
    return shown;
  }

  function tick(k, on) {
    places[k].ticked = on;
    const button = document.querySelectorAll("#words-film button.place")[k];
    const box = document.querySelectorAll("#words-places input")[k];
    button.setAttribute("aria-pressed", String(on));
    box.checked = on;
    counted();
  }

  function counted() {
    const count = places.filter((place) => place.ticked).length, before = film.blacked.length;
    const needed = film.stated === true && !count && !before;
    const done = $("#words-done");
    done.textContent = count ? `Black out ${count === 1 ? "1 place" : `${count} places`}`
      : before ? "Nothing else names anybody" : "Nothing names anybody";
    done.setAttribute("aria-disabled", String(needed));
    done.title = needed ? "The file says that there are words: mark where they are" : "";
    say("words-note", needed ? "Mark where the words are, then black them out." : "Your decision is kept in the document and in the ledger.");
  }

  // ---- places of one's own -------------------------------------------------------------------------

  const bounded = (box) => {
    const high = Math.min(Math.max(4, box[2] - box[0]), film.height), wide = Math.min(Math.max(4, box[3] - box[1]), film.width);
    const top = Math.round(Math.min(Math.max(0, box[0]), film.height - high));
    const left = Math.round(Math.min(Math.max(0, box[1]), film.width - wide));
    return [top, left, Math.round(top + high), Math.round(left + wide)];
  };

  function add(box) {
    places.push({ box: bounded(box), ticked: true, mine: true });
    draw();
    document.querySelectorAll("#words-film button.place")[places.length - 1].focus();
  }

  function moved(event, k) {
    const step = Math.max(1, Math.round(Math.max(film.width, film.height) / 200));
    const by = { ArrowUp: [-step, 0], ArrowDown: [step, 0], ArrowLeft: [0, -step], ArrowRight: [0, step] }[event.key];
    if (event.key === "Delete") places.splice(k, 1);
    else if (by && event.shiftKey) places[k].box = bounded([places[k].box[0], places[k].box[1], places[k].box[2] + by[0], places[k].box[3] + by[1]]);
    else if (by) places[k].box = bounded([places[k].box[0] + by[0], places[k].box[1] + by[1], places[k].box[2] + by[0], places[k].box[3] + by[1]]);
    else return;
    event.preventDefault();
    draw();
    document.querySelectorAll("#words-film button.place")[Math.min(k, places.length - 1)]?.focus();
  }

  let from = null; // where a drag began, px of the film
  function at(event) {
    const frame = image().getBoundingClientRect(), [top, left, scale] = film.place;
    const x = ((event.clientX - frame.left) / frame.width) * image().naturalWidth;
    const y = ((event.clientY - frame.top) / frame.height) * image().naturalHeight;
    return [(y - top) / scale, (x - left) / scale];
  }
  document.addEventListener("pointerdown", (event) => {
    if (!event.target.closest || !event.target.closest("#words-film .sheet") || event.target.closest(".place")) return;
    event.preventDefault();
    from = at(event);
  });
  document.addEventListener("pointerup", (event) => {
    if (!from || !film) return;
    const to = at(event), start = from;
    from = null;
    const box = [Math.min(start[0], to[0]), Math.min(start[1], to[1]), Math.max(start[0], to[0]), Math.max(start[1], to[1])];
    if (box[2] - box[0] >= 3 && box[3] - box[1] >= 3) add(box);
  });

  // ---- deciding -----------------------------------------------------------------------------------

  async function decide() {
    if ($("#words-done").getAttribute("aria-disabled") === "true") return;
    const boxes = places.filter((place) => place.ticked).map((place) => place.box);
    $("#words-done").setAttribute("aria-disabled", "true"); // once, however often it is pressed
    try {
      const answer = await ask(`/api/films/${film.key}`, {
        method: "POST", body: JSON.stringify({ doc: page.summary().doc, boxes }),
      });
      await canvas().apply(await answer.json());
    } catch (fault) {
      counted();
      return say("words-fault", fault.message);
    }
    await page.look();
    film.looked = true;
    const next = films.find((one) => !one.looked);
    if (next) {
      film = next;
      return show();
    }
    const after = then;
    then = null;
    dialog().close();
    if (after) after();
  }

  // The bar says so as long as somebody has to look.
  const describe = page.describe;
  page.describe = (...values) => {
    describe(...values);
    const button = $("#words-check");
    if (button) button.hidden = !page.engine().look;
  };
  let shown = null;
  document.addEventListener("xreal", (event) => {
    const told = event.detail;
    if (told?.kind !== "changed" || told.summary.state === shown) return;
    shown = told.summary.state;
    page.look();
  });

  Object.assign(page.clicks, {
    "words-check": () => !page.readOnly() && page.openWords(),
    "words-done": decide,
    "words-add": () => film && add([film.height * 0.45, film.width * 0.35, film.height * 0.55, film.width * 0.65]),
    "words-later": () => dialog().close(),
    "words-close": () => dialog().close(),
  });
})();
