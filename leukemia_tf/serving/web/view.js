// Order, selection and counts of the cells.

const ORDERS = {  // title, and what is compared, the smallest first; cells for which it is null come last
  added: ["order of adding", (cell, place) => place],
  high: ["probability, highest first", cell => probabilityOf(cell, p => -p)],
  low: ["probability, lowest first", cell => probabilityOf(cell, p => p)],
  near: ["least certain first", cell => probabilityOf(cell, p => Math.abs(p - (chosenThreshold ?? modelThreshold())))],
  status: ["status", cell => Object.keys(KINDS).indexOf(kindOf(cell))],
  patient: ["patient", cell => cell.patient || null],
  name: ["file name", cell => cell.path],
};

function probabilityOf(cell, value) { return votes(kindOf(cell)) ? value(cell.result.probability) : null; }

function addChoices() {
  for (const [key, [title]] of Object.entries(ORDERS)) at("sort").append(new Option(title, key));
  at("kind").append(new Option("all cells", ""));
  for (const [kind, title] of Object.entries(KINDS)) at("kind").append(new Option(title, kind));
  at("patient").append(new Option("all patients", ""));
}

/** Return the cells that are shown, in their order. */
function shownCells() {
  const [, value] = ORDERS[at("sort").value];
  const rows = cells.map((cell, place) => ({cell, value: value(cell, place)})).filter(({cell}) => isShown(cell));
  return rows.sort((a, b) => compareValues(a.value, b.value)).map(row => row.cell);
}

function compareValues(a, b) {
  if (a === null || b === null) return (a === null) - (b === null);
  return typeof a === "string" ? byName(a, b) : a - b;
}

function isShown(cell) {
  const {kind, patient, low, high} = Object.fromEntries(["kind", "patient", "low", "high"].map(id => [id, at(id).value]));
  if ((kind && kindOf(cell) !== kind) || (patient && cell.patient !== patient)) return false;
  if (Number(low) <= 0 && Number(high || 1) >= 1) return true;
  return votes(kindOf(cell)) && cell.result.probability >= Number(low) && cell.result.probability <= Number(high || 1);
}

/** Put the cards into their order, and hide those that are not shown. */
function showView() {
  const shown = shownCells(), there = new Set(shown), list = at("cells"), focused = document.activeElement;
  const wanted = [...shown, ...cells.filter(cell => !there.has(cell))].map(cell => cell.card.box);
  for (const cell of cells) cell.card.box.hidden = !there.has(cell);
  if (wanted.some((card, place) => list.children[place] !== card)) {
    list.append(...wanted);
    if (focused !== document.activeElement) focused.focus({preventScroll: true});  // moving a card takes its focus away
  }
  setText(at("shown"), shown.length === cells.length ? "" : `${shown.length} of ${cells.length} shown`);
}

function showPatientChoices() {
  const names = [...new Set(cells.map(cell => cell.patient).filter(Boolean))].sort(byName), field = at("patient");
  if (names.join("\n") === [...field.options].slice(1).map(option => option.value).join("\n")) return;
  const chosen = field.value;
  field.replaceChildren(new Option("all patients", ""), ...names.map(name => new Option(name, name)));
  field.value = names.includes(chosen) ? chosen : "";
}

function showCounts() {
  const counts = countKinds(), shown = Object.keys(KINDS).filter(kind => counts[kind] || votes(kind));
  const spans = shown.map(kind => make("span", {className: "count " + kind}, `${counts[kind]} ${KINDS[kind]}`));
  at("counts").replaceChildren(...spans);
}

/** Show everything that follows from the cells. */
function showAll() {
  for (const id of ["bar", "gallery"]) at(id).hidden = !cells.length;
  showPatientChoices();
  showView();
  showCounts();
  showPatients();
  showProgress();
}
