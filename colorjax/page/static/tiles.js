// Tiles as pictures to draw: what is wanted is fetched, a few at a time, and the latest are kept.

import { api } from "./api.js";

const AT_A_TIME = 4;
const KEPT = 400;
const AGAIN_MS = 1500; // after a failure

export class Tiles {
  /** `loaded` is called when a tile has come. */
  constructor(loaded) {
    this.loaded = loaded;
    this.kept = new Map();
    this.coming = new Map();
    this.failed = new Map();
  }

  /** The tile at a path, or undefined if it isn't there. */
  peek(path) {
    const tile = this.kept.get(path);
    if (tile) {
      this.kept.delete(path);
      this.kept.set(path, tile);
    }
    return tile;
  }

  /** Fetch these, the first ones first, and stop fetching all others. */
  want(paths) {
    const wanted = new Set(paths);
    for (const [path, controller] of this.coming) {
      if (!wanted.has(path)) {
        controller.abort();
        this.coming.delete(path);
      }
    }
    for (const path of paths) {
      if (this.coming.size >= AT_A_TIME) return;
      const again = this.failed.get(path) ?? 0;
      if (!this.kept.has(path) && !this.coming.has(path) && again < Date.now()) this.fetch(path);
    }
  }

  async fetch(path) {
    const controller = new AbortController();
    this.coming.set(path, controller);
    try {
      const blob = await api.blob(path, controller.signal);
      this.kept.set(path, await createImageBitmap(blob));
      this.failed.delete(path);
      for (const [oldest, tile] of this.kept) {
        if (this.kept.size <= KEPT) break;
        tile.close();
        this.kept.delete(oldest);
      }
    } catch (error) {
      if (error.name !== "AbortError") {
        this.failed.set(path, Date.now() + AGAIN_MS);
        setTimeout(() => this.loaded(), AGAIN_MS + 50);
      }
    } finally {
      if (this.coming.get(path) === controller) this.coming.delete(path);
      this.loaded();
    }
  }
}
