// What the person does, and what the page says of the work.

/** Show how far the work is, and which buttons make sense. */
function showProgress() {
  const counts = countKinds(), open = counts.waiting, stopped = cells.some(cell => cell.state === "stopped");
  setText(at("status"), statusText(counts));
  at("progress").hidden = !open;
  at("progress").max = cells.length || 1;
  at("progress").value = cells.length - open;
  at("stop").hidden = isIdle();
  at("again").hidden = !counts.failed;
  at("again").textContent = stopped ? "Continue" : counts.failed === 1 ? "Try again" : `Try ${counts.failed} again`;
  showVersions();
}

function statusText(counts) {
  if (!cells.length) return "";
  const lacking = queue.waitsForToken ? "token" : served.version ? "" : "model";
  if (lacking && counts.waiting) return `${counted(counts.waiting, "image")} waiting for the ${lacking}`;
  if (counts.waiting) return `Classifying: ${grouped(cells.length - counts.waiting)} of ${grouped(cells.length)} done`;
  const classified = counts.all + counts.hem + counts.unlike;
  const text = `${counted(classified, "image")} classified, ${grouped(counts.unreadable)} unreadable`;
  return counts.failed ? `${text}, ${grouped(counts.failed)} not classified` : text;
}

/** Say so where cells were classified by different versions of the model. */
function showVersions() {
  const versions = [...new Set(cells.map(cell => cell.version).filter(Boolean))].sort(byName);
  if (versions.length < 2) return;
  setNotice(`These cells were classified by versions ${versions.join(" and ")} of the model: clear, and add them again.`);
}

function clearAll() {
  stopQueue();
  for (const cell of cells) {
    watcher.unobserve(cell.card.box);
    if (cell.url) URL.revokeObjectURL(cell.url);
  }
  cells.length = 0;
  at("cells").replaceChildren();
  for (const id of ["kind", "patient"]) at(id).value = "";
  setNotice("");
  showAll();
  at("files").focus();
}

async function trySamples() {
  if (queue.waitsForToken) return askForToken("The samples need the token too.");
  try { addFiles(await sampleFiles(queue.controller.signal)); }
  catch (error) { setNotice(`The samples: ${error.message}`); }
}

async function dropped(event) {
  event.preventDefault();
  at("drop").classList.toggle("over", event.type === "dragover");
  if (event.type === "drop") addFiles(await droppedFiles(event.dataTransfer));
}

const HANDLERS = [  // id, event, function
  ["files", "change", () => addFiles(chosenFiles(at("files")))],
  ["folder", "change", () => addFiles(chosenFiles(at("folder")))],
  ["samples", "click", trySamples],
  ["heat", "input", setOpacity],
  ["threshold", "input", chooseThreshold],
  ["reset", "click", resetThreshold],
  ["stop", "click", stopQueue],
  ["again", "click", () => tryAgain(cells)],
  ["csv", "click", download],
  ["clear", "click", clearAll],
  ["token-form", "submit", useToken],
  ["card", "click", openCard],
  ...["sort", "kind", "patient", "low", "high"].map(id => [id, "input", showView]),
];

function start() {
  for (const [id, event, act] of HANDLERS) at(id).addEventListener(event, act);
  for (const event of ["dragover", "dragleave", "drop"]) addEventListener(event, dropped);
  addChoices();
  addPatientHeader();
  addBoxHandlers();
  setOpacity();
  at("limit").textContent = `${(settings.mostBytes / 2 ** 20).toFixed(0)} MiB`;
  if (queue.waitsForToken) askForToken("");
  else loadModel();
}

start();
