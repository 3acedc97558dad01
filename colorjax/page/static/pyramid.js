// The levels of a picture and the tiles of each; as in colorjax/page/pyramid.py.

export const TILE = 512;

/** [width, height] of each level, the whole picture first. */
export function levelSizes(width, height) {
  const sizes = [[width, height]];
  while (Math.max(...sizes.at(-1)) > TILE) sizes.push(sizes.at(-1).map((side) => Math.floor((side + 1) / 2)));
  return sizes;
}

/** The coarsest level that is as fine as the screen; `scale` is screen pixels for a pixel of the picture. */
export function levelFor(scale, sizes) {
  const level = Math.floor(Math.log2(1 / scale) + 0.01);
  return Math.min(sizes.length - 1, Math.max(0, level));
}
