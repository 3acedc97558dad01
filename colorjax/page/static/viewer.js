// The picture, before and after: zoom, pan, divider. Coordinates of the picture are its own pixels.

import { api } from "./api.js";
import { TILE, levelFor, levelSizes } from "./pyramid.js";
import { text } from "./text.js";
import { Tiles } from "./tiles.js";

const LARGEST = 16; // screen pixels for a pixel of the picture
const LARGEST_FIT = 3;
const STEP = 0.02; // of the divider, by a key

export class Viewer {
  /**
   * `pen` is what a person paints with: active(), down, move, up, hover (x, y), key(event), draw(context, view).
   * `viewed` is called when the zoom has changed, `complete` when all that is seen has come.
   */
  constructor({ canvas, stage, divider, pen, viewed, complete }) {
    Object.assign(this, { canvas, stage, divider, pen, viewed, complete });
    this.context = canvas.getContext("2d", { alpha: true });
    this.tiles = new Tiles(() => this.redraw());
    this.picture = null;
    this.layers = [];
    this.stale = null;
    this.share = 0.5;
    this.fitted = true;
    this.pointers = new Map();
    this.listen();
    new ResizeObserver(() => this.resize()).observe(stage);
    this.setDivider(0.5);
  }

  /** Show another picture, {id, width, height}; null for none. */
  show(picture) {
    this.picture = picture;
    this.stale = null;
    this.layers = [];
    if (picture) {
      this.sizes = levelSizes(picture.width, picture.height);
      this.fit();
    }
    this.redraw();
  }

  /** Show these as the picture after: [{query, share}], the later ones laid over with their share. */
  setLayers(layers) {
    this.layers = layers;
    this.redraw();
  }

  // View

  resize() {
    const ratio = window.devicePixelRatio || 1;
    const { width, height } = this.stage.getBoundingClientRect();
    const size = [Math.max(1, Math.round(width * ratio)), Math.max(1, Math.round(height * ratio))];
    if (this.canvas.width !== size[0] || this.canvas.height !== size[1]) [this.canvas.width, this.canvas.height] = size;
    this.ratio = ratio;
    this.width = width;
    this.height = height;
    if (this.fitted) this.fit();
    else this.clamp();
    this.redraw();
  }

  fit() {
    if (!this.picture || !this.width) return;
    const { width, height } = this.picture;
    this.scale = Math.min(this.width / width, this.height / height, LARGEST_FIT);
    this.left = (this.width - width * this.scale) / 2;
    this.top = (this.height - height * this.scale) / 2;
    this.fitted = true;
    this.viewed();
    this.redraw();
  }

  /** Zoom by a factor around a place of the stage. */
  zoom(factor, x = this.width / 2, y = this.height / 2) {
    if (!this.picture) return;
    const fit = Math.min(this.width / this.picture.width, this.height / this.picture.height);
    const scale = Math.min(LARGEST / this.ratio, Math.max(Math.min(fit, 1) * 0.5, this.scale * factor));
    this.left = x - ((x - this.left) * scale) / this.scale;
    this.top = y - ((y - this.top) * scale) / this.scale;
    this.scale = scale;
    this.fitted = false;
    this.clamp();
    this.viewed();
    this.redraw();
  }

  /** Show a pixel of the picture as one of the screen. */
  full() {
    if (this.picture) this.zoom(1 / this.ratio / this.scale);
  }

  pan(x, y) {
    this.left += x;
    this.top += y;
    this.fitted = false;
    this.clamp();
    this.redraw();
  }

  clamp() {
    if (!this.picture) return;
    const within = (start, length, space) =>
      length <= space ? (space - length) / 2 : Math.min(0, Math.max(space - length, start));
    this.left = within(this.left, this.picture.width * this.scale, this.width);
    this.top = within(this.top, this.picture.height * this.scale, this.height);
  }

  /** The pixel of the picture at a place of the stage. */
  at(x, y) {
    return [(x - this.left) / this.scale, (y - this.top) / this.scale];
  }

  /** The pixel of the picture in the middle of what is seen. */
  middle() {
    const [x, y] = this.at(this.width / 2, this.height / 2);
    return [Math.min(this.picture.width, Math.max(0, x)), Math.min(this.picture.height, Math.max(0, y))];
  }

  // Divider

  setDivider(share) {
    this.share = Math.min(1, Math.max(0, share));
    this.divider.style.left = `${100 * this.share}%`;
    const percent = Math.round(100 * this.share);
    this.divider.setAttribute("aria-valuenow", String(percent));
    this.divider.setAttribute("aria-valuetext", text.dividerValue(percent));
    this.redraw();
  }

  // Drawing

  redraw() {
    this.frame ??= requestAnimationFrame(() => {
      this.frame = null;
      this.draw();
    });
  }

  draw() {
    const { context, canvas, ratio } = this;
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.clearRect(0, 0, canvas.width, canvas.height);
    if (!this.picture || !this.width) return;
    const level = levelFor(this.scale * ratio, this.sizes);
    const visible = this.visible(level);
    const wanted = [];
    const edge = Math.round(this.share * canvas.width);
    context.imageSmoothingEnabled = this.scale * ratio < 2;
    context.imageSmoothingQuality = "high";
    this.drawPart(0, edge, () => this.drawLayer(null, level, visible, 1, wanted, 0, this.share));
    let complete = this.layers.length > 0;
    this.drawPart(edge, canvas.width, () => {
      for (const layer of this.layers) {
        complete = this.drawLayer(layer.query, level, visible, layer.share, wanted, this.share, 1) && complete;
      }
      if (!this.layers.length) this.drawLayer(null, level, visible, 1, wanted, this.share, 1);
    });
    if (complete && this.layers.length) this.stale = this.layers.at(-1).query;
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    this.pen.draw(context, this);
    // What lies on the other side of the divider comes last, so that a moved divider shows it at once.
    const others = [];
    for (const layer of [{ query: null }, ...this.layers]) {
      for (const tile of visible) others.push(this.path(layer.query, level, tile.x, tile.y));
    }
    this.tiles.want([...new Set([...this.overview(), ...wanted, ...others])]);
    this.complete(complete && wanted.length === 0);
  }

  /** The coarsest tiles, which show the whole picture until finer ones come. */
  overview() {
    const coarsest = this.sizes.length - 1;
    return [{ query: null }, ...this.layers].map(({ query }) => this.path(query, coarsest, 0, 0));
  }

  drawPart(from, to, draw) {
    if (to <= from) return;
    this.context.save();
    this.context.beginPath();
    this.context.rect(from, 0, to - from, this.canvas.height);
    this.context.clip();
    draw();
    this.context.restore();
  }

  visible(level) {
    const [width, height] = this.sizes[level];
    const [left, top] = this.at(0, 0);
    const [right, bottom] = this.at(this.width, this.height);
    const range = (from, to, whole, side) => {
      const first = Math.max(0, Math.floor((from * side) / whole / TILE));
      const last = Math.min(Math.ceil(side / TILE) - 1, Math.floor((to * side) / whole / TILE));
      return Array.from({ length: Math.max(0, last - first + 1) }, (_, i) => first + i);
    };
    const columns = range(left, right, this.picture.width, width);
    const rows = range(top, bottom, this.picture.height, height);
    const tiles = rows.flatMap((y) => columns.map((x) => ({ x, y })));
    const far = ({ x, y }) =>
      Math.hypot((x + 0.5) * TILE - ((left + right) / 2 / this.picture.width) * width,
        (y + 0.5) * TILE - ((top + bottom) / 2 / this.picture.height) * height);
    return tiles.sort((one, other) => far(one) - far(other));
  }

  path(query, level, x, y) {
    const { id } = this.picture;
    return query === null ? api.beforeTile(id, level, x, y) : api.afterTile(id, level, x, y, query);
  }

  /** Draw a layer where it lies between two shares of the stage's width; return whether nothing was missing. */
  drawLayer(query, level, visible, alpha, wanted, from, to) {
    const [width, height] = this.sizes[level];
    let complete = true;
    this.context.globalAlpha = alpha;
    for (const { x, y } of visible) {
      const region = [x * TILE, y * TILE, Math.min(width, (x + 1) * TILE), Math.min(height, (y + 1) * TILE)];
      const box = this.box(region, width, height);
      if (box[2] <= from * this.canvas.width || box[0] >= to * this.canvas.width) continue;
      const path = this.path(query, level, x, y);
      if (!this.tiles.peek(path)) {
        complete = false;
        wanted.push(path);
      }
      this.drawBest(query, level, region, box);
    }
    this.context.globalAlpha = 1;
    return complete;
  }

  box([left, top, right, bottom], width, height) {
    const { ratio, scale } = this;
    const x = (place) => Math.round((this.left + ((place * this.picture.width) / width) * scale) * ratio);
    const y = (place) => Math.round((this.top + ((place * this.picture.height) / height) * scale) * ratio);
    return [x(left), y(top), x(right), y(bottom)];
  }

  /** Draw the best that is there of a region: the tile, the one shown before it, a coarser one, the picture before. */
  drawBest(query, level, region, box) {
    const queries = [query];
    if (query !== null && this.stale !== null && this.stale !== query) queries.push(this.stale);
    const orders = [];
    for (const one of queries) orders.push([one, level]);
    for (let coarser = level + 1; coarser < this.sizes.length; coarser++) {
      for (const one of queries) orders.push([one, coarser]);
    }
    for (let any = level; any < this.sizes.length; any++) orders.push([null, any]);
    for (const [one, at] of orders) {
      const [sx, sy] = [0, 1].map((axis) => this.sizes[at][axis] / this.sizes[level][axis]);
      const source = [region[0] * sx, region[1] * sy, region[2] * sx, region[3] * sy];
      const [x, y] = [Math.floor((source[0] + 0.01) / TILE), Math.floor((source[1] + 0.01) / TILE)];
      const tile = this.tiles.peek(this.path(one, at, x, y));
      if (!tile) continue;
      const [left, top] = [source[0] - x * TILE, source[1] - y * TILE];
      const width = Math.min(tile.width - left, source[2] - source[0]);
      const height = Math.min(tile.height - top, source[3] - source[1]);
      this.context.drawImage(tile, left, top, width, height, box[0], box[1], box[2] - box[0], box[3] - box[1]);
      return;
    }
  }

  // Input

  listen() {
    const { canvas, divider, stage } = this;
    canvas.addEventListener("pointerdown", (event) => this.down(event));
    canvas.addEventListener("pointermove", (event) => this.move(event));
    for (const kind of ["pointerup", "pointercancel"]) canvas.addEventListener(kind, (event) => this.up(event));
    canvas.addEventListener("pointerleave", () => this.pen.leave());
    canvas.addEventListener("dblclick", (event) => {
      if (!this.pen.active()) this.fitted ? this.zoom(1 / this.ratio / this.scale, ...this.place(event)) : this.fit();
    });
    canvas.addEventListener("wheel", (event) => {
      event.preventDefault();
      this.zoom(Math.exp(-event.deltaY * (event.deltaMode === 1 ? 0.05 : 0.0018)), ...this.place(event));
    }, { passive: false });
    canvas.addEventListener("keydown", (event) => this.key(event));
    divider.addEventListener("pointerdown", (event) => {
      event.preventDefault();
      divider.focus();
      divider.setPointerCapture(event.pointerId);
    });
    divider.addEventListener("pointermove", (event) => {
      if (!divider.hasPointerCapture(event.pointerId)) return;
      const { left, width } = stage.getBoundingClientRect();
      this.setDivider((event.clientX - left) / width);
    });
    divider.addEventListener("keydown", (event) => {
      const moves = { ArrowLeft: -STEP, ArrowDown: -STEP, ArrowRight: STEP, ArrowUp: STEP, PageDown: -0.2, PageUp: 0.2 };
      const ends = { Home: 0, End: 1 };
      if (!(event.key in moves) && !(event.key in ends)) return;
      event.preventDefault();
      this.setDivider(event.key in ends ? ends[event.key] : this.share + moves[event.key]);
    });
  }

  place(event) {
    const { left, top } = this.canvas.getBoundingClientRect();
    return [event.clientX - left, event.clientY - top];
  }

  down(event) {
    if (!this.picture) return;
    this.canvas.setPointerCapture(event.pointerId);
    this.pointers.set(event.pointerId, this.place(event));
    if (this.pointers.size === 2) this.pen.abandon(); // it becomes a pinch
    else if (this.pen.active() && event.button === 0) this.pen.down(...this.at(...this.place(event)));
  }

  move(event) {
    if (!this.picture) return;
    const place = this.place(event);
    const last = this.pointers.get(event.pointerId);
    if (!last) {
      if (this.pen.active()) this.pen.hover(...this.at(...place));
      return;
    }
    if (this.pointers.size === 2) this.pinch(event.pointerId, place);
    else if (this.pen.painting) this.pen.move(...this.at(...place));
    else this.pan(place[0] - last[0], place[1] - last[1]);
    this.pointers.set(event.pointerId, place);
  }

  up(event) {
    this.pointers.delete(event.pointerId);
    if (this.pen.painting) this.pen.up();
  }

  pinch(id, place) {
    const other = [...this.pointers].find(([key]) => key !== id)[1];
    const last = this.pointers.get(id);
    const distance = (point) => Math.max(1, Math.hypot(point[0] - other[0], point[1] - other[1]));
    const middle = (point) => [(point[0] + other[0]) / 2, (point[1] + other[1]) / 2];
    this.pan(middle(place)[0] - middle(last)[0], middle(place)[1] - middle(last)[1]);
    this.zoom(distance(place) / distance(last), ...middle(place));
  }

  key(event) {
    if (!this.picture || event.ctrlKey || event.metaKey || event.altKey) return;
    const pans = { ArrowLeft: [60, 0], ArrowRight: [-60, 0], ArrowUp: [0, 60], ArrowDown: [0, -60] };
    if (this.pen.active() && this.pen.key(event)) {
      event.preventDefault();
    } else if (event.key in pans) {
      event.preventDefault();
      this.pan(...pans[event.key]);
    } else if (event.key === "+" || event.key === "=") this.zoom(1.25);
    else if (event.key === "-") this.zoom(0.8);
    else if (event.key === "0") this.fit();
    else if (event.key === "1") this.full();
  }
}
