// Every English word of the page.

export const text = {
  title: "colorjax: restore photographs",
  skip: "Skip to the picture",
  add: "Add files",
  addFolder: "Add folder",
  saveAll: "Save all",
  savingAll: (done, all) => `${done} of ${all} made …`,
  savedAll: (done, failed) =>
    failed
      ? `${counted(done, "picture")} in the zip file; ${failed} failed, and it says why.`
      : `${counted(done, "picture")} in the zip file.`,
  batch: (ready, all) => `${ready} of ${all} ready`,
  batchFailed: (count) => `${count} failed`,
  runs: "Runs",
  welcome: "Drop photographs here",
  welcomeHow: "JPEG, PNG, TIFF and others, 8 or 16 bits, one or many. Gray ones get colors, grainy ones lose their grain.",
  welcomePrivate: "Everything is computed on the machine that serves this page; nothing is sent anywhere else.",
  choose: "Choose files",
  chooseFolder: "Choose a folder",
  dropping: "Drop to restore",
  strip: "Pictures",
  viewer: "Picture",
  before: "Before",
  after: "After",
  divider: "Divider between before and after",
  dividerValue: (share) => `${share} % of the width shows the picture as it was`,
  canvas: (name) => `${name}, before and after. Arrow keys move it, plus and minus zoom, 0 fits it.`,
  canvasPaint: "Arrow keys move the cross, Enter paints.",
  zoom: "Zoom",
  zoomIn: "Zoom in",
  zoomOut: "Zoom out",
  zoomShare: (percent) => `${percent} %`,
  fit: "Fit",
  full: "1 : 1",
  panel: "Settings",
  task: "What to do",
  denoise: "Denoise",
  colorize: "Colorize",
  restore: "Both",
  strength: "Strength of denoising",
  vividness: "Vividness of colors",
  forAll: "Do the same to all pictures",
  forAllDone: (count) => `These settings are for ${counted(count, "more picture")} now.`,
  hints: "Color hints",
  toolLook: "Look",
  toolPoint: "Point",
  toolBrush: "Brush",
  toolEraser: "Eraser",
  toolHelp: {
    look: "Wrong color somewhere? Take the point or the brush, and mark it.",
    point: "Click a thing, then choose its color. What looks alike follows.",
    brush: "Paint over a thing, then choose its color.",
    eraser: "Paint over hints to take them away.",
  },
  size: "Size",
  likely: "Likely here",
  likelyNone: "Click on the picture first.",
  likelyColor: (color, share) => `${color}, likely to ${share} %`,
  greenRed: "Green to red",
  blueYellow: "Blue to yellow",
  color: (color) => `Chosen color ${color}`,
  undo: "Undo",
  redo: "Redo",
  clear: "Clear",
  hintsSave: "Save hints",
  hintsLoad: "Load hints",
  hintsBad: "This file has no hints for this picture.",
  hintsSize: (own, other) => `These hints are for a picture of ${other} pixels, and this one has ${own}.`,
  method: "How hints spread",
  network: "Network",
  scribble: "Levin",
  methodHelp: {
    network: "The network colors everything, and hints correct it.",
    scribble: "Colors come from hints alone and spread over even ground: every region needs one.",
    scribbleNone: "Without hints this stays gray: paint some, or switch to the network.",
  },
  reference: "Reference",
  referenceHow: "A photograph whose colors this one shall have, or a folder of them, in which the nearest are found.",
  referenceAdd: "Choose a file",
  referenceFolder: "Choose a folder",
  referencesReading: (done, all) => `Reading the references: ${done} of ${all} …`,
  referencesGray: (count) =>
    `${count === 1 ? "One picture is" : `${count} pictures are`} no reference, as gray or not readable.`,
  referencesOwn: (count) => `${counted(count, "picture")} in your folder`,
  referenceForget: "Forget them",
  referenceFind: "Find similar ones",
  referenceFinding: "Searching the folder of references …",
  referenceFound: "The nearest in the folder, and what each would give:",
  referencePoor: "None of them is much like this picture; their colors may be any.",
  referenceTake: (name) => `Take the colors of ${name}`,
  referenceRemove: "Without it",
  referenceImage: (name) => `Reference: ${name}`,
  referenceReading: "Reading the reference …",
  save: "Save",
  saving: (share) => `Making it … ${share} %`,
  savingWaits: "Waits …",
  remove: "Remove",
  saved: (name) => `${name} is saved.`,
  states: {
    reading: "reading …",
    waiting: (ahead) => (ahead > 0 ? `${ahead} before it` : "waits"),
    working: (share) => `${share} %`,
    ready: "ready",
    saved: "ready, file made",
    failed: "failed",
  },
  notice: {
    reading: "Reading …",
    denoise: (share) => `Denoising … ${share} %`,
    denoiseWaits: (ahead) => (ahead > 0 ? `Denoising waits for ${counted(ahead, "other picture")} …` : "Denoising begins …"),
    failed: "Not restored",
  },
  facts: (info) => `${info.width} × ${info.height}, ${info.bits} bits, ${info.format}`,
  picture: (name, state) => `${name}: ${state}`,
  uploading: (count) => (count === 1 ? "One picture is coming in …" : `${count} pictures are coming in …`),
  uploadFailed: (name, reason) => `${name}: ${reason}`,
  uploadsFailed: (count, first) => (count === 1 ? first : `${count} files were not taken. The first: ${first}`),
  fileLarge: (size, most) => `${megabytes(size)} MB; a file may have ${megabytes(most)} MB`,
  leftOut: (count, kinds) => {
    const counts = kinds.map(([kind, number]) => `${number} ${kind || "without an ending"}`).join(", ");
    return `${count === 1 ? "One file is" : `${count} files are`} left out, as no picture that can be read: ${counts}.`;
  },
  most: (count) => `Only the first ${count} pictures are taken.`,
  noPictures: "There is no picture in this folder.",
  offline: "The server does not answer. It may have been stopped; this page tries again.",
  removed: (name) => `${name} is removed.`,
  runsTitle: (name) => `Runs in ${name}`,
  runsNone: "There is no run in this folder yet.",
  runsColumns: ["Run", "State", "Step", "Examples/s", "Best PSNR", "at step", "Why"],
  runsReports: "Report pages",
  runsNoReports: "None yet: the commands table, evaluate and compare write them.",
  runsBack: "Photographs",
  runsCompare: "Compare",
};

function counted(count, thing) {
  return `${count} ${thing}${count === 1 ? "" : "s"}`;
}

function megabytes(bytes) {
  return (bytes / 1e6).toLocaleString("en", { maximumFractionDigits: 1 });
}

/** Fill the elements that say with data-text or data-label which words they show. */
export function fillIn(root = document) {
  document.title = text.title;
  for (const element of root.querySelectorAll("[data-text]")) element.textContent = text[element.dataset.text];
  for (const element of root.querySelectorAll("[data-label]")) {
    element.setAttribute("aria-label", text[element.dataset.label]);
    if (element.tagName === "BUTTON") element.title = text[element.dataset.label];
  }
}
