// The queue of heat maps: those of the opened cell and of cells in view, once all predictions are there.

const MAPS = 4;  // of a request
const HEAT_RETRY = new Set([NO_RESPONSE, OTHER_VERSION]);
const heats = {busy: false};

function wantsHeat(cell) {
  return cell.heat.state === "none" && cell.state === "done" && cell.result.status !== settings.unreadable;
}

function nextHeats() {
  const first = cells.filter(cell => wantsHeat(cell) && cell === box.cell);
  if (first.length || !isIdle()) return first;
  return cells.filter(cell => wantsHeat(cell) && cell.near && !cell.card.box.hidden).slice(0, MAPS);
}

/** Fetch the maps that are wanted; one request at a time. */
async function startHeat() {
  if (heats.busy) return;
  heats.busy = true;
  for (let batch = nextHeats(); batch.length; batch = nextHeats()) await explain(batch);
  heats.busy = false;
}

async function explain(batch) {
  const {signal} = queue.controller;
  for (const cell of batch) cell.heat.state = "working";
  try {
    const rows = await predict("explain", batch.map(cell => cell.file), signal);
    rows.forEach(({heatmap}, i) => setHeat(batch[i], heatmap));
  } catch (error) {
    if (signal.aborted) for (const cell of batch) cell.heat.state = "none";
    else await heatFailed(batch, error, signal);
  }
  for (const cell of batch) showHeat(cell);
}

function setHeat(cell, heatmap) {
  const png = heatmap && heatmap.b64 && Uint8Array.from(atob(heatmap.b64), character => character.charCodeAt(0));
  if (png) Object.assign(cell.heat, {state: "done", png: new Blob([png], {type: "image/png"})});
  else Object.assign(cell.heat, {state: "failed", reason: "the server sent none"});
}

/** Ask again a little later, one by one; after some tries show the reason at the cell. */
async function heatFailed(batch, error, signal) {
  if (error.status === NO_TOKEN) waitForToken([]);
  if (error.status === OTHER_VERSION) await versionChanged(signal);
  for (const cell of batch) {
    cell.heat.tries += 1;
    const failed = cell.heat.tries >= TRIES || !(RETRY.has(error.status) || HEAT_RETRY.has(error.status));
    Object.assign(cell.heat, {state: failed ? "failed" : "none", reason: failed ? error.message : ""});
  }
  if (batch.some(cell => cell.heat.state === "none")) await pause(1000 * 2 ** (batch[0].heat.tries - 1));
}

function retryHeat(cell) {
  Object.assign(cell.heat, {state: "none", reason: "", tries: 0});
  showCells([cell]);
  startHeat();
}

/** Show a map that has come, wherever its cell is shown. */
function showHeat(cell) {
  if (cell.near && cell.card) paintHeat(cell, cell.card.canvas, MOST_SIDE);
  showCells([cell]);
}
