// References that the server finds, in its folder or in the browser's, each with what it would give.

import { api } from "./api.js";
import { levelSizes } from "./pyramid.js";
import { text } from "./text.js";

export class Finder {
  constructor({ album, picture, say, query }) {
    Object.assign(this, { album, picture, say, query });
    this.found = new Map(); // id of a picture -> {ids, poor}
    this.button = document.getElementById("reference-find");
    this.title = document.getElementById("found-title");
    this.list = document.getElementById("found");
    this.button.addEventListener("click", () => this.find(this.own));
  }

  /** Find the nearest for the present picture, in the folder of this browser or else in that of the server. */
  async find(own) {
    const { id } = this.picture();
    this.button.disabled = true;
    this.say(text.referenceFinding);
    try {
      const { found, poor } = await api.findReferences(id, own);
      this.found.set(id, { ids: found, poor });
      if (document.getElementById("status").textContent === text.referenceFinding) this.say("");
    } catch (error) {
      this.say(error.message);
    }
    this.button.disabled = false;
    this.shown = null;
    this.show();
  }

  /** Show what was found for the present picture; `hasFolder` says whether the browser has sent a folder. */
  show(hasFolder) {
    const own = this.picture();
    this.own = hasFolder;
    this.button.hidden = !this.album.references && !hasFolder;
    const { ids, poor } = this.found.get(own.id) ?? { ids: [], poor: false };
    const ready = ids.map((id) => this.album.pictures.get(id)).filter((reference) => reference?.state === "ready");
    this.title.hidden = this.list.hidden = !ready.length;
    this.title.textContent = poor ? text.referencePoor : text.referenceFound;
    // What each would give does not depend on which one is taken.
    const state = JSON.stringify([own.id, { ...own.recipe, reference: "" }, own.denoised, ready.map(({ id }) => id)]);
    if (this.shown !== state) this.list.replaceChildren(...ready.map((reference) => this.item(own, reference)));
    this.shown = state;
    for (const button of this.list.querySelectorAll("button")) {
      button.setAttribute("aria-pressed", String(button.dataset.id === own.recipe.reference));
    }
  }

  item(own, reference) {
    const button = document.createElement("button");
    button.type = "button";
    button.title = text.referenceTake(reference.name);
    button.setAttribute("aria-label", button.title);
    button.dataset.id = reference.id;
    const level = levelSizes(own.info.width, own.info.height).length - 1;
    const result = api.afterTile(own.id, level, 0, 0, `${this.query(own)}&reference=${reference.id}`);
    for (const source of [api.thumbnail(reference.id), result]) {
      const image = document.createElement("img");
      image.alt = "";
      image.src = source;
      button.append(image);
    }
    button.addEventListener("click", () => this.album.change(own, { reference: reference.id }));
    const item = document.createElement("li");
    item.append(button);
    return item;
  }
}
