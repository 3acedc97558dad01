// How files come in: chosen, as a folder, or dropped.

import { filesIn, filesOf, remark } from "./files.js";
import { text } from "./text.js";

const $ = (id) => document.getElementById(id);
const hasFiles = (event) => [...(event.dataTransfer?.types ?? [])].includes("Files");

export class Adding {
  /**
   * `added` is called with the ids of pictures that the server took. `drops` is a list of [takes, act]: the first that
   * takes (files, event) gets the files of a drop; without any, they are pictures to restore.
   */
  constructor({ album, say, added, drops }) {
    Object.assign(this, { album, say, added, drops });
    for (const id of ["add", "choose"]) $(id).addEventListener("click", () => $("files").click());
    onChosen($("files"), (files) => this.add({ files, leftOut: [] }));
    onFolder({ album, say, buttons: ["add-folder", "choose-folder"], input: "folder", act: (found) => this.add(found) });
    this.listen();
  }

  /** Send what was found, and say what was left out or not taken. */
  async add(found) {
    const { ids, refused } = await this.album.upload(found.files);
    const lines = [refused, found.files.length ? "" : text.noPictures, remark(found)].filter(Boolean);
    if (lines.length) this.say(lines.join(" "));
    this.added(ids);
  }

  listen() {
    let depth = 0;
    const show = (change) => {
      depth = Math.max(0, depth + change);
      $("dropping").hidden = depth < 1;
    };
    addEventListener("dragenter", (event) => hasFiles(event) && show(1));
    addEventListener("dragleave", (event) => hasFiles(event) && show(-1));
    addEventListener("dragover", (event) => hasFiles(event) && event.preventDefault());
    addEventListener("drop", async (event) => {
      if (!hasFiles(event)) return;
      event.preventDefault();
      show(-Infinity);
      const path = event.composedPath(); // empty once the event has ended
      try {
        const found = await filesOf(event.dataTransfer, () => this.album.limits());
        const [, act] = this.drops.find(([takes]) => takes(found.files, path)) ?? [null, () => this.add(found)];
        await act(found);
      } catch (error) {
        this.say(error.message);
      }
    });
  }
}

/** Call `act` with the files that are chosen in an input. */
export function onChosen(input, act) {
  input.addEventListener("change", () => {
    const files = [...input.files];
    input.value = "";
    if (files.length) act(files);
  });
}

/** Let buttons choose a folder, and call `act` with what was found in it; they are hidden where a browser can't. */
export function onFolder({ album, say, buttons, input, act }) {
  for (const id of buttons) {
    $(id).hidden = !("webkitdirectory" in $(input));
    $(id).addEventListener("click", () => $(input).click());
  }
  onChosen($(input), async (files) => {
    try {
      await act(filesIn(files, await album.limits()));
    } catch (error) {
      say(error.message);
    }
  });
}
