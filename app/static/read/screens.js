// What comes before, between and after the cases: code, consent, screen, instructions, breaks.

const make = (tag, className, text) => {
  const node = document.createElement(tag);
  if (className) node.className = className;
  if (text !== undefined) node.textContent = text;
  return node;
};

function check(id, text) {
  const label = make("label", "check s");
  const box = make("input");
  Object.assign(box, { type: "checkbox", id });
  label.append(box, make("span", "", text));
  return { label, box };
}

export function middle(view, heading, text) {
  const box = make("div", "mid");
  if (heading) box.append(make("h1", "", heading));
  if (text) box.append(make("p", "", text));
  view.replaceChildren(box);
  return box;
}

// Each screen fills the view and the panel and returns what the button does: { ready, act, label }.

export function code(view, host, note) {
  middle(view, "Reading room", "Enter the code on your card to begin, or to go on where you stopped.");
  const box = make("div", "col");
  const field = make("input", "field");
  Object.assign(field, { id: "code", autocomplete: "off", spellcheck: false, maxLength: 40 });
  field.setAttribute("autocapitalize", "characters");
  const label = make("label", "h", "Reader code");
  label.htmlFor = "code";
  const wrong = make("p", "wrong");
  wrong.setAttribute("role", "alert");
  wrong.textContent = note || "";
  box.append(make("h2", "", "Welcome"), label, field,
    make("span", "s mute", "On the card you were given, such as R03-K7PX-M2QD. It holds no name."), wrong);
  host.replaceChildren(box);
  field.focus();
  return { ready: () => field.value.trim() !== "", value: () => field.value, label: "Go on", watch: field,
    say: (text) => { wrong.textContent = text; } };
}

export function consent(view, host, text) {
  middle(view, "Before you begin", "Please read the information beside this.");
  const agree = check("agree", "I have read this and take part");
  host.replaceChildren(make("h2", "", "Information"), make("p", "text", text), agree.label);
  agree.box.focus();
  return { ready: () => agree.box.checked, value: () => ({ agreed: true }), label: "Go on", watch: agree.box };
}

export function display(view, host) {
  const box = middle(view, "", "");
  const pattern = make("div", "pat");
  pattern.setAttribute("role", "img");
  pattern.setAttribute("aria-label", "Three squares, black, grey and white, each with a small square of nearly its own tone");
  pattern.append(make("i", "k"), make("i", "g"), make("i", "w"));
  box.append(pattern, make("p", "", "Do you see a small square inside each of the three?"));
  const squares = check("squares", "I see a small square inside each large one");
  const unseen = check("unseen", "I do not see all three, and go on");
  const medical = check("medical", "This is a diagnostic display");
  const size = () => ({ width: Math.round(screen.width * devicePixelRatio), height: Math.round(screen.height * devicePixelRatio) });
  const { width, height } = size();
  const ratio = Math.round(devicePixelRatio * 100);
  squares.box.addEventListener("change", () => { if (squares.box.checked) unseen.box.checked = false; });
  unseen.box.addEventListener("change", () => { if (unseen.box.checked) squares.box.checked = false; });
  host.replaceChildren(make("h2", "", "Your screen"), squares.label, unseen.label, medical.label,
    make("p", "xs dim", `${width} x ${height} at ${ratio} %, noted with your answers.`),
    make("p", "s mute", "If a square is missing, raise the brightness of the screen or dim the room."));
  squares.box.focus();
  const value = () => ({
    squares: squares.box.checked, diagnostic: medical.box.checked, ...size(), ratio: devicePixelRatio,
    inner_width: innerWidth, inner_height: innerHeight, depth: screen.colorDepth,
    theme: document.documentElement.classList.contains("light") ? "light" : "dark",
  });
  return { ready: () => squares.box.checked || unseen.box.checked, value, label: "Go on", watch: host };
}

export function told(view, host, { heading, text, aside, lines = [], label = "Go on" }) {
  middle(view, heading, aside);
  host.replaceChildren(make("h2", "", heading), make("p", "text", text), ...lines.map((line) => make("p", "s mute", line)));
  return { ready: () => true, value: () => null, label };
}

export const KEYS = [
  "1 to 9 answer the question with the bar beside it; Tab reaches everything else.",
  "Enter submits the case. U takes the last answer back before that. Esc pauses.",
  "Arrows change window and level, + and - zoom, 0 fits, I inverts, R resets, Shift and arrows move a zoomed picture.",
  "There is no time limit. Times are noted, without breaks and without time away from this tab.",
];

const passed = new Set(JSON.parse(sessionStorage.getItem("reading.passed") || "[]"));

export function pass(name) {
  passed.add(name);
  sessionStorage.setItem("reading.passed", JSON.stringify([...passed]));
}

// What is read before a case, the first thing last: a break, the next part, the instructions.
export function before(state, begun) {
  const { trial, tag } = state;
  const pages = [];
  const count = trial.count - trial.practices;
  const done = trial.number - 1 - trial.practices;
  if ((trial.starts_block || trial.starts_session) && done > 0 && !begun) {
    const long = trial.starts_session ? " This is a good place to stop for today." : "";
    pages.push([`${tag}.break.${trial.trial_id}`, {
      heading: "Time for a break",
      aside: "Look at something far away for a minute. The room light should stay as it is.",
      text: `${done} of ${count} cases are done, and all answers are on the disk.${long} You can close this tab: the same link and code bring you back to case ${done + 1}.`,
    }]);
  }
  if (trial.before) {
    pages.push([`${tag}.part.${trial.part}`, {
      heading: trial.number > 1 ? "The next part" : "Before you begin",
      aside: "Please read what is said beside this.",
      text: trial.before,
    }]);
  }
  pages.push([`${tag}.instructions`, {
    heading: "How to read",
    aside: "You can stop at any time. The same code brings you back to the same case.",
    text: state.text,
    lines: KEYS,
  }]);
  return pages.filter(([name]) => !passed.has(name));
}
