// A card for each cell: its picture, its label or what is wrong, its patient.

/** Add the card of a cell that is new. */
function addCard(cell) {
  const image = make("img", {alt: "", draggable: false}), canvas = make("canvas", {className: "heat", width: 0, height: 0});
  const open = make("button", {type: "button", className: "picture"}, image, canvas);
  const name = make("p", {className: "soft name", textContent: cell.path});
  const label = make("p", {className: "label"}), detail = make("p"), note = make("p", {className: "note"});
  const words = make("div", {className: "words"}, name, label, detail, note);
  const box = make("li", {}, open, words);
  open.addEventListener("click", () => openBox(cell));
  cell.card = {box, open, image, canvas, label, detail, note, words, patient: null, again: null};
  if (!cell.named) addPatientField(cell);
  showCard(cell);
  cellOf.set(box, cell);
  at("cells").append(box);
  watcher.observe(box);
}

function addPatientField(cell) {
  const field = make("input", {type: "text", value: cell.patient, autocomplete: "off"});
  field.addEventListener("change", () => { namePatient([cell], field.value); });
  cell.card.patient = field;
  cell.card.words.append(make("label", {className: "patient"}, "Patient ", field));
}

/** Return what is shown of a cell: a label, or a warning in place of it; numbers; what is wrong or still to come. */
function wordsOf(cell) {
  const kind = kindOf(cell), {result} = cell;
  if (kind === "waiting") return {label: "", detail: cell.state === "working" ? "classifying…" : cell.reason || "waiting", note: ""};
  if (kind === "failed") return {label: "not classified", detail: cell.reason, note: ""};
  if (kind === "unreadable") return {label: "unreadable", detail: cell.reason, note: ""};
  const note = cell.heat.state === "failed" ? `no heat map: ${cell.heat.reason}` : "";
  const probability = result.probability.toFixed(3);
  if (kind === "unlike") return {label: KINDS.unlike, detail: `No label: ${cell.reason}. (probability ${probability})`, note};
  return {label: KINDS[kind], detail: `probability of ${settings.labels.all} ${probability}`, note};
}

function showCard(cell) {
  const {box, open, label, detail, note} = cell.card, words = wordsOf(cell), kind = kindOf(cell);
  if (box.className !== kind) box.className = kind;
  setText(label, words.label);  // an equal text is not laid out again: a threshold changes few of many cells
  setText(detail, words.detail);
  setText(note, words.note);
  open.setAttribute("aria-label", `Open ${cell.path}${words.label && ": " + words.label}`);
  showAgain(cell, kind === "failed" || words.note !== "");
}

/** Show the button that tries a cell again, or remove it. */
function showAgain(cell, shown) {
  const {card} = cell;
  if (Boolean(card.again) === shown) return;
  if (!shown) {
    const focused = card.again === document.activeElement;
    card.again.remove();
    card.again = null;
    if (focused) card.open.focus();
    return;
  }
  card.again = make("button", {type: "button", textContent: "Try again"});
  card.again.setAttribute("aria-label", `Try again: ${cell.path}`);
  card.again.addEventListener("click", () => (kindOf(cell) === "failed" ? tryAgain([cell]) : retryHeat(cell)));
  card.words.append(card.again);
}

/** Show cells that have changed, and what is counted of them. */
function showCells(some) {
  for (const cell of some) if (cell.card) showCard(cell);
  if (some.includes(box.cell)) showBox();
  showSoon();
}

/** Show all counts, tables and the order once, whatever changes before the next frame. */
let planned = false;
function showSoon() {
  if (planned) return;
  planned = true;
  const show = () => { planned = false; showAll(); };
  if (document.hidden) setTimeout(show);  // a page in the background has no frames
  else requestAnimationFrame(show);
}
