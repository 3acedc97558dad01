// Pictures that lend their colors: one that is chosen or dropped, or a folder of them in which the nearest are found.

import { onChosen, onFolder } from "./adding.js";
import { api } from "./api.js";
import { remark } from "./files.js";
import { Finder } from "./finder.js";
import { text } from "./text.js";

const $ = (id) => document.getElementById(id);

export class References {
  /** `picture` returns the present picture, `query` what the server is asked for with its tiles. */
  constructor({ album, picture, say, query }) {
    Object.assign(this, { album, picture, say });
    this.finder = new Finder({ album, picture, say, query });
    this.one = null; // {target, id}: an upload that is not read yet
    this.many = null; // {target, ids, version, line}: a folder that is not read yet
    $("reference-add").addEventListener("click", () => $("reference-file").click());
    onChosen($("reference-file"), ([file]) => this.take(file));
    const act = (found) => this.takeFolder(found);
    onFolder({ album, say, buttons: ["reference-folder"], input: "reference-files", act });
    $("reference-remove").addEventListener("click", () => album.change(picture(), { reference: "" }));
    $("reference-forget").addEventListener("click", () => api.forgetReferences().catch((error) => say(error.message)));
  }

  /** Take one file as the reference of the present picture. */
  async take(file) {
    const target = this.picture().id;
    this.say(text.referenceReading);
    const { ids, refused } = await this.album.upload([file], "1");
    if (ids.length) this.one = { target, id: ids[0] };
    else this.say(refused);
  }

  /** Take the pictures of a folder, as `filesIn` found them, and find the nearest for the present picture. */
  async takeFolder(found) {
    const target = this.picture().id;
    const { ids, refused, version } = await this.album.upload(found.files, "folder");
    const lines = [refused, found.files.length ? "" : text.noPictures, remark(found)];
    this.many = { target, ids, version, line: lines.filter(Boolean).join(" ") };
    this.settle();
  }

  /** Look what is read by now. */
  settle() {
    if (this.one) this.settleOne(this.one);
    if (this.many) this.settleMany(this.many);
  }

  settleOne({ target, id }) {
    const reference = this.album.pictures.get(id);
    if (!reference || reference.state === "reading") return;
    this.one = null;
    if (reference.state === "failed" || !this.album.pictures.has(target)) {
      this.say(reference.error);
      api.remove(id).catch(() => {});
    } else {
      this.say("");
      this.album.change(this.album.pictures.get(target), { reference: id });
    }
  }

  settleMany({ target, ids, version, line }) {
    const { pictures } = this.album;
    if (this.album.version < version) return; // the news does not have all of them yet
    const there = ids.filter((id) => pictures.has(id)); // the server removes those without colors
    const reading = there.filter((id) => pictures.get(id).state === "reading");
    if (reading.length) {
      this.say(text.referencesReading(ids.length - reading.length, ids.length));
      return;
    }
    this.many = null;
    const gray = ids.length - there.length;
    this.say([line, gray ? text.referencesGray(gray) : ""].filter(Boolean).join(" "));
    if (there.length && this.picture()?.id === target) this.finder.find(true);
  }

  /** Show the reference of the present picture, and what was found for it. */
  show() {
    const { recipe } = this.picture();
    const reference = this.album.pictures.get(recipe.reference);
    const image = $("reference-image");
    image.hidden = reference?.state !== "ready";
    $("reference-remove").hidden = !reference;
    if (!image.hidden && image.dataset.id !== reference.id) {
      image.src = api.thumbnail(reference.id);
      image.dataset.id = reference.id;
      image.alt = text.referenceImage(reference.name);
    }
    const own = [...this.album.pictures.values()].filter((one) => one.in_folder).length;
    $("reference-own").hidden = !own;
    $("reference-count").textContent = text.referencesOwn(own);
    this.finder.show(own > 0);
  }
}
