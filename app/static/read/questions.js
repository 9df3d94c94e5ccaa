// The questions of one trial: drawn from the protocol's words, answered by mouse or keyboard.

const make = (tag, className, text) => {
  const node = document.createElement(tag);
  if (className) node.className = className;
  if (text !== undefined) node.textContent = text;
  return node;
};
const capital = (text) => text.charAt(0).toUpperCase() + text.slice(1);
const LISTED = new Set(["scale", "choice", "yes_no", "side"]);

export class Questions {
  // changed(name, value, typed): an answer was given; placed(marks): the marks are these now
  constructor(host, trial, answers, names, changed, placed) {
    Object.assign(this, { host, trial, names, changed, placed });
    this.answers = structuredClone(answers);
    this.past = [];
    this.locked = false;
    this.mark = -1;
    this.six = trial.kind === "pair" ? sixOf(trial.questions) : null;
    this.shown = this.six ? trial.questions.filter((one) => one !== this.six.scale) : trial.questions;
    this.boxes = new Map();
    host.replaceChildren(...this.shown.map((one, n) => this.drawn(one, n)));
    this.refresh();
  }

  drawn(question, n) {
    const box = make("fieldset");
    const legend = make("legend", "", `${this.shown.length > 1 ? `${n + 1}. ` : ""}${question.text}`);
    if (question.kind === "marks") legend.append(make("span", "opt", `0 to ${question.most} places`));
    else if (!question.required) legend.append(make("span", "opt", "optional"));
    const tick = make("span", "tick", "\u2713");
    legend.append(tick);
    box.append(legend);
    this.boxes.set(question.name, { box, tick });
    if (this.six && question === this.six.side) box.append(this.sixed());
    else if (question.kind === "text") box.append(this.text(question));
    else if (question.kind === "tags") box.append(this.tags(question));
    else if (question.kind === "marks") box.append(this.places(question));
    else box.append(this.listed(question));
    box.addEventListener("focusin", () => { this.now = question; this.refresh(); });
    return box;
  }

  options(question) {
    if (question.kind === "scale") return question.anchors.map((text, n) => [n + 1, text]);
    if (question.kind === "choice") return question.anchors.map((text) => [text, text]);
    if (question.kind === "yes_no") return [[true, "yes"], [false, "no"]];
    const sides = [["left", `Picture ${this.names[0]}`], ["right", `Picture ${this.names[1]}`]];
    return question.tie ? [sides[0], ["tie", "no difference"], sides[1]] : sides;
  }

  option(group, key, text, label, chosen) {
    const row = make("label", "o");
    const input = make("input");
    Object.assign(input, { type: "radio", name: group });
    input.setAttribute("aria-label", label);
    input.addEventListener("change", chosen);
    // After a click of the mouse the arrows belong to the picture again, not to the answer.
    input.addEventListener("click", (event) => { if (event.detail > 0) input.blur(); });
    row.append(input, make("kbd", "", key), make("span", "", text));
    return { row, input };
  }

  listed(question) {
    const list = make("div", "opts");
    this.boxes.get(question.name).inputs = this.options(question).map(([value, text], n) => {
      const made = this.option(question.name, n + 1, capital(text), capital(text), () => this.set(question, value));
      list.append(made.row);
      return [value, made.input];
    });
    return list;
  }

  // Choice and certainty in one press: from sure of the first to sure of the second picture.
  sixed() {
    const { side, scale } = this.six;
    const list = make("div", "six");
    const words = scale.anchors;
    const inputs = [];
    const order = [["left", 3], ["left", 2], ["left", 1], ["right", 1], ["right", 2], ["right", 3]];
    list.append(make("span", "s mute", `Picture ${this.names[0]}`));
    order.forEach(([choice, sure], n) => {
      if (n === 3) list.append(make("span", "gap"));
      const label = `Picture ${this.names[choice === "left" ? 0 : 1]}, ${words[sure - 1]}`;
      const made = this.option(side.name, n + 1, words[sure - 1], label, () => this.setBoth(choice, sure));
      list.append(made.row);
      inputs.push([`${choice} ${sure}`, made.input]);
    });
    list.append(make("span", "s mute", `Picture ${this.names[1]}`));
    this.boxes.get(side.name).inputs = inputs;
    return list;
  }

  setBoth(choice, sure) {
    this.remember();
    this.answers[this.six.side.name] = choice;
    this.answers[this.six.scale.name] = sure;
    this.changed(this.six.side.name, choice);
    this.changed(this.six.scale.name, sure);
    this.refresh();
  }

  text(question) {
    const area = make("textarea", "field");
    area.rows = 2;
    area.placeholder = "No names, no patient data";
    area.maxLength = 4000;
    area.setAttribute("aria-label", question.text);
    area.value = this.answers[question.name] || "";
    area.addEventListener("input", () => {
      this.answers[question.name] = area.value;
      this.changed(question.name, area.value, true);
      this.refresh();
    });
    area.addEventListener("blur", () => { this.now = null; this.refresh(); });
    this.boxes.get(question.name).area = area;
    return area;
  }

  tags(question) {
    const list = make("div", "tags");
    list.setAttribute("role", "group");
    list.setAttribute("aria-label", question.text);
    this.boxes.get(question.name).buttons = question.anchors.map((text) => {
      const button = make("button", "", capital(text));
      button.type = "button";
      button.addEventListener("click", () => this.toggle(question, text));
      list.append(button);
      return [text, button];
    });
    return list;
  }

  toggle(question, text) {
    const now = this.answers[question.name] || [];
    this.set(question, now.includes(text) ? now.filter((one) => one !== text) : [...now, text]);
  }

  places(question) {
    const part = make("div");
    const places = make("div", "tags places");
    const tags = make("div", "tags");
    tags.setAttribute("role", "group");
    tags.setAttribute("aria-label", "What is wrong at this mark");
    const buttons = question.anchors.map((text) => {
      const button = make("button", "", capital(text));
      button.type = "button";
      button.addEventListener("click", () => this.tagMark(question, text));
      tags.append(button);
      return [text, button];
    });
    part.append(places, tags);
    Object.assign(this.boxes.get(question.name), { places, tags, tagButtons: buttons });
    return part;
  }

  get marking() { return this.trial.questions.find((one) => one.kind === "marks"); }

  addMark(side, place) {
    const question = this.marking;
    if (!question || this.locked) return;
    const marks = this.answers[question.name] || [];
    if (marks.length >= question.most) return;
    const round = (value) => Math.round(value * 10000) / 10000;
    const mark = { x: round(place.x), y: round(place.y) };
    if (this.trial.pictures.length > 1) mark.side = side;
    this.mark = marks.length;
    this.set(question, [...marks, mark]);
    this.now = question;
    this.refresh();
  }

  removeMark() {
    const question = this.marking;
    const marks = question && this.answers[question.name];
    if (!marks || !marks.length || this.locked) return false;
    const gone = this.mark >= 0 && this.mark < marks.length ? this.mark : marks.length - 1;
    this.set(question, marks.filter((_, n) => n !== gone));
    this.mark = marks.length - 2;
    this.refresh();
    return true;
  }

  tagMark(question, text) {
    const marks = structuredClone(this.answers[question.name] || []);
    if (!marks[this.mark]) return;
    if (marks[this.mark].tag === text) delete marks[this.mark].tag;
    else marks[this.mark].tag = text;
    this.set(question, marks);
  }

  remember() { this.past.push(structuredClone(this.answers)); }

  set(question, value) {
    if (this.locked) return;
    this.remember();
    this.answers[question.name] = value;
    this.changed(question.name, value);
    if (LISTED.has(question.kind)) this.now = this.next(question);
    this.refresh();
  }

  next(question) {
    const open = this.shown.filter((one) => one.required && !this.answered(one));
    const after = open.find((one) => this.shown.indexOf(one) > this.shown.indexOf(question));
    if (after || open[0]) return after || open[0];
    // Where the next one takes no number yet, numbers go on correcting this one.
    const following = this.shown[this.shown.indexOf(question) + 1];
    return following && this.takesNumbers(following) ? following : question;
  }

  // U: the answers as they were one step before. What was never answered is open again.
  undo() {
    if (this.locked || !this.past.length) return;
    const before = this.past.pop();
    for (const one of this.trial.questions) {
      const value = before[one.name];
      if (JSON.stringify(value) === JSON.stringify(this.answers[one.name])) continue;
      this.now = this.shown.includes(one) ? one : this.now;
      if (value !== undefined) this.changed(one.name, value);
      else if (one.kind === "marks" || one.kind === "tags") this.changed(one.name, []);
    }
    this.answers = before;
    this.refresh();
  }

  answered(question) {
    const value = this.answers[question.name];
    if (value === undefined || value === "") return false;
    return !this.six || question !== this.six.side || this.answers[this.six.scale.name] !== undefined;
  }

  get open() { return this.shown.find((one) => one.required && !this.answered(one)); }

  get complete() { return !this.open; }

  waiting(open) {
    return this.shown.length > 1 ? `Answer ${this.shown.indexOf(open) + 1} to go on` : "Answer to go on";
  }

  // What is submitted: answers that exist; an emptied list or text counts as one.
  get given() {
    const found = {};
    for (const one of this.trial.questions) {
      const value = this.answers[one.name];
      if (value !== undefined) found[one.name] = value;
    }
    return found;
  }

  key(event) {
    if (this.locked) return false;
    const key = event.key;
    if (key === "Delete" || key === "Backspace") return this.removeMark();
    if (key.toLowerCase() === "u") { this.undo(); return true; }
    if (!/^[1-9]$/.test(key)) return false;
    const question = [this.now, this.open, ...this.shown].find((one) => one && this.takesNumbers(one));
    if (!question) return false;
    const box = this.boxes.get(question.name);
    const n = Number(key) - 1;
    if (box.inputs && box.inputs[n]) { box.inputs[n][1].click(); return true; }
    if (box.buttons && box.buttons[n]) { box.buttons[n][1].click(); return true; }
    if (box.tagButtons && box.tagButtons[n]) { box.tagButtons[n][1].click(); return true; }
    return false;
  }

  takesNumbers(question) {
    if (question.kind === "marks") return question.anchors.length > 0 && (this.answers[question.name] || []).length > 0;
    return question.kind !== "text";
  }

  lock(locked) { this.locked = locked; this.refresh(); }

  refresh() {
    const now = this.now || this.open || this.shown[0];
    if (now !== this.seen) this.boxes.get(now.name).box.scrollIntoView({ block: "nearest" });
    this.seen = now;
    for (const question of this.shown) {
      const part = this.boxes.get(question.name);
      part.box.classList.toggle("now", question === now && !this.locked);
      part.box.disabled = this.locked;
      part.tick.hidden = !this.answered(question);
      const value = this.answers[question.name];
      const both = this.six && question === this.six.side ? `${value} ${this.answers[this.six.scale.name]}` : value;
      (part.inputs || []).forEach(([one, input]) => { input.checked = one === both; });
      (part.buttons || []).forEach(([one, button]) => button.setAttribute("aria-pressed", String((value || []).includes(one))));
      if (part.area && part.area !== document.activeElement) part.area.value = value || "";
      if (part.places) this.refreshPlaces(question, part, value || []);
    }
    const marked = this.marking;
    this.placed(structuredClone((marked && this.answers[marked.name]) || []));
  }

  refreshPlaces(question, part, marks) {
    if (this.mark >= marks.length) this.mark = marks.length - 1;
    part.places.replaceChildren(...marks.map((mark, n) => {
      const said = mark.tag || (question.anchors.length ? "choose below" : "placed");
      const button = make("button", "", `Mark ${n + 1}: ${said}`);
      button.type = "button";
      button.setAttribute("aria-pressed", String(n === this.mark));
      button.addEventListener("click", () => { this.mark = n; this.now = question; this.refresh(); });
      return button;
    }));
    if (marks.length) {
      const remove = make("button", "", "Remove mark");
      remove.type = "button";
      remove.title = "Delete";
      remove.addEventListener("click", () => this.removeMark());
      part.places.append(remove);
    } else {
      part.places.append(make("span", "s mute", "Nothing to mark? Leave it empty. Shift click in the picture, or M and the arrows, puts a mark."));
    }
    const chosen = marks[this.mark] || {};
    part.tagButtons.forEach(([text, button]) => {
      button.setAttribute("aria-pressed", String(chosen.tag === text));
      button.disabled = !marks.length;
    });
  }
}

function sixOf(questions) {
  const required = questions.filter((one) => one.required);
  const [side, scale] = required;
  const fits = required.length === 2 && side.kind === "side" && !side.tie && scale.kind === "scale" && scale.anchors.length === 3;
  return fits ? { side, scale } : null;
}
