// One cell, large: every pixel, with its map or without; the arrow keys go through the cells that are shown.

const box = {cell: null};

function openBox(cell) {
  const dialog = at("lightbox");
  box.cell = cell;
  if (!dialog.open) dialog.showModal();
  const image = make("img", {alt: `Picture of ${cell.path}`}), canvas = make("canvas", {className: "heat"});
  at("box-picture").replaceChildren(image, canvas);
  showPicture(cell, image);
  cell.card.box.scrollIntoView({block: "nearest"});
  showBox();
  startHeat();
}

/** Show the words of the opened cell, and its map if it has come meanwhile. */
function showBox() {
  const {cell} = box, words = wordsOf(cell), shown = shownCells(), place = shown.indexOf(cell);
  const canvas = at("box-picture").querySelector("canvas");
  if (cell.heat.png && !canvas.dataset.painted) {
    canvas.dataset.painted = "yes";
    paintHeat(cell, canvas, Infinity);
  }
  setText(at("box-name"), cell.path);
  setText(at("box-place"), place < 0 ? "" : `${place + 1} of ${shown.length}`);
  at("box-previous").disabled = place <= 0;
  at("box-next").disabled = place < 0 || place === shown.length - 1;
  const who = cell.patient ? `Patient ${cell.patient}` : "";
  const texts = [words.label, words.detail, words.note, who, meaningOf(cell)].filter(Boolean);
  const line = at("box-words"), kind = kindOf(cell);
  if (line.textContent === texts.join("")) return;  // it is a live region
  line.replaceChildren(...texts.map((text, i) => make("p", {className: i || !words.label ? "" : "label " + kind}, text)));
}

/** Return what the opened cell's map shows: what supports the label of the model, whatever threshold was chosen. */
function meaningOf(cell) {
  const towards = votes(kindOf(cell)) ? settings.labels[cell.result.prediction] : "its prediction";
  if (cell.heat.state === "done") return `Bright areas pushed the network towards ${towards}.`;
  return cell.state === "done" && cell.heat.state !== "failed" && cell.result.prediction ? "The heat map is being computed…" : "";
}

function step(by) {
  const shown = shownCells(), next = shown[shown.indexOf(box.cell) + by];
  if (next && shown.includes(box.cell)) openBox(next);
}

const BOX_KEYS = {
  ArrowLeft: () => step(-1), ArrowRight: () => step(1),
  m: () => at("box-heat").click(), z: () => at("box-actual").click(),
};

function addBoxHandlers() {
  at("lightbox").addEventListener("keydown", event => {
    const act = BOX_KEYS[event.key.length === 1 ? event.key.toLowerCase() : event.key];
    if (!act || event.ctrlKey || event.altKey || event.metaKey) return;
    event.preventDefault();
    act();
  });
  at("lightbox").addEventListener("close", () => {
    const {cell} = box;
    box.cell = null;
    if (cell.card) cell.card.open.focus();
  });
  at("box-previous").addEventListener("click", () => step(-1));
  at("box-next").addEventListener("click", () => step(1));
  at("box-close").addEventListener("click", () => at("lightbox").close());
  at("box-heat").addEventListener("change", event => at("lightbox").classList.toggle("without-heat", !event.target.checked));
  at("box-actual").addEventListener("change", event => at("lightbox").classList.toggle("actual", event.target.checked));
}
