// How far several pictures are, and which of them failed and why.

import { text } from "./text.js";

const $ = (id) => document.getElementById(id);

/** Show it for all photographs of the album. */
export function showBatch(photographs) {
  $("batch").hidden = photographs.length < 2;
  const failed = photographs.filter((picture) => picture.error);
  const ready = photographs.filter((picture) => picture.state === "ready" && !picture.error && picture.denoised);
  $("batch-ready").textContent = text.batch(ready.length, photographs.length);
  const details = $("batch-failed");
  details.hidden = !failed.length;
  const lines = failed.map((picture) => picture.error);
  if (details.dataset.shown === lines.join("\n")) return;
  details.dataset.shown = lines.join("\n");
  details.querySelector("summary").textContent = text.batchFailed(failed.length);
  details.querySelector("ul").replaceChildren(
    ...lines.map((line) => Object.assign(document.createElement("li"), { textContent: line })),
  );
}
