// The CSV: the columns of the command `predict`, with the label and the threshold that the page shows.

function rowOf(cell) {
  const {result} = cell, kind = kindOf(cell);
  const given = {path: cell.path, patient: cell.patient, label: cell.label, reason: cell.reason, view: "none"};
  if (!result || cell.state !== "done") return {...given, status: "not-classified", reason: cell.reason || KINDS[kind]};
  const {logit, probability, status} = result;
  const digits = logit === null ? null : Number(logit.toPrecision(9));  // a float32
  return {...given, logit: digits, probability, prediction: result.prediction && labelOf(result), status};
}

function quoted(value) {
  const text = value === null || value === undefined ? "" : String(value);
  const safe = /^[=+\-@\t\r]/.test(text) && isNaN(text) ? "'" + text : text;  // no formula in a spreadsheet
  return /[",\n\r]/.test(safe) ? '"' + safe.replaceAll('"', '""') + '"' : safe;
}

function csvText() {
  const rows = cells.map(rowOf).map(row => settings.columns.map(name => quoted(row[name])));
  return [settings.columns, ...rows].map(row => row.join(",") + "\n").join("");
}

function download() {
  const link = make("a", {href: URL.createObjectURL(new Blob([csvText()], {type: "text/csv"}))});
  link.download = chosenThreshold === null ? "predictions.csv" : `predictions-threshold-${chosenThreshold}.csv`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}
