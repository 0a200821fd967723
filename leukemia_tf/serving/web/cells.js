// The cells, and what is known of each: its prediction at the threshold, its patient.

const cells = [];  // in the order in which they were added
const NAME = /^UID_(h?\d+)_.*_(all|hem)$/i;  // as in C-NMC
let chosenThreshold = null;  // null: the model's
const KINDS = {  // what a cell can be, in the order of "status"
  all: settings.labels.all, hem: settings.labels.hem, unlike: "unlike the training cells",
  unreadable: "unreadable", failed: "not classified", waiting: "waiting",
};

/** Return a cell that waits for its prediction. */
function newCell(file, path) {
  const match = NAME.exec(file.name.replace(/\.[^.]*$/, ""));
  const [patient, label] = match ? [patientName(match[1]), match[2].toLowerCase()] : ["", ""];
  return {
    file, path, patient, label, named: Boolean(match), state: "waiting", reason: "", result: null, version: "",
    most: settings.batch, tries: 0, after: 0,  // images of its next batch; failed tries alone; when it may be tried
    heat: {state: "none", png: null, reason: "", tries: 0}, near: false, url: null, card: null,
  };
}

function keyOf(file, path) { return [path, file.size, file.lastModified].join("\n"); }

function patientName(text) { return text.normalize("NFC").toUpperCase().trim(); }

function modelThreshold() { return served.notes ? served.notes.threshold : 0.5; }

/** Return the label at the threshold: that of the model unless another threshold was chosen. */
function labelOf(result) {
  if (chosenThreshold === null) return result.prediction;
  return result.probability >= chosenThreshold ? "all" : "hem";
}

/** Return what a cell is: a key of KINDS. */
function kindOf(cell) {
  if (cell.state === "failed" || cell.state === "stopped") return "failed";
  if (cell.state !== "done") return "waiting";
  if (cell.result.status === settings.unreadable) return "unreadable";
  return cell.result.status === settings.unlike ? "unlike" : labelOf(cell.result);
}

function votes(kind) { return kind === "all" || kind === "hem"; }

/** Return the number of cells of each kind. */
function countKinds() {
  const counts = Object.fromEntries(Object.keys(KINDS).map(kind => [kind, 0]));
  for (const cell of cells) counts[kindOf(cell)] += 1;
  return counts;
}

/** Store that an image cannot be read. */
function setUnreadable(cell, reason) {
  const result = {logit: null, probability: null, prediction: "", status: settings.unreadable};
  Object.assign(cell, {state: "done", result, reason});
}
