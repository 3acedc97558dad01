// Requests to the server. Each refusal is an Error whose message is the server's line.

import { text } from "./text.js";

async function request(path, options = {}) {
  let answer;
  try {
    answer = await fetch(path, { credentials: "same-origin", ...options });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw Object.assign(new Error(text.offline), { offline: true });
  }
  if (answer.ok) return answer;
  if (answer.status === 401) {
    // A new server, or pictures that were dropped after their time: begin anew, but not again and again.
    if (Date.now() - Number(sessionStorage.getItem("reloaded") || 0) > 10000) {
      sessionStorage.setItem("reloaded", String(Date.now()));
      location.reload();
    }
  }
  const line = await answer.json().then((content) => content.error, () => answer.statusText);
  throw Object.assign(new Error(line), { status: answer.status });
}

const json = (path, options) => request(path, options).then((answer) => answer.json());
const one = (id) => `api/pictures/${id}`;

export const api = {
  limits: () => json("api/limits"),
  album: (since, signal) => json(`api/album?since=${since}`, { signal }),
  upload: (file, reference = "") =>
    json(`api/pictures?name=${encodeURIComponent(file.name)}&reference=${reference}`, {
      method: "POST",
      body: file,
      headers: { "Content-Type": "application/octet-stream" },
    }),
  remove: (id) => json(one(id), { method: "DELETE" }),
  change: (id, recipe) => json(`${one(id)}/recipe`, { method: "POST", body: JSON.stringify(recipe) }),
  ask: (id) => json(`${one(id)}/result`, { method: "POST" }),
  askForAll: () => json("api/results", { method: "POST" }),
  colors: (id, x, y, signal) => json(`${one(id)}/colors?x=${x.toFixed(1)}&y=${y.toFixed(1)}`, { signal }),
  findReferences: (id, own) => json(`${one(id)}/references${own ? "?own=1" : ""}`, { method: "POST" }),
  forgetReferences: () => json("api/references", { method: "DELETE" }),
  runs: () => json("api/runs"),
  blob: (path, signal) => request(path, { signal }).then((answer) => answer.blob()),
  thumbnail: (id) => `${one(id)}/thumbnail`,
  result: (id) => `${one(id)}/result`,
  zip: "api/results",
  beforeTile: (id, level, x, y) => `${one(id)}/before/${level}/${x}/${y}`,
  afterTile: (id, level, x, y, query) => `${one(id)}/after/${level}/${x}/${y}?${query}`,
};
