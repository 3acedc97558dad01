// The thumbnails with their states.

import { api } from "./api.js";
import { text } from "./text.js";

export class Strip {
  /** `chosen` is called with the id of the picture that a person takes. */
  constructor(list, chosen) {
    this.list = list;
    this.chosen = chosen;
    this.items = new Map();
  }

  show(pictures, current) {
    const ids = new Set(pictures.map((picture) => picture.id));
    for (const [id, item] of this.items) {
      if (!ids.has(id)) {
        item.element.remove();
        this.items.delete(id);
      }
    }
    for (const picture of pictures) {
      if (!this.items.has(picture.id)) this.items.set(picture.id, this.make(picture));
      this.update(this.items.get(picture.id), picture, picture.id === current);
    }
  }

  make(picture) {
    const element = document.createElement("li");
    const button = document.createElement("button");
    button.type = "button";
    button.dataset.id = picture.id;
    const image = document.createElement("img");
    image.alt = "";
    const state = document.createElement("span");
    state.className = "state";
    const meter = document.createElement("i");
    button.append(image, state, meter);
    element.append(button);
    this.list.append(element);
    button.addEventListener("click", () => this.chosen(picture.id));
    button.addEventListener("keydown", (event) => {
      const step = { ArrowLeft: -1, ArrowUp: -1, ArrowRight: 1, ArrowDown: 1 }[event.key];
      const buttons = [...this.list.querySelectorAll("button")];
      const next = step && buttons[buttons.indexOf(button) + step];
      if (next) {
        event.preventDefault();
        next.focus();
        next.click();
      }
    });
    return { element, button, image, state, meter, loaded: false };
  }

  update(item, picture, current) {
    const words = stateOf(picture);
    item.button.classList.toggle("failed", picture.state === "failed" || Boolean(picture.error));
    if (current) item.button.setAttribute("aria-current", "true");
    else item.button.removeAttribute("aria-current");
    item.button.setAttribute("aria-label", text.picture(picture.name, words));
    item.button.title = picture.name;
    if (item.state.textContent !== words) item.state.textContent = words;
    item.meter.style.width = picture.running ? `${100 * picture.share}%` : "0";
    if (!item.loaded && picture.state === "ready") {
      item.loaded = true;
      item.image.src = api.thumbnail(picture.id);
    }
  }
}

/** A picture's state in words. */
export function stateOf(picture) {
  const { states } = text;
  if (picture.state === "failed" || picture.error) return states.failed;
  if (picture.state === "reading") return states.reading;
  if (picture.running) return states.working(Math.round(100 * picture.share));
  if (picture.work) return states.waiting(picture.ahead);
  return picture.saved ? states.saved : states.ready;
}
