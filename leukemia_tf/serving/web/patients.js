// The patients: who has which cells, and how these vote.

/** Name the patient of cells whose files tell none. */
function namePatient(some, text) {
  for (const cell of some) {
    cell.patient = patientName(text);
    cell.card.patient.value = cell.patient;
  }
  showAll();
}

/** Return a record for each patient, with the cells of unknown patients as the last. */
function tallyPatients() {
  const by = new Map();
  for (const cell of cells) {
    if (!by.has(cell.patient)) by.set(cell.patient, []);
    by.get(cell.patient).push(cell);
  }
  return [...by].filter(([patient, theirs]) => patient || theirs.some(canBeNamed)).map(([patient, theirs]) => tally(patient, theirs));
}

/** Return whether a patient's name would change anything: an unreadable image counts for nobody. */
function canBeNamed(cell) { return kindOf(cell) !== "unreadable"; }

function tally(patient, theirs) {
  const voting = theirs.filter(cell => votes(kindOf(cell)));
  const leukemic = voting.filter(cell => kindOf(cell) === "all").length;
  const sum = voting.reduce((total, cell) => total + cell.result.probability, 0);
  return {
    patient, cells: voting.length, leukemic, left: theirs.filter(cell => ["unlike", "unreadable", "failed"].includes(kindOf(cell))).length,
    vote: patient ? voteOf(voting.length, leukemic) : "", mean: voting.length ? sum / voting.length : null,
  };
}

function voteOf(count, leukemic) {
  if (!count) return "none";
  return 2 * leukemic === count ? "tie" : 2 * leukemic > count ? settings.labels.all : settings.labels.hem;
}
