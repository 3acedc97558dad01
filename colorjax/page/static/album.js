// The pictures as the server has them, and the recipes as this window has changed them meanwhile.

import { api } from "./api.js";
import { text } from "./text.js";

const AGAIN_MS = 2000;

export class Album extends EventTarget {
  constructor() {
    super();
    this.pictures = new Map();
    this.version = 0;
    this.uploading = 0;
    this.posting = new Map(); // id -> how many changes are on their way
    this.last = new Map(); // id -> the promise of the last of them
    this.taken = new Map(); // id -> the server's version that has the last of them
    this.runs = this.references = false;
    this.lost = false; // whether the server's last answer was none, or a refusal
  }

  /** Follow the server for as long as the page is open. */
  async follow() {
    for (;;) {
      try {
        const { version, pictures, runs, references } = await api.album(this.version);
        this.version = version;
        this.runs = runs;
        this.references = references;
        this.take(pictures, version);
        if (this.lost) this.say("");
        this.lost = false;
      } catch (error) {
        this.lost = true;
        this.say(error.message);
        if (error.offline) this.version = 0;
        this.taken.clear();
        await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
      }
    }
  }

  take(pictures, version) {
    const before = this.pictures;
    this.pictures = new Map(
      pictures.map((picture) => {
        const own = before.get(picture.id);
        // News may be older than what this window has changed since.
        const older = this.posting.get(picture.id) || version < (this.taken.get(picture.id) ?? 0);
        if (own && older) Object.assign(picture, { recipe: own.recipe, revision: own.revision });
        return [picture.id, picture];
      }),
    );
    this.dispatchEvent(new Event("change"));
  }

  say(line) {
    if (line === this.said) return;
    this.said = line;
    this.dispatchEvent(Object.assign(new Event("say"), { line }));
  }

  get photographs() {
    return [...this.pictures.values()].filter((picture) => !picture.reference);
  }

  /**
   * Send files, one after the other, with what they lend as in `app.py`. Returns {ids, refused, version}: of those that
   * the server took, a line on the others, and the version of the server's news that has them.
   */
  async upload(files, reference = "") {
    const ids = [];
    const refused = [];
    let version = 0;
    this.uploading += files.length;
    for (const file of files) {
      this.dispatchEvent(new Event("change"));
      try {
        const { upload } = await this.limits();
        if (file.size > upload) throw new Error(text.fileLarge(file.size, upload));
        const answer = await api.upload(file, reference);
        ids.push(answer.id);
        version = answer.version;
      } catch (error) {
        refused.push(text.uploadFailed(file.name, error.message));
      }
      this.uploading -= 1;
    }
    this.dispatchEvent(new Event("change"));
    return { ids, version, refused: refused.length ? text.uploadsFailed(refused.length, refused[0]) : "" };
  }

  /** Wait until the server has all changes of recipes. */
  async settled() {
    while ([...this.posting.values()].some((count) => count > 0)) {
      await new Promise((resolve) => this.addEventListener("change", resolve, { once: true }));
    }
  }

  /** What the server takes: {upload, pictures, suffixes}. */
  async limits() {
    this.known ??= await api.limits();
    return this.known;
  }

  /** Change parts of a picture's recipe; what is shown follows when the server has taken it. */
  async change(picture, parts) {
    const { id } = picture;
    const recipe = { ...this.pictures.get(id).recipe, ...parts };
    this.pictures.get(id).recipe = recipe;
    this.posting.set(id, (this.posting.get(id) ?? 0) + 1);
    // One after the other, lest an earlier one comes last.
    const earlier = this.last.get(id);
    const sent = this.send(id, recipe, earlier);
    this.last.set(id, sent);
    await sent;
    if (this.last.get(id) === sent) this.last.delete(id);
    this.dispatchEvent(new Event("change"));
  }

  async send(id, recipe, earlier) {
    await earlier;
    try {
      const { revision, version } = await api.change(id, recipe);
      this.taken.set(id, version);
      const own = this.pictures.get(id);
      if (own && this.posting.get(id) === 1) own.revision = revision;
    } catch (error) {
      this.say(error.message);
    } finally {
      this.posting.set(id, this.posting.get(id) - 1);
    }
  }
}
