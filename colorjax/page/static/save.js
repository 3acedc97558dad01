// Asking for finished files, and taking them when they are there.

import { api } from "./api.js";
import { text } from "./text.js";

export class Saving {
  /** `changed` is called when something is asked for, before the server knows. */
  constructor(album, { save, all, say, changed }) {
    Object.assign(this, { album, save, all, say, changed });
    // Which files are wanted -> the version of the server's news that knows of it; before it, news is older.
    this.wanted = new Map();
    this.wantsAll = null; // the same, for all
  }

  async one({ id }) {
    if (this.wanted.has(id)) return;
    this.wanted.set(id, Infinity);
    this.changed();
    try {
      await this.album.settled();
      this.wanted.set(id, (await api.ask(id)).version);
    } catch (error) {
      this.wanted.delete(id);
      this.say(error.message);
    }
    this.changed();
  }

  async everything() {
    this.wantsAll = Infinity;
    this.changed();
    try {
      await this.album.settled();
      this.wantsAll = (await api.askForAll()).version;
    } catch (error) {
      this.wantsAll = null;
      this.say(error.message);
    }
    this.changed();
  }

  /** Look what is finished by now, and show how far the present picture is. */
  update(current) {
    for (const [id, version] of this.wanted) {
      const picture = this.album.pictures.get(id);
      if (picture && this.album.version < version) continue;
      if (picture?.saved) {
        take(api.result(id));
        this.say(text.saved(picture.name));
      }
      if (!picture?.asked || picture.saved || picture.error) this.wanted.delete(id);
    }
    const all = this.album.photographs;
    const open = all.filter((picture) => picture.asked && !picture.saved && !picture.error);
    if (this.wantsAll !== null && this.album.version >= this.wantsAll && !open.length) {
      this.wantsAll = null;
      const made = all.filter((picture) => picture.saved).length;
      if (made) {
        take(api.zip);
        this.say(text.savedAll(made, all.filter((picture) => picture.error).length));
      }
    }
    const done = all.filter((picture) => picture.saved).length;
    this.all.textContent = this.wantsAll !== null ? text.savingAll(done, all.length) : text.saveAll;
    this.all.disabled = this.wantsAll !== null;
    const asked = current?.asked || this.wanted.has(current?.id);
    const making = asked && !current.saved && !current.error;
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
