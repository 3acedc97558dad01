// The hints of a picture: strokes and points of a color, with undo and redo, and the JSON of `--hints`.
// A hint is {color, size, points: [[x, y], ...], point}; it never changes, so that the past can be kept.

const FORMAT = "colorjax hints";

export class Hints {
  constructor(width, height, content = null) {
    this.width = width;
    this.height = height;
    this.past = [];
    this.future = [];
    this.list = content ? fromJSON(content) : [];
  }

  /** Take another list, which can be undone. */
  change(list) {
    this.past.push(this.list);
    this.future = [];
    this.list = list;
  }

  undo() {
    if (!this.past.length) return false;
    this.future.push(this.list);
    this.list = this.past.pop();
    return true;
  }

  redo() {
    if (!this.future.length) return false;
    this.past.push(this.list);
    this.list = this.future.pop();
    return true;
  }

  add(hint) {
    this.change([...this.list, hint]);
  }

  /** Give the last hint another color; choosing on counts as one change. */
  recolor(color, goesOn) {
    if (!this.list.length) return;
    const list = [...this.list.slice(0, -1), { ...this.list.at(-1), color }];
    if (goesOn) this.list = list;
    else this.change(list);
  }

  /** Take away what lies within `radius` of the line from one place to another; return whether anything did. */
  erase(from, to, radius) {
    const list = this.list.flatMap((hint) => remains(hint, from, to, radius));
    const changed = list.length !== this.list.length || list.some((hint, i) => hint !== this.list[i]);
    if (changed) this.list = list;
    return changed;
  }

  /** The content of a file, or null without hints. */
  toJSON() {
    if (!this.list.length) return null;
    const [strokes, points] = [false, true].map((kind) => this.list.filter((hint) => hint.point === kind));
    const place = ([x, y]) => [round(Math.min(this.width, Math.max(0, x))), round(Math.min(this.height, Math.max(0, y)))];
    return {
      format: FORMAT,
      version: 1,
      width: this.width,
      height: this.height,
      strokes: strokes.map(({ color, size, points }) => ({ color, width: round(size), points: points.map(place) })),
      points: points.map(({ color, size, points: [only] }) => {
        const [x, y] = place(only);
        return { color, size: round(size), x, y };
      }),
    };
  }
}

const round = (value) => Math.round(value * 100) / 100;

/** The hints in the content of a file; throws an error unless it is one. */
export function fromJSON(content) {
  if (content?.format !== FORMAT || content.version !== 1) throw new Error("no hints");
  const strokes = (content.strokes ?? []).map(({ color, width, points }) => ({ color, size: width, points, point: false }));
  const points = (content.points ?? []).map(({ color, size, x, y }) => ({ color, size, points: [[x, y]], point: true }));
  return [...strokes, ...points];
}

function remains(hint, from, to, radius) {
  const reach = radius + hint.size / 2;
  const near = (place) => distance(place, from, to) < reach;
  if (!hint.points.some(near)) {
    const crossed = hint.points.some((place, i) => i > 0 && distance(to, hint.points[i - 1], place) < reach);
    if (!crossed) return [hint];
  }
  if (hint.points.length === 1) return [];
  const pieces = [[]];
  for (const place of dense(hint.points, radius / 2)) {
    if (near(place)) pieces.push([]);
    else pieces.at(-1).push(place);
  }
  return pieces.filter((piece) => piece.length > 1).map((points) => ({ ...hint, points }));
}

/** The points of a line with others between them, so that none are farther apart than `step`. */
function dense(points, step) {
  return points.flatMap((place, i) => {
    if (i === 0) return [place];
    const [x, y] = points[i - 1];
    const count = Math.max(1, Math.ceil(Math.hypot(place[0] - x, place[1] - y) / Math.max(step, 0.5)));
    return Array.from({ length: count }, (_, k) => [
      x + ((place[0] - x) * (k + 1)) / count,
      y + ((place[1] - y) * (k + 1)) / count,
    ]);
  });
}

function distance([x, y], [x0, y0], [x1, y1]) {
  const [dx, dy] = [x1 - x0, y1 - y0];
  const share = Math.min(1, Math.max(0, ((x - x0) * dx + (y - y0) * dy) / Math.max(dx * dx + dy * dy, 1e-9)));
  return Math.hypot(x - x0 - share * dx, y - y0 - share * dy);
}
