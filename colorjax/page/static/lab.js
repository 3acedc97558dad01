// CIE Lab (D65) and sRGB. Lab is [L, a, b], sRGB [r, g, b] in 0..1.

const WHITE = [0.95047, 1, 1.08883];

const curve = (value) => (value > 0.0031308 ? 1.055 * value ** (1 / 2.4) - 0.055 : 12.92 * value);
const inverse = (f) => (f > 0.2068966 ? f ** 3 : (f - 16 / 116) / 7.787);

function linear(L, a, b) {
  const fy = (L + 16) / 116;
  const x = WHITE[0] * inverse(fy + a / 500);
  const y = inverse(fy);
  const z = WHITE[2] * inverse(Math.max(0, fy - b / 200));
  return [
    3.2404542 * x - 1.5371385 * y - 0.4985314 * z,
    -0.969266 * x + 1.8760108 * y + 0.041556 * z,
    0.0556434 * x - 0.2040259 * y + 1.0572252 * z,
  ];
}

/** Whether sRGB has the color, but for rounding. */
export function inGamut(L, a, b) {
  return linear(L, a, b).every((value) => value > -0.0015 && value < 1.0015);
}

/** The sRGB of a color, whose chroma is reduced until sRGB has it. */
export function toRGB(L, a, b) {
  let share = 1;
  if (!inGamut(L, a, b)) {
    let least = 0;
    for (let step = 0; step < 12; step++) {
      const middle = (least + share) / 2;
      if (inGamut(L, a * middle, b * middle)) least = middle;
      else share = middle;
    }
    share = least;
  }
  return linear(L, a * share, b * share).map((value) => Math.min(1, Math.max(0, curve(value))));
}

export function toHex(L, a, b) {
  return "#" + toRGB(L, a, b).map((value) => Math.round(value * 255).toString(16).padStart(2, "0")).join("");
}

/** The a and b of a color such as "#b5653a". */
export function abOfHex(hex) {
  const [r, g, b] = [1, 3, 5].map((at) => {
    const value = parseInt(hex.slice(at, at + 2), 16) / 255;
    return value > 0.04045 ? ((value + 0.055) / 1.055) ** 2.4 : value / 12.92;
  });
  const f = [
    (0.4124564 * r + 0.3575761 * g + 0.1804375 * b) / WHITE[0],
    0.2126729 * r + 0.7151522 * g + 0.072175 * b,
    (0.0193339 * r + 0.119192 * g + 0.9503041 * b) / WHITE[2],
  ].map((value) => (value > 0.008856 ? Math.cbrt(value) : 7.787 * value + 16 / 116));
  return [500 * (f[0] - f[1]), 200 * (f[1] - f[2])];
}
