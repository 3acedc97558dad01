// What a person paints hints with: the tool, the cross that keys move, and how hints look on the picture.

const HOVER_MS = 140; // a pointer that rests so long asks for the colors that are possible there
const LEAST_MOVE = 1.5; // screen pixels between two points of a stroke

export class Pen {
  /** `hints()` returns the picture's Hints; `color()` a hex color; `spot(x, y)` shows what is possible there;
   *  `changed(done)` follows each change, done when the finger is up. `redraw` draws the picture again. */
  constructor({ hints, color, size, spot, changed, redraw }) {
    Object.assign(this, { hints, color, size, spot, changed, redraw });
    this.tool = "look";
    this.painting = false;
    this.selected = false; // whether the last hint takes the color that is chosen next
    this.cross = null;
    this.pointer = null;
  }

  active() {
    return this.tool !== "look";
  }

  setTool(tool) {
    this.tool = tool;
    this.selected = false;
    this.cross = null;
    this.redraw();
  }

  /** The size of the pen in pixels of the picture. */
  reach(view) {
    return Math.max(1, this.size() / view.scale);
  }

  down(x, y) {
    const { hints } = this;
    this.view ??= null;
    this.painting = true;
    this.selected = false;
    this.start = hints().list;
    this.last = [x, y];
    if (this.tool === "eraser") this.erase(x, y);
    else {
      const size = this.reach(this.view);
      this.drawing = { color: this.color(), size, points: [[x, y]], point: this.tool === "point" };
      hints().list = [...this.start, this.drawing];
      this.spot(x, y);
    }
    this.redraw();
  }

  move(x, y) {
    this.pointer = [x, y];
    if (this.tool === "eraser") this.erase(x, y);
    else if (this.tool === "point") {
      this.drawing = { ...this.drawing, points: [[x, y]] };
      this.hints().list = [...this.start, this.drawing];
    } else if (Math.hypot(x - this.last[0], y - this.last[1]) * this.view.scale >= LEAST_MOVE) {
      this.drawing = { ...this.drawing, points: [...this.drawing.points, [x, y]] };
      this.hints().list = [...this.start, this.drawing];
    } else return this.redraw();
    this.last = [x, y];
    return this.redraw();
  }

  up() {
    const { list } = this.hints();
    this.painting = false;
    if (list === this.start) return;
    this.hints().list = this.start;
    this.hints().change(list);
    this.selected = this.tool !== "eraser";
    if (this.tool === "point") this.spot(...this.last);
    this.changed();
    this.redraw();
  }

  /** Give up what is being painted. */
  abandon() {
    if (!this.painting) return;
    this.painting = false;
    this.hints().list = this.start;
    this.redraw();
  }

  erase(x, y) {
    this.hints().erase(this.last, [x, y], this.reach(this.view) / 2);
    this.last = [x, y];
  }

  hover(x, y) {
    this.pointer = [x, y];
    this.redraw();
    clearTimeout(this.resting);
    if (this.tool !== "eraser" && !this.selected) this.resting = setTimeout(() => this.spot(x, y), HOVER_MS);
  }

  leave() {
    clearTimeout(this.resting);
    this.pointer = null;
    this.redraw();
  }

  key(event) {
    const step = (event.shiftKey ? 2 : 12) / this.view.scale;
    const moves = { ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, -step], ArrowDown: [0, step] };
    if (event.key in moves) {
      const { width, height } = this.view.picture;
      const [x, y] = this.cross ?? this.view.middle();
      const [dx, dy] = moves[event.key];
      this.cross = [Math.min(width, Math.max(0, x + dx)), Math.min(height, Math.max(0, y + dy))];
      if (this.painting) this.move(...this.cross);
      else this.hover(...this.cross);
      return true;
    }
    if (event.key === "Enter" || event.key === " ") {
      this.cross ??= this.view.middle();
      if (this.painting) this.up();
      else {
        this.down(...this.cross);
        if (this.tool === "point") this.up();
      }
      return true;
    }
    if (event.key === "Escape") {
      this.abandon();
      this.selected = false;
      return true;
    }
    return false;
  }

  draw(context, view) {
    this.view = view;
    if (!this.active()) return;
    const { list } = this.hints();
    const screen = ([x, y]) => [view.left + x * view.scale, view.top + y * view.scale];
    context.lineCap = context.lineJoin = "round";
    list.forEach((hint, i) => {
      const size = Math.max(3, hint.size * view.scale);
      const last = i === list.length - 1 && this.selected;
      const outline = last ? "#fff" : "rgb(255 255 255 / .75)";
      for (const [color, width] of [["rgb(0 0 0 / .55)", size + (last ? 5 : 3)], [outline, size + (last ? 3 : 1.5)], [hint.color, size]]) {
        context.beginPath();
        if (hint.points.length === 1) {
          const [x, y] = screen(hint.points[0]);
          context.fillStyle = color;
          if (hint.point) context.rect(x - width / 2, y - width / 2, width, width);
          else context.arc(x, y, width / 2, 0, 7);
          context.fill();
        } else {
          hint.points.forEach((point, k) => (k ? context.lineTo(...screen(point)) : context.moveTo(...screen(point))));
          context.strokeStyle = color;
          context.lineWidth = width;
          context.stroke();
        }
      }
    });
    if (this.pointer) this.drawTip(context, screen(this.pointer));
    if (this.cross) this.drawCross(context, screen(this.cross));
  }

  drawTip(context, [x, y]) {
    for (const [color, more] of [["#000", 1], ["#fff", 0]]) {
      context.beginPath();
      const radius = this.size() / 2 + more;
      if (this.tool === "point") context.rect(x - radius, y - radius, 2 * radius, 2 * radius);
      else context.arc(x, y, radius, 0, 7);
      context.strokeStyle = color;
      context.lineWidth = 1;
      context.stroke();
    }
  }

  drawCross(context, [x, y]) {
    for (const [color, width] of [["#000", 4], ["#fff", 2]]) {
      context.beginPath();
      context.moveTo(x - 14, y);
      context.lineTo(x + 14, y);
      context.moveTo(x, y - 14);
      context.lineTo(x, y + 14);
      context.strokeStyle = color;
      context.lineWidth = width;
      context.stroke();
    }
  }
}
