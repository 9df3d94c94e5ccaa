// The bar at the top and the line above the questions: where the reader is, what is saved.

const at = (id) => document.getElementById(id);

export function saving(kind, text) {
  at("saving").hidden = !text;
  at("saving").dataset.state = kind;
  at("saved").textContent = text;
}

export function banner(text, kind = "warn", label = "", pressed = null) {
  const box = at("banner");
  box.hidden = !text;
  box.className = `banner ${kind}`;
  box.replaceChildren(Object.assign(document.createElement("span"), { className: "grow", textContent: text }));
  if (!label) return;
  const button = Object.assign(document.createElement("button"), { className: "btn", type: "button", textContent: label });
  button.addEventListener("click", pressed);
  box.append(button);
}

export const clock = (text) => new Date(text).toLocaleTimeString([], { hour12: false });

// Trouble is over: its line goes, another one stays.
export function relieved() {
  if (at("banner").classList.contains("bad")) banner("");
}

export function head(state) {
  at("title").textContent = state.title + (state.pilot ? " (pilot)" : "");
  at("reader").textContent = `Reader ${state.reader}`;
  at("out").hidden = false;
  const { trial } = state;
  const steps = at("steps");
  steps.hidden = !trial;
  at("position").textContent = trial ? where(trial) : "";
  if (!trial) return;
  steps.setAttribute("aria-valuemax", trial.count);
  steps.setAttribute("aria-valuenow", trial.number - 1);
  steps.firstElementChild.style.width = `${(100 * (trial.number - 1)) / trial.count}%`;
}

function where(trial) {
  if (trial.practice) return `Practice ${trial.number} of ${trial.practices}`;
  const part = trial.parts > 1 ? `, part ${trial.part} of ${trial.parts}` : "";
  return `Case ${trial.number - trial.practices} of ${trial.count - trial.practices}${part}`;
}

at("theme").addEventListener("click", () => {
  const light = document.documentElement.classList.toggle("light");
  try { localStorage.setItem("reading.theme", light ? "light" : "dark"); } catch { /* not kept */ }
  at("theme").textContent = light ? "Dark" : "Light";
});
at("theme").textContent = document.documentElement.classList.contains("light") ? "Dark" : "Light";
