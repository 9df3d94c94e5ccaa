// Pictures on a canvas: window and level, zoom, pan, invert, marks. All of it runs in this browser;
// the server is not asked and the file is not encoded again.

const FULL = { width: 255, level: 127.5 };
const STEP = 8;
const MOST_ZOOM = 12;

export async function decoded(blob) {
  const bitmap = await createImageBitmap(blob, { colorSpaceConversion: "none" });
  const canvas = new OffscreenCanvas(bitmap.width, bitmap.height);
  const pen = canvas.getContext("2d", { willReadFrequently: true });
  pen.drawImage(bitmap, 0, 0);
  const rgba = pen.getImageData(0, 0, bitmap.width, bitmap.height);
  const codes = new Uint8Array(rgba.data.length / 4);
  for (let i = 0; i < codes.length; i += 1) codes[i] = rgba.data[4 * i];
  return { codes, width: bitmap.width, height: bitmap.height };
}

class Pane {
  constructor(host, name, changed) {
    this.changed = changed;
    this.box = document.createElement("div");
    this.box.className = "pane";
    this.canvas = document.createElement("canvas");
    this.canvas.tabIndex = 0;
    this.canvas.setAttribute("role", "img");
    this.canvas.setAttribute("aria-label", name);
    this.box.append(this.canvas);
    host.append(this.box);
    this.reset();
    this.marks = [];
    this.cursor = null;
    this.watch = new ResizeObserver(() => this.draw());
    this.watch.observe(this.box);
  }

  label(text, className) {
    const span = document.createElement("span");
    span.className = className;
    span.textContent = text;
    this.box.append(span);
    return span;
  }

  set(picture) {
    this.picture = picture;
    this.sheet = new OffscreenCanvas(picture.width, picture.height);
    this.tone();
  }

  reset() {
    this.window = { ...FULL };
    this.invert = false;
    this.zoom = 1;
    this.centre = { x: 0.5, y: 0.5 };
  }

  tone() {
    if (!this.picture) return;
    const table = new Uint8ClampedArray(256);
    const low = this.window.level - this.window.width / 2;
    for (let v = 0; v < 256; v += 1) {
      const grey = ((v - low) / this.window.width) * 255;
      table[v] = this.invert ? 255 - Math.min(Math.max(grey, 0), 255) : grey;
    }
    const pen = this.sheet.getContext("2d");
    const image = pen.createImageData(this.picture.width, this.picture.height);
    const { codes } = this.picture;
    for (let i = 0; i < codes.length; i += 1) {
      const grey = table[codes[i]];
      image.data[4 * i] = grey; image.data[4 * i + 1] = grey; image.data[4 * i + 2] = grey;
      image.data[4 * i + 3] = 255;
    }
    pen.putImageData(image, 0, 0);
    this.draw();
  }

  // The rectangle of the picture on the canvas, in device px.
  frame() {
    const ratio = devicePixelRatio || 1;
    const width = Math.max(1, Math.round(this.box.clientWidth * ratio));
    const height = Math.max(1, Math.round(this.box.clientHeight * ratio));
    const { width: w, height: h } = this.picture;
    const fit = Math.min(width / w, height / h);
    const scale = fit * this.zoom;
    const clamp = (value, shown, whole) =>
      whole <= shown ? 0.5 : Math.min(Math.max(value, shown / 2 / whole), 1 - shown / 2 / whole);
    this.centre.x = clamp(this.centre.x, width, w * scale);
    this.centre.y = clamp(this.centre.y, height, h * scale);
    return { ratio, width, height, scale, x: width / 2 - this.centre.x * w * scale, y: height / 2 - this.centre.y * h * scale };
  }

  draw() {
    if (!this.picture || !this.box.clientWidth) return;
    const at = this.frame();
    if (this.canvas.width !== at.width || this.canvas.height !== at.height) {
      this.canvas.width = at.width;
      this.canvas.height = at.height;
    }
    const pen = this.canvas.getContext("2d");
    pen.fillStyle = "#000";
    pen.fillRect(0, 0, at.width, at.height);
    pen.imageSmoothingEnabled = true;
    pen.imageSmoothingQuality = "high";
    const w = this.picture.width * at.scale, h = this.picture.height * at.scale;
    pen.drawImage(this.sheet, at.x, at.y, w, h);
    this.marks.forEach((mark, n) => circle(pen, at, at.x + mark.x * w, at.y + mark.y * h, mark.number || n + 1));
    if (this.cursor) cross(pen, at, at.x + this.cursor.x * w, at.y + this.cursor.y * h);
    this.changed(this);
  }

  // Place on the screen (client px) to shares of the picture; null outside.
  place(event) {
    const box = this.canvas.getBoundingClientRect();
    const at = this.frame();
    const x = ((event.clientX - box.left) * at.ratio - at.x) / (this.picture.width * at.scale);
    const y = ((event.clientY - box.top) * at.ratio - at.y) / (this.picture.height * at.scale);
    return x >= 0 && x <= 1 && y >= 0 && y <= 1 ? { x, y } : null;
  }

  zoomBy(factor, around) {
    const before = around || { ...this.centre };
    const zoom = Math.min(Math.max(this.zoom * factor, 1), MOST_ZOOM);
    const share = this.zoom / zoom;
    this.centre = { x: before.x + (this.centre.x - before.x) * share, y: before.y + (this.centre.y - before.y) * share };
    this.zoom = zoom;
    this.draw();
  }
}

function circle(pen, at, x, y, text) {
  const r = 13 * at.ratio;
  for (const [colour, width] of [["#000", 4], ["#fff", 2]]) {
    pen.strokeStyle = colour;
    pen.lineWidth = width * at.ratio;
    pen.beginPath();
    pen.arc(x, y, r, 0, 2 * Math.PI);
    pen.stroke();
  }
  pen.font = `600 ${14 * at.ratio}px sans-serif`;
  pen.lineWidth = 3 * at.ratio;
  pen.strokeStyle = "#000";
  pen.strokeText(text, x + r, y - r);
  pen.fillStyle = "#fff";
  pen.fillText(text, x + r, y - r);
}

function cross(pen, at, x, y) {
  const r = 16 * at.ratio;
  for (const [colour, width] of [["#000", 4], ["#8fa8ff", 2]]) {
    pen.strokeStyle = colour;
    pen.lineWidth = width * at.ratio;
    pen.beginPath();
    pen.moveTo(x - r, y); pen.lineTo(x + r, y); pen.moveTo(x, y - r); pen.lineTo(x, y + r);
    pen.stroke();
  }
}

export class Viewer {
  // names: one or two labels; onMark(side, place) is called where a place is marked
  constructor(host, names, onMark) {
    this.onMark = onMark;
    this.panes = names.map((name, n) => {
      const pane = new Pane(host, names.length > 1 ? `Picture ${name}` : "Picture", (one) => this.told(one));
      if (names.length > 1) pane.label(name, "num");
      pane.label("R", "side").style.left = "8px";
      pane.label("L", "side").style.right = "8px";
      pane.left = document.createElement("div");
      pane.left.className = "hud l";
      pane.left.append(document.createElement("span"));
      pane.right = document.createElement("div");
      pane.right.className = "hud r";
      pane.right.append(document.createElement("span"));
      pane.box.append(pane.left, pane.right);
      pane.side = n ? "right" : "left";
      this.listen(pane);
      return pane;
    });
    this.used = new Set();
  }

  told(pane) {
    if (!pane.left) return;
    pane.left.firstChild.textContent = `W ${Math.round(pane.window.width)} L ${Math.round(pane.window.level)}${pane.invert ? " inverted" : ""}`;
    pane.right.firstChild.textContent = `Zoom ${Math.round(pane.zoom * 100)} %`;
  }

  close() { this.panes.forEach((pane) => { pane.watch.disconnect(); pane.box.remove(); }); }

  // With Alt one pane alone, else both.
  of(pane, event) { return event.altKey && pane ? [pane] : this.panes; }

  listen(pane) {
    let drag = null;
    pane.canvas.addEventListener("contextmenu", (event) => event.preventDefault());
    pane.canvas.addEventListener("pointerdown", (event) => {
      if (event.button === 0 && event.shiftKey) {
        const place = pane.place(event);
        if (place) this.onMark(pane.side, place);
        event.preventDefault();
        return;
      }
      drag = { x: event.clientX, y: event.clientY, tone: event.button === 2 };
      pane.canvas.setPointerCapture(event.pointerId);
    });
    pane.canvas.addEventListener("pointermove", (event) => {
      if (!drag) return;
      const dx = event.clientX - drag.x, dy = event.clientY - drag.y;
      drag.x = event.clientX; drag.y = event.clientY;
      for (const one of this.of(pane, event)) {
        if (drag.tone) this.window(one, dx, dy);
        else this.pan(one, -dx, -dy);
      }
    });
    const end = () => { drag = null; };
    pane.canvas.addEventListener("pointerup", end);
    pane.canvas.addEventListener("pointercancel", end);
    pane.canvas.addEventListener("wheel", (event) => {
      event.preventDefault();
      this.used.add("zoom");
      const place = pane.place(event);
      for (const one of this.of(pane, event)) one.zoomBy(Math.exp(-event.deltaY * 0.0015), place);
    }, { passive: false });
  }

  window(pane, dx, dy) {
    this.used.add("window");
    pane.window.width = Math.min(Math.max(pane.window.width + dx, 2), 510);
    pane.window.level = Math.min(Math.max(pane.window.level + dy, 0), 255);
    pane.tone();
  }

  pan(pane, dx, dy) {
    if (pane.zoom === 1) return;
    const at = pane.frame();
    pane.centre.x += (dx * at.ratio) / (pane.picture.width * at.scale);
    pane.centre.y += (dy * at.ratio) / (pane.picture.height * at.scale);
    pane.draw();
  }

  // A key that is the viewer's: true where it was.
  key(event) {
    const focused = this.panes.find((pane) => pane.canvas === document.activeElement);
    const panes = this.of(focused, event);
    if (this.marker) return this.moveMarker(event);
    const arrows = { ArrowLeft: [-STEP, 0], ArrowRight: [STEP, 0], ArrowUp: [0, -STEP], ArrowDown: [0, STEP] };
    if (arrows[event.key]) {
      const [dx, dy] = arrows[event.key];
      panes.forEach((pane) => (event.shiftKey ? this.pan(pane, dx * 5, dy * 5) : this.window(pane, dx, dy)));
      return true;
    }
    const acts = {
      "+": () => panes.forEach((pane) => pane.zoomBy(1.25)),
      "=": () => panes.forEach((pane) => pane.zoomBy(1.25)),
      "-": () => panes.forEach((pane) => pane.zoomBy(0.8)),
      "0": () => panes.forEach((pane) => { pane.zoom = 1; pane.draw(); }),
      i: () => { this.used.add("window"); panes.forEach((pane) => { pane.invert = !pane.invert; pane.tone(); }); },
      r: () => panes.forEach((pane) => { pane.reset(); pane.tone(); }),
    };
    const act = acts[event.key.length === 1 ? event.key.toLowerCase() : ""];
    if (!act) return false;
    if ("+=-".includes(event.key)) this.used.add("zoom");
    act();
    return true;
  }

  // Marking by keyboard: a cross that arrows move and Enter or Space puts down.
  startMarker() {
    const now = this.marker ? this.panes.indexOf(this.marker) : -1;
    this.endMarker();
    if (now + 1 >= this.panes.length) return;
    this.marker = this.panes[now + 1];
    this.marker.cursor = { ...this.marker.centre };
    this.marker.box.classList.add("marking");
    this.marker.draw();
  }

  endMarker() {
    if (!this.marker) return;
    this.marker.cursor = null;
    this.marker.box.classList.remove("marking");
    this.marker.draw();
    this.marker = null;
  }

  moveMarker(event) {
    const step = event.shiftKey ? 0.05 : 0.01;
    const arrows = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
    const { cursor } = this.marker;
    if (arrows[event.key]) {
      cursor.x = Math.min(Math.max(cursor.x + arrows[event.key][0] * step, 0), 1);
      cursor.y = Math.min(Math.max(cursor.y + arrows[event.key][1] * step, 0), 1);
      this.marker.draw();
      return true;
    }
    if (event.key === "Enter" || event.key === " ") {
      const { side } = this.marker;
      this.endMarker();
      this.onMark(side, { ...cursor });
      return true;
    }
    if (event.key === "Escape") { this.endMarker(); return true; }
    return false;
  }

  setMarks(marks) {
    marks.forEach((mark, n) => { mark.number = n + 1; });
    for (const pane of this.panes) {
      pane.marks = marks.filter((mark) => this.panes.length === 1 || (mark.side || "left") === pane.side);
      pane.draw();
    }
  }

  choose(side) { this.panes.forEach((pane) => pane.box.classList.toggle("chosen", this.panes.length > 1 && pane.side === side)); }

  // How the pictures were looked at, for the record; null where they were left as they are.
  summary() {
    if (!this.used.size) return null;
    return { used: [...this.used], panes: this.panes.map((pane) => ({
      window: Math.round(pane.window.width), level: Math.round(pane.window.level),
      inverted: pane.invert, zoom: Math.round(pane.zoom * 100) / 100 })) };
  }
}
