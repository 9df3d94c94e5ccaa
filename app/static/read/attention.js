// Time that was not spent on the case: the tab hidden, nothing touched for a minute, a pause.

export const IDLE_MS = 60000;

export class Attention {
  constructor(note) {
    this.note = note;
    this.active = false;   // a case is on the screen and may be answered
    this.away = "";
    this.last = performance.now();
    for (const kind of ["pointerdown", "pointermove", "wheel", "keydown"]) {
      addEventListener(kind, () => this.touched(), { passive: true, capture: true });
    }
    document.addEventListener("visibilitychange", () => this.seen());
    setInterval(() => this.look(), 5000);
  }

  begin() { this.active = true; this.away = ""; this.last = performance.now(); }
  end() { this.active = false; this.away = ""; }

  leave(kind, value) {
    if (!this.active || this.away) return;
    this.away = kind;
    this.note(kind === "hidden" ? "hidden" : "paused", value);
  }

  back() {
    if (!this.active || !this.away) return;
    this.away = "";
    this.last = performance.now();
    this.note("resumed", {});
  }

  touched() {
    this.last = performance.now();
    if (this.away === "idle") this.back();
  }

  seen() {
    if (document.visibilityState === "hidden") this.leave("hidden", {});
    else if (this.away === "hidden") this.back();
  }

  look() {
    const idle = performance.now() - this.last;
    if (idle >= IDLE_MS) this.leave("idle", { idle_ms: Math.round(idle) });
  }
}
