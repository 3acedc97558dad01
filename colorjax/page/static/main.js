// The page: it joins the album, the viewer, the hints and the settings.

import { Adding, onChosen } from "./adding.js";
import { Album } from "./album.js";
import { api } from "./api.js";
import { showBatch } from "./batch.js";
import { Hints, fromJSON } from "./hints.js";
import { abOfHex } from "./lab.js";
import { Pen } from "./pen.js";
import { Picker } from "./picker.js";
import { References } from "./references.js";
import { Saving } from "./save.js";
import { Strip } from "./strip.js";
import { fillIn, text } from "./text.js";
import { Viewer } from "./viewer.js";

const SAID_MS = 8000; // a line stays so long
const HINTS_MS = 60; // after the last change of hints, until the server gets them
const $ = (id) => document.getElementById(id);

fillIn();
const album = new Album();
const hintsOf = new Map(); // id -> Hints
let current = null; // id
let sliding = null; // the slider that is being moved

const picture = () => album.pictures.get(current) ?? null;
const ready = () => picture()?.state === "ready";

let saidTimer = null;
function say(line) {
  const status = $("status");
  status.textContent = line;
  status.classList.toggle("shown", Boolean(line));
  clearTimeout(saidTimer);
  if (line && line !== text.offline) saidTimer = setTimeout(() => say(""), SAID_MS);
}

const failed = (error) => say(error.message);

// Hints

function hints() {
  const { info, recipe } = picture();
  if (!hintsOf.has(current)) {
    const made = new Hints(info.width, info.height, recipe.hints);
    made.sent = recipe.hints;
    hintsOf.set(current, made);
  }
  return hintsOf.get(current);
}

let hintsTimer = null;
let sendHints = () => {};
function hintsChanged() {
  showHintButtons();
  viewer.redraw();
  const [id, content] = [current, hints().toJSON()];
  hints().sent = content;
  clearTimeout(hintsTimer);
  sendHints = () => {
    clearTimeout(hintsTimer);
    [hintsTimer, sendHints] = [null, () => {}];
    if (album.pictures.has(id)) album.change(album.pictures.get(id), { hints: content });
  };
  hintsTimer = setTimeout(sendHints, HINTS_MS);
}

let asking = null;
async function showSpot(x, y) {
  const { info } = picture();
  if (x < 0 || y < 0 || x > info.width || y > info.height) return;
  asking?.abort();
  asking = new AbortController();
  try {
    const { lightness, colors } = await api.colors(current, x, y, asking.signal);
    picker.suggest(lightness, colors);
    if (pen.selected && !picker.decided && colors.length) {
      // Until a person has chosen a color, a hint says what the network thinks already.
      picker.set(colors[0].slice(0, 2));
      hints().recolor(picker.hex, true);
      hintsChanged();
    }
  } catch (error) {
    if (error.name !== "AbortError") say(error.message);
  }
}

const picker = new Picker({
  gamut: $("gamut"),
  color: $("color"),
  likely: $("likely"),
  a: $("a"),
  b: $("b"),
  chosen: (a, b, goesOn) => {
    if (!ready() || !pen.selected) return;
    hints().recolor(picker.hex, goesOn);
    hintsChanged();
  },
});

const pen = new Pen({
  hints,
  color: () => picker.hex,
  size: () => Number($("size").value),
  spot: showSpot,
  changed: hintsChanged,
  redraw: () => viewer.redraw(),
});

function setTool(tool) {
  pen.setTool(tool);
  document.querySelector(`[name=tool][value=${tool}]`).checked = true;
  $("tool-help").textContent = text.toolHelp[tool];
  document.body.dataset.tool = tool;
  showCanvasLabel();
}

function showHintButtons() {
  const own = ready() ? hints() : { past: [], future: [], list: [] };
  $("undo").disabled = !own.past.length;
  $("redo").disabled = !own.future.length;
  $("clear").disabled = $("hints-save").disabled = !own.list.length;
}

function history(step) {
  if (!ready() || !hints()[step]()) return;
  pen.selected = false;
  hintsChanged();
}

for (const radio of document.querySelectorAll("[name=tool]")) {
  radio.addEventListener("change", () => setTool(radio.value));
}
$("undo").addEventListener("click", () => history("undo"));
$("redo").addEventListener("click", () => history("redo"));
$("clear").addEventListener("click", () => {
  hints().change([]);
  pen.selected = false;
  hintsChanged();
});
$("size").addEventListener("input", () => {
  document.querySelector("[for=size] + output").textContent = $("size").value;
  viewer.redraw();
});
$("hints-save").addEventListener("click", () => {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([JSON.stringify(hints().toJSON(), null, 1)], { type: "application/json" }));
  link.download = `${picture().name.replace(/\.[^.]*$/, "")}-hints.json`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
});
$("hints-load").addEventListener("click", () => $("hints-file").click());
onChosen($("hints-file"), ([file]) => loadHints(file));

async function loadHints(file) {
  try {
    const content = JSON.parse(await file.text());
    const list = fromJSON(content);
    const { info } = picture();
    if (content.width !== info.width || content.height !== info.height) {
      say(text.hintsSize(`${info.width} × ${info.height}`, `${content.width} × ${content.height}`));
      return;
    }
    hints().change(list);
    const last = list.at(-1);
    if (last) picker.set(abOfHex(last.color));
    picker.decided = Boolean(last);
    hintsChanged();
  } catch {
    say(text.hintsBad);
  }
}

// The picture

const viewer = new Viewer({
  canvas: $("canvas"),
  stage: $("stage"),
  divider: $("divider"),
  pen,
  viewed: () => ($("zoom-share").textContent = text.zoomShare(Math.round(100 * viewer.scale * viewer.ratio))),
  complete: (complete) => {
    document.body.dataset.complete = String(complete);
  },
});

/** What the server is asked for, for tiles of the present picture. */
function query({ recipe, revision, denoised }, changes = {}) {
  const { strength, vividness } = { ...recipe, ...changes };
  return new URLSearchParams({ rev: revision, strength, vividness, denoised: denoised ? 1 : 0 }).toString();
}

function showLayers() {
  const own = picture();
  if (!own || own.state !== "ready") return viewer.setLayers([]);
  if (sliding) {
    // What lies between the two ends is blended here, at once.
    const share = own.recipe[sliding];
    const ends = [0, 1].map((value) => ({ query: query(own, { [sliding]: value }), share: value ? share : 1 }));
    return viewer.setLayers(ends);
  }
  return viewer.setLayers([{ query: query(own), share: 1 }]);
}

for (const [id, act] of [
  ["zoom-in", () => viewer.zoom(1.25)],
  ["zoom-out", () => viewer.zoom(0.8)],
  ["zoom-fit", () => viewer.fit()],
  ["zoom-full", () => viewer.full()],
]) {
  $(id).addEventListener("click", act);
}

function showCanvasLabel() {
  const name = picture()?.name ?? "";
  $("canvas").setAttribute("aria-label", text.canvas(name) + (pen.active() ? ` ${text.canvasPaint}` : ""));
}

// Settings

for (const radio of document.querySelectorAll("[name=task]")) {
  radio.addEventListener("change", () => album.change(picture(), { task: radio.value }));
}
for (const radio of document.querySelectorAll("[name=method]")) {
  radio.addEventListener("change", () => album.change(picture(), { method: radio.value }));
}
for (const key of ["strength", "vividness"]) {
  const slider = $(key);
  slider.addEventListener("input", () => {
    sliding = key;
    picture().recipe[key] = Number(slider.value) / 100;
    showSettings();
    showLayers();
  });
  slider.addEventListener("change", async () => {
    await album.change(picture(), { [key]: Number(slider.value) / 100 });
    sliding = null;
    showLayers();
  });
}
$("for-all").addEventListener("click", async () => {
  const { task, strength, vividness } = picture().recipe;
  const others = album.photographs.filter(({ id, state }) => id !== current && state === "ready");
  for (const other of others) await album.change(other, { task, strength, vividness });
  say(text.forAllDone(others.length));
});

function showSettings() {
  const own = picture();
  const { recipe } = own;
  document.querySelector(`[name=task][value=${recipe.task}]`).checked = true;
  document.querySelector(`[name=method][value=${recipe.method}]`).checked = true;
  const colorizes = recipe.task !== "denoise";
  const byNetwork = recipe.method === "network";
  $("strength-row").hidden = recipe.task === "colorize";
  $("vividness-row").hidden = !colorizes || !byNetwork;
  $("hints").hidden = !colorizes;
  $("reference").hidden = !colorizes || !byNetwork;
  if (!colorizes && pen.active()) setTool("look");
  for (const key of ["strength", "vividness"]) {
    const value = Math.round(100 * recipe[key]);
    if (sliding !== key || document.activeElement !== $(key)) $(key).value = String(value);
    document.querySelector(`output[for=${key}]`).textContent = `${value} %`;
  }
  const none = recipe.method === "scribble" && !recipe.hints;
  $("method-help").textContent = none ? text.methodHelp.scribbleNone : text.methodHelp[recipe.method];
  $("for-all").hidden = album.photographs.length < 2;
  references.show();
  $("remarks").textContent = own.remarks.join("; ");
}

const references = new References({ album, picture, say, query });

// Files

let wish = null; // a picture to show as soon as the album has it
const onReference = (files, path) => files.length > 0 && path.includes($("reference-drop")) && ready();
const isHints = (files) => files.length === 1 && files[0].name.toLowerCase().endsWith(".json") && ready();
new Adding({
  album,
  say,
  added: ([first]) => {
    if (first && album.pictures.has(first)) choose(first);
    else wish = first ?? null;
  },
  drops: [
    [onReference, (found) => (found.files.length > 1 ? references.takeFolder(found) : references.take(found.files[0]))],
    [isHints, ({ files }) => loadHints(files[0])],
  ],
});

const saving = new Saving(album, { save: $("save"), all: $("save-all"), say, changed: () => update() });
function save() {
  sendHints();
  saving.one(picture());
}
$("save").addEventListener("click", save);
$("save-all").addEventListener("click", () => {
  sendHints();
  saving.everything();
});
$("remove").addEventListener("click", async () => {
  const { id, name } = picture();
  const ids = album.photographs.map((other) => other.id);
  const next = ids[ids.indexOf(id) + 1] ?? ids[ids.indexOf(id) - 1];
  await api.remove(id).catch(failed);
  hintsOf.delete(id);
  say(text.removed(name));
  if (next) choose(next);
});

// Everything

const strip = new Strip($("pictures"), choose);

function choose(id) {
  if (id !== current) {
    sendHints();
    sliding = null;
    current = id;
    shown = null;
    pen.selected = false;
    pen.cross = null;
    update();
    document.querySelector(`#strip [data-id="${id}"]`)?.scrollIntoView({ block: "nearest", inline: "nearest" });
  }
}

let shown = null; // the picture that the viewer has
function update() {
  const all = album.photographs;
  if (wish && album.pictures.has(wish)) [current, wish, shown] = [wish, null, null];
  if (!all.some((other) => other.id === current)) [current, shown] = [all[0]?.id ?? null, null];
  references.settle();
  document.body.classList.toggle("empty", !all.length && !album.uploading);
  $("runs-link").hidden = !album.runs;
  $("save-all").hidden = all.length < 2;
  strip.show(all, current);
  showBatch(all);
  const own = picture();
  document.body.classList.toggle("ready", ready());
  if (shown !== current || !ready()) {
    viewer.show(ready() ? { id: own.id, ...own.info } : null);
    shown = ready() ? current : null;
    showCanvasLabel();
  }
  for (const part of document.querySelectorAll("#panel > fieldset")) part.inert = !ready();
  $("panel").hidden = !own;
  if (ready()) {
    showSettings();
    const kept = hintsOf.get(current);
    const settled = kept && !hintsTimer && !album.posting.get(current) && !pen.painting;
    // Another window has changed the hints.
    if (settled && JSON.stringify(own.recipe.hints) !== JSON.stringify(kept.sent)) hintsOf.delete(current);
  }
  showHintButtons();
  showLayers();
  showNotice(own);
  saving.update(own);
  if (ready() && own.recipe.task !== "denoise" && own.recipe.method === "scribble" && !own.recipe.hints) $("save").disabled = true;
  if (album.uploading) say(text.uploading(album.uploading));
  else if ($("status").dataset.upload) say(album.said ?? "");
  $("status").dataset.upload = album.uploading ? "1" : "";
}

function showNotice(own) {
  const notice = $("notice");
  let line = "";
  if (own?.error) line = `${text.notice.failed}: ${own.error}`;
  else if (own?.state === "reading") line = text.notice.reading;
  else if (own?.work === "denoise" && own.running) line = text.notice.denoise(Math.round(100 * own.share));
  else if (own?.work === "denoise") line = text.notice.denoiseWaits(own.ahead);
  notice.hidden = !line;
  if (notice.textContent !== line) notice.textContent = line;
  notice.classList.toggle("bad", Boolean(own?.error));
  $("meter").hidden = !own?.running;
  $("meter").firstElementChild.style.width = `${100 * (own?.share ?? 0)}%`;
  $("facts").textContent = own?.state === "ready" ? text.facts(own.info) : (own?.name ?? "");
  $("facts").title = own?.name ?? "";
  document.body.dataset.state = !own ? "none" : own.state === "ready" && own.work ? "working" : own.state;
}

album.addEventListener("change", update);
album.addEventListener("say", ({ line }) => say(line));

addEventListener("keydown", (event) => {
  if (event.target.closest("input:not([type=radio]):not([type=range]), textarea")) return;
  const command = event.ctrlKey || event.metaKey;
  const key = event.key.toLowerCase();
  if (command && key === "z") {
    event.preventDefault();
    history(event.shiftKey ? "redo" : "undo");
  } else if (command && key === "y") {
    event.preventDefault();
    history("redo");
  } else if (command && key === "s" && ready()) {
    event.preventDefault();
    if (!$("save").disabled) save();
  } else if (!command && !event.altKey && ready()) {
    const tools = { l: "look", p: "point", b: "brush", e: "eraser" };
    if (key in tools && !$("hints").hidden) setTool(tools[key]);
    const size = { "[": -4, "]": 4 }[event.key];
    if (size) {
      $("size").value = String(Number($("size").value) + size);
      $("size").dispatchEvent(new Event("input"));
    }
  }
});

setTool("look");
$("size").value = "22";
$("size").dispatchEvent(new Event("input"));
update();
album.follow();
