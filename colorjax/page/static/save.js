// Asking for finished files, and taking them when they are there.

import { api } from "./api.js";
import { text } from "./text.js";

export class Saving {
  constructor(album, { save, all, say }) {
    Object.assign(this, { album, save, all, say });
    this.wanted = new Set();
    this.wantsAll = false;
  }

  async one(picture) {
    if (picture.saved) {
      take(api.result(picture.id));
      return;
    }
    this.wanted.add(picture.id);
    try {
      await api.ask(picture.id);
    } catch (error) {
      this.wanted.delete(picture.id);
      this.say(error.message);
    }
  }

  async everything() {
    this.wantsAll = true;
    try {
      await api.askForAll();
    } catch (error) {
      this.wantsAll = false;
      this.say(error.message);
    }
  }

  /** Look what is finished by now, and show how far the present picture is. */
  update(current) {
    for (const id of this.wanted) {
      const picture = this.album.pictures.get(id);
      if (picture?.saved) {
        take(api.result(id));
        this.say(text.saved(picture.name));
      }
      if (!picture || picture.saved || picture.error) this.wanted.delete(id);
    }
    const all = this.album.photographs;
    const open = all.filter((picture) => picture.asked && !picture.saved && !picture.error && picture.state === "ready");
    const reading = all.some((picture) => picture.state === "reading");
    if (this.wantsAll && this.album.asked && !open.length && !reading) {
      this.wantsAll = this.album.asked = false;
      if (all.some((picture) => picture.saved)) take(api.zip);
    } else if (this.wantsAll && open.length) this.album.asked = true;
    const done = all.filter((picture) => picture.saved).length;
    this.all.textContent = this.wantsAll ? text.savingAll(done, all.length) : text.saveAll;
    this.all.disabled = this.wantsAll;
    const making = current?.asked && !current.saved && !current.error;
    this.save.disabled = !current || current.state !== "ready" || Boolean(making);
    if (!making) this.save.textContent = text.save;
    else this.save.textContent = current.running ? text.saving(Math.round(100 * current.share)) : text.savingWaits;
  }
}

function take(path) {
  const link = document.createElement("a");
  link.href = path;
  link.download = "";
  document.body.append(link);
  link.click();
  link.remove();
}
