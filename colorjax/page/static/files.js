// The files in what a person drops, those in folders too.

const MOST = 300;
const PICTURES = /\.(jpe?g|jfif|jpe|png|tiff?|bmp|webp|jp2|j2k|jpx|gif|p[bgpn]m|tga|avif|sgi|heic|json)$/i;

/** The files of a drop; of folders, those that look like pictures. It must be called before the drop's event ends. */
export function filesOf(transfer) {
  const entries = [...transfer.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
  if (!entries.some((entry) => entry.isDirectory)) return Promise.resolve([...transfer.files]);
  return Promise.all(entries.map((entry) => within(entry, true))).then((found) => found.flat().slice(0, MOST));
}

async function within(entry, dropped) {
  if (entry.isFile) {
    if (!dropped && (!PICTURES.test(entry.name) || entry.name.startsWith("."))) return [];
    return [await new Promise((resolve, reject) => entry.file(resolve, reject))];
  }
  const reader = entry.createReader();
  const files = [];
  for (;;) {
    // A reader gives some entries at a time, and none at the end.
    const some = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
    if (!some.length || files.length >= MOST) return files;
    for (const inner of some.sort((one, other) => one.name.localeCompare(other.name))) files.push(...(await within(inner)));
  }
}
