// The files in what a person drops or chooses, those in folders too.

import { text } from "./text.js";

/**
 * The files of a drop, as {files, leftOut}: of folders, those that are pictures, and the names of the others.
 * It must be called before the drop's event ends. `limitsOf` returns the promise of the server's limits.
 */
export async function filesOf(transfer, limitsOf) {
  const found = { files: [...transfer.files], leftOut: [] };
  const entries = [...transfer.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
  if (!entries.some((entry) => entry.isDirectory)) return found;
  const limits = await limitsOf();
  found.files = [];
  for (const entry of entries) await within(entry, true, found, limits);
  return found;
}

/** The same of a folder that was chosen, whose files a browser lists in any order. */
export function filesIn(list, limits) {
  const found = { files: [], leftOut: [] };
  const visible = [...list].filter((file) => !/(^|\/)\./.test(file.webkitRelativePath));
  visible.sort((one, other) => one.webkitRelativePath.localeCompare(other.webkitRelativePath));
  for (const file of visible) {
    if (found.files.length >= limits.pictures) return { ...found, most: limits.pictures };
    if (isPicture(file.name, limits)) found.files.push(file);
    else found.leftOut.push(file.name);
  }
  return found;
}

/** One line on what was left out; '' for nothing. */
export function remark({ leftOut, most }) {
  const counts = new Map();
  for (const name of leftOut) counts.set(suffix(name), (counts.get(suffix(name)) ?? 0) + 1);
  const kinds = [...counts].sort(([one], [other]) => one.localeCompare(other));
  const lines = [leftOut.length && text.leftOut(leftOut.length, kinds), most && text.most(most)];
  return lines.filter(Boolean).join(" ");
}

async function within(entry, dropped, found, limits) {
  if (found.files.length >= limits.pictures) {
    found.most = limits.pictures;
  } else if (entry.name.startsWith(".") && !dropped) {
    return;
  } else if (entry.isDirectory) {
    for (const inner of await entriesOf(entry)) await within(inner, false, found, limits);
  } else if (dropped || isPicture(entry.name, limits)) {
    found.files.push(await new Promise((resolve, reject) => entry.file(resolve, reject)));
  } else {
    found.leftOut.push(entry.name);
  }
}

async function entriesOf(folder) {
  const reader = folder.createReader();
  const entries = [];
  for (;;) {
    // A reader gives some entries at a time, and none at the end.
    const some = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
    if (!some.length) return entries.sort((one, other) => one.name.localeCompare(other.name));
    entries.push(...some);
  }
}

const suffix = (name) => (name.lastIndexOf(".") > 0 ? name.slice(name.lastIndexOf(".")).toLowerCase() : "");
const isPicture = (name, limits) => limits.suffixes.includes(suffix(name));
