// The table of patients, sorted by the column whose header was pressed last.

const COLUMNS = [  // key, header, whether it holds numbers
  ["patient", "patient", false], ["vote", "vote", false], ["mean", "mean probability", true],
  ["cells", "voting cells", true], ["leukemic", settings.labels.all, true], ["left", "without a vote", true],
];
const patientOrder = {key: "patient", down: false};
const byName = new Intl.Collator("en", {numeric: true}).compare;

function addPatientHeader() {
  for (const [key, title, number] of COLUMNS) {
    const button = make("button", {type: "button", textContent: title});
    button.addEventListener("click", () => {
      patientOrder.down = patientOrder.key === key ? !patientOrder.down : number;  // numbers: the highest first
      patientOrder.key = key;
      showPatients();
    });
    const header = make("th", {scope: "col", className: number ? "number" : ""}, button);
    header.dataset.key = key;
    at("patients").querySelector("thead tr").append(header);
  }
}

function comparePatients(a, b) {
  if (!a.patient !== !b.patient) return a.patient ? -1 : 1;  // those without a name come last
  const {key, down} = patientOrder, [first, second] = down ? [b[key], a[key]] : [a[key], b[key]];
  return (typeof first === "string" ? byName(first, second) : (first ?? -1) - (second ?? -1)) || byName(a.patient, b.patient);
}

function showPatients() {
  const tallies = tallyPatients().sort(comparePatients);
  at("patients").hidden = !tallies.length;
  for (const header of at("patients").querySelectorAll("th[data-key]")) {
    const sorted = header.dataset.key === patientOrder.key;
    header.setAttribute("aria-sort", sorted ? (patientOrder.down ? "descending" : "ascending") : "none");
  }
  const body = at("patients").querySelector("tbody"), rows = JSON.stringify(tallies), focused = document.activeElement;
  const inside = body.contains(focused);
  if (body.dataset.rows === rows || (inside && focused.tagName === "INPUT")) return;  // a name is being typed
  body.dataset.rows = rows;
  body.replaceChildren(...tallies.map(patientRow));
  if (inside) [...body.querySelectorAll("button")].find(button => button.textContent === focused.textContent)?.focus();
}

function patientRow(one) {
  const row = make("tr");
  for (const [key, , number] of COLUMNS) {
    if (key === "patient") row.append(make("th", {scope: "row"}, patientButton(one)));
    else row.append(make("td", {className: number ? "number" : ""}, textOf(key, one[key])));
  }
  return row;
}

function textOf(key, value) { return value === null ? "" : key === "mean" ? value.toFixed(3) : String(value); }

/** Return the button that shows a patient's cells alone, or the field that names all cells without a patient. */
function patientButton({patient}) {
  if (patient) {
    const button = make("button", {type: "button", className: "plain", textContent: patient});
    button.setAttribute("aria-label", `Show the cells of patient ${patient}`);
    button.addEventListener("click", () => { at("patient").value = patient; showView(); at("gallery").scrollIntoView(); });
    return button;
  }
  const field = make("input", {type: "text", placeholder: "unknown: type a name", autocomplete: "off"});
  field.dataset.all = "1";
  field.setAttribute("aria-label", "Patient of all cells whose files tell none");
  field.addEventListener("change", () => {
    const nameless = cells.filter(cell => !cell.patient), name = field.value;
    field.blur();
    namePatient(nameless, name);
  });
  return field;
}
