"use strict";
// Everything here is an addition: without it the page shows the same numbers, tables and pictures.

function button(text, label, act) {
  const made = document.createElement("button");
  made.type = "button";
  made.textContent = text;
  if (label) made.setAttribute("aria-label", label);
  made.addEventListener("click", act);
  return made;
}

// Tables: a click on a title sorts the rows below it, of each group by itself.
function value(row, column) {
  const text = row.cells[column].textContent.trim();
  const number = parseFloat(text.replace(/,/g, ""));
  return {text, number, missing: !text || text === "undefined"};
}
function sort(table, column, head) {
  const up = head.getAttribute("aria-sort") !== "ascending", sign = up ? 1 : -1;
  for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
  head.setAttribute("aria-sort", up ? "ascending" : "descending");
  for (const body of table.tBodies) {
    const rows = [...body.rows].filter(row => row.cells.length > column);
    const values = new Map(rows.map(row => [row, value(row, column)]));
    const numbers = [...values.values()].every(one => one.missing || !isNaN(one.number));
    rows.sort((a, b) => {
      const one = values.get(a), other = values.get(b);
      if (one.missing || other.missing) return one.missing - other.missing;
      return sign * (numbers ? one.number - other.number : one.text.localeCompare(other.text, "en", {numeric: true}));
    });
    for (const row of rows) body.append(row);
  }
}
for (const table of document.querySelectorAll("table")) {
  if (!table.tHead || Math.max(...[...table.tBodies].map(body => body.rows.length)) < 3) continue;
  [...table.tHead.rows[0].cells].forEach((head, column) => {
    if (!head.textContent) return;
    const sorter = button(head.textContent, "", () => sort(table, column, head));
    head.replaceChildren(sorter);
  });
}

// Figures: each can be saved as the SVG that it is.
for (const figure of document.querySelectorAll("figure[data-file]")) {
  const name = figure.dataset.file;
  const save = button("save as SVG", `save ${name}`, () => {
    const link = document.createElement("a");
    link.href = figure.querySelector("img").src;
    link.download = name;
    link.click();
  });
  save.className = "tool";
  figure.append(save);
}

// Galleries: a click enlarges a picture.
const enlarged = document.getElementById("enlarged"), shown = document.createElement("img");
enlarged.querySelector("p").before(shown);
for (const picture of document.querySelectorAll(".cells img")) {
  const caption = picture.parentElement.querySelector("p").textContent;
  const opener = button("", `enlarge: ${picture.alt}`, () => {
    shown.src = picture.src;
    shown.alt = picture.alt;
    enlarged.querySelector("p").textContent = caption;
    enlarged.showModal();
  });
  picture.replaceWith(opener);
  opener.append(picture);
}
enlarged.addEventListener("click", event => { if (event.target === enlarged) enlarged.close(); });

// The threshold: sensitivity, specificity, and the patients whose mean crosses it.
const stored = document.getElementById("threshold-data");
if (stored) {
  const data = JSON.parse(stored.textContent), live = document.querySelector(".live");
  const input = document.getElementById("threshold-input"), plot = live.parentElement.querySelector(".plot");
  const line = document.createElement("div");
  line.className = "line";
  plot.append(line);
  const [left, right, top, bottom] = JSON.parse(live.dataset.plot);  // shares of the picture
  line.style.top = `${100 * top}%`;
  line.style.height = `${100 * (bottom - top)}%`;
  const show = (name, text) => { document.getElementById(name).textContent = text; };
  function share(label, correct) {
    const cells = data.labels.map((_, i) => i).filter(i => data.labels[i] === label);
    if (!cells.length) return "undefined";
    const right = cells.filter(i => correct(data.probabilities[i])).length;
    return `${(right / cells.length).toFixed(3)} (${right} of ${cells.length} cells)`;
  }
  function update(threshold) {
    const means = data.patients.map(patient => patient.probability >= threshold);
    const changed = data.patients.filter((patient, i) => means[i] !== patient.called);
    const names = changed.map(patient => {
      const called = patient.probability >= threshold;
      const verdict = called === (patient.label === 1) ? "now correct" : "now wrong";
      return `${patient.name} (${data.names[patient.label]}) to ${data.names[called ? 1 : 0]}, ${verdict}`;
    });
    show("threshold-value", threshold.toFixed(3));
    show("live-sensitivity", share(1, p => p >= threshold));
    show("live-specificity", share(0, p => p < threshold));
    show("live-patients", names.length ? `${names.length} of ${data.patients.length}: ${names.join("; ")}` : "none");
    line.style.left = `${100 * (left + threshold * (right - left))}%`;
  }
  const reset = () => { input.value = data.threshold; update(data.threshold); };
  input.addEventListener("input", () => update(parseFloat(input.value)));
  document.getElementById("threshold-reset").addEventListener("click", reset);
  live.hidden = false;
  reset();
}
