// The page of the runs: their status, again every few seconds, and their report pages.

import { api } from "./api.js";
import { fillIn, text } from "./text.js";

const AGAIN_MS = 5000;
const $ = (id) => document.getElementById(id);
const number = (value, digits = 0) =>
  value === null ? "" : value.toLocaleString("en", { maximumFractionDigits: digits, minimumFractionDigits: digits });

function row(kind, cells) {
  const line = document.createElement("tr");
  line.append(
    ...cells.map((cell, i) => {
      const element = document.createElement(kind === "th" || i === 0 ? "th" : "td");
      if (kind !== "th" && i === 0) element.scope = "row";
      element.textContent = cell;
      return element;
    }),
  );
  return line;
}

function cells(run) {
  const steps = run.steps === null ? "?" : number(run.steps);
  return [
    run.name,
    run.state,
    `${number(run.step)}/${steps}`,
    number(run.rate, run.rate !== null && run.rate < 100 ? 1 : 0),
    number(run.best, 2),
    number(run.best_step),
    run.reason,
  ];
}

function show({ title, runs, reports }) {
  $("title").textContent = document.title = text.runsTitle(title);
  document.querySelector("thead tr").replaceWith(row("th", text.runsColumns));
  document.querySelector("tbody").replaceChildren(
    ...runs.map((run) => {
      const line = row("td", cells(run));
      line.dataset.state = run.state;
      return line;
    }),
  );
  document.querySelector(".wide").hidden = !runs.length;
  $("none").hidden = Boolean(runs.length);
  $("no-reports").hidden = Boolean(reports.length);
  if ($("reports").dataset.shown === reports.join("\n")) return;
  $("reports").dataset.shown = reports.join("\n");
  $("reports").replaceChildren(
    ...reports.map((name) => {
      const link = document.createElement("a");
      link.href = `reports/${name.split("/").map(encodeURIComponent).join("/")}`;
      link.textContent = name;
      link.target = "_blank";
      link.rel = "noopener";
      const item = document.createElement("li");
      item.append(link);
      return item;
    }),
  );
}

fillIn();
for (;;) {
  try {
    show(await api.runs());
    $("status").classList.remove("shown");
  } catch (error) {
    $("status").textContent = error.message;
    $("status").classList.add("shown");
  }
  await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
}
