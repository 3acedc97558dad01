// The choice of a color for one spot: the likely ones, and all that are possible at its lightness.

import { inGamut, toHex, toRGB } from "./lab.js";
import { text } from "./text.js";

const REACH = 110; // of a and b
const FINE = 1; // pixels of the gamut's picture that share a color

export class Picker {
  /** `chosen` is called with (a, b, goesOn) when a person takes a color; goesOn while a finger is still down. */
  constructor({ gamut, color, likely, a, b, chosen }) {
    Object.assign(this, { gamut, color, likely, sliders: [a, b], chosen });
    this.lightness = 60;
    this.ab = [0, 0];
    this.decided = false; // whether a person has chosen
    this.drawn = null;
    gamut.addEventListener("pointerdown", (event) => {
      gamut.setPointerCapture(event.pointerId);
      this.goesOn = false;
      this.point(event);
    });
    gamut.addEventListener("pointermove", (event) => {
      if (gamut.hasPointerCapture(event.pointerId)) this.point(event);
    });
    this.sliders.forEach((slider, axis) => {
      slider.addEventListener("input", () => {
        const ab = [...this.ab];
        ab[axis] = Number(slider.value);
        this.take(ab, this.sliding);
        this.sliding = true;
      });
      slider.addEventListener("change", () => (this.sliding = false));
    });
    this.suggest(60, []);
  }

  get hex() {
    return toHex(this.lightness, ...this.ab);
  }

  /** Show what is possible at a spot of this lightness; `colors` are [a, b, share]. */
  suggest(lightness, colors) {
    this.lightness = Math.min(96, Math.max(6, lightness));
    const none = document.createElement("p");
    none.textContent = text.likelyNone;
    none.className = "soft";
    const swatches = colors.map(([a, b, share]) => {
      const button = document.createElement("button");
      const hex = toHex(this.lightness, a, b);
      button.type = "button";
      button.style.backgroundColor = hex;
      button.title = text.likelyColor(hex, Math.round(100 * share));
      button.setAttribute("aria-label", button.title);
      button.addEventListener("click", () => this.take([a, b], false));
      return button;
    });
    this.likely.replaceChildren(...(swatches.length ? swatches : [none]));
    this.show();
  }

  set(ab) {
    this.ab = ab;
    this.show();
  }

  take(ab, goesOn) {
    this.decided = true;
    this.set(ab);
    this.chosen(...ab, goesOn);
  }

  point(event) {
    const { left, top, width, height } = this.gamut.getBoundingClientRect();
    const a = ((event.clientX - left) / width) * 2 * REACH - REACH;
    const b = REACH - ((event.clientY - top) / height) * 2 * REACH;
    this.take(this.possible(a, b), this.goesOn);
    this.goesOn = true;
  }

  /** The color of this hue, as near to (a, b) as there is at this lightness. */
  possible(a, b) {
    let share = 1;
    while (share > 0 && !inGamut(this.lightness, a * share, b * share)) share = Math.max(0, share - 0.02);
    return [a * share, b * share];
  }

  show() {
    const { gamut, lightness } = this;
    const [a, b] = this.possible(...this.ab);
    const context = gamut.getContext("2d");
    const side = gamut.width;
    if (!this.slice || this.slice.lightness !== Math.round(lightness)) this.slice = slice(Math.round(lightness), side);
    context.clearRect(0, 0, side, side);
    context.drawImage(this.slice.canvas, 0, 0);
    const [x, y] = [((a + REACH) / 2 / REACH) * side, ((REACH - b) / 2 / REACH) * side];
    for (const [radius, color] of [[7, "#000"], [5.5, "#fff"]]) {
      context.beginPath();
      context.arc(x, y, radius, 0, 7);
      context.strokeStyle = color;
      context.lineWidth = 1.5;
      context.stroke();
    }
    this.color.style.backgroundColor = this.hex;
    this.color.setAttribute("aria-label", text.color(this.hex));
    this.sliders.forEach((slider, axis) => (slider.value = String(Math.round(this.ab[axis]))));
  }
}

/** A picture of the colors that sRGB has at one lightness. */
function slice(lightness, side) {
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = side;
  const context = canvas.getContext("2d");
  for (let y = 0; y < side; y += FINE) {
    for (let x = 0; x < side; x += FINE) {
      const [a, b] = [((x + FINE / 2) / side) * 2 * REACH - REACH, REACH - ((y + FINE / 2) / side) * 2 * REACH];
      if (!inGamut(lightness, a, b)) continue;
      context.fillStyle = `rgb(${toRGB(lightness, a, b).map((value) => Math.round(255 * value)).join(" ")})`;
      context.fillRect(x, y, FINE, FINE);
    }
  }
  return { canvas, lightness };
}
