// For the tests: what a person can read, touch and reach, from the page's own computed styles.
window.access = {
  // Texts whose contrast with what lies behind them is below 4.5 (3 for large ones).
  contrast(root) {
    const parse = (text) => {
      const numbers = text.match(/[\d.]+/g).map(Number);
      const wide = text.startsWith("color(srgb");
      return [...numbers.slice(0, 3).map((v) => (wide ? v * 255 : v)), numbers[3] ?? 1];
    };
    const over = (top, under) => under.map((v, i) => top[i] * top[3] + v * (1 - top[3]));
    const behind = (element) => {
      const layers = [];
      for (let at = element; at; at = at.parentElement) {
        const colour = parse(getComputedStyle(at).backgroundColor);
        if (colour[3] > 0) layers.push(colour);
        if (colour[3] === 1) break;
      }
      return layers.reverse().reduce((under, layer) => over(layer, under), [255, 255, 255]);
    };
    const light = (rgb) => {
      const linear = (v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
      const [r, g, b] = rgb.map((v) => linear(v / 255));
      return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    // The viewport has pictures behind its texts; what is disabled is exempt.
    const left = ".view, [aria-disabled=true], [disabled], script, style, option, .th, datalist";
    const found = [];
    const walker = document.createTreeWalker(document.querySelector(root), NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
      const text = walker.currentNode.textContent.trim();
      const element = walker.currentNode.parentElement;
      if (!text || element.closest(left)) continue;
      if (!element.checkVisibility({ opacityProperty: true, visibilityProperty: true })) continue;
      const style = getComputedStyle(element);
      if (style.clipPath !== "none" || element.getBoundingClientRect().width < 2) continue;
      const under = behind(element);
      const [ink, paper] = [light(over(parse(style.color), under)), light(under)];
      const ratio = (Math.max(ink, paper) + 0.05) / (Math.min(ink, paper) + 0.05);
      const size = parseFloat(style.fontSize);
      const large = size >= 24 || (size >= 18.66 && style.fontWeight >= 700);
      if (ratio < (large ? 3 : 4.5)) {
        found.push(`${text.slice(0, 40)}: ${ratio.toFixed(2)} (${style.color} on ${under.map(Math.round)})`);
      }
    }
    return [...new Set(found)];
  },

  // What can be pressed or typed in and is smaller than ``side`` px; a box counts with its label.
  small(side) {
    const box = (one) => {
      const inside = /checkbox|radio/.test(one.type) ? one.closest("label") : one.closest(".wrap:has(> .wrap-inner)");
      return (inside || one).getBoundingClientRect();
    };
    return access.pressed()
      .map((one) => [one, box(one)])
      .filter(([, { width, height }]) => height < side - 0.5 || width < side - 0.5)
      .map(([one, { width, height }]) => `${access.called(one)}: ${Math.round(width)} x ${Math.round(height)}`);
  },

  // What can be pressed but lies outside the page and outside everything that scrolls.
  outside() {
    const scrolls = (one) => {
      for (let at = one.parentElement; at; at = at.parentElement) {
        const { overflowX, overflowY } = getComputedStyle(at);
        if (/auto|scroll/.test(overflowX + overflowY)) return true;
      }
      return false;
    };
    const beyond = (b) => b.left < -1 || b.top < -1 || b.right > innerWidth + 1 || b.bottom > innerHeight + 1;
    return access.pressed()
      .filter((one) => !scrolls(one) && beyond(one.getBoundingClientRect()))
      .map(access.called);
  },

  // What can be pressed in the request panel and the bar and says nothing when the pointer rests.
  untold() {
    return access.pressed()
      .filter((one) => one.matches("#ask *, #bar header button") && !one.closest("[title]:not([title=''])"))
      .map(access.called);
  },

  pressed() {
    return [...document.querySelectorAll("a, button, select, input, textarea, [role=option]")]
      .filter((one) => one.type !== "file" && one.checkVisibility() && one.getBoundingClientRect().width > 0);
  },

  called(one) {
    return one.getAttribute("aria-label") || one.textContent.trim().slice(0, 30) || one.id || one.type;
  },
};
