// What happens to the cells of a request that failed: back into the queue, or given up with the reason.

const TRIES = 4;  // of a cell alone
const SILENT_TRIES = 6;  // of a server that does not respond: half a minute, in which it may start anew
const RETRY = new Set([429, 502, 503, 504]);  // statuses after which trying again may help

/** Put the cells of a failed request back into the queue, in smaller batches, or give one up. */
async function setBack(batch, error, signal, started) {
  if (error.status === NO_TOKEN) return waitForToken(batch);
  if (error instanceof FileError) return giveUpFile(batch, error);
  if (error.status === OTHER_VERSION && await versionChanged(signal)) return putBack(batch, 0, "");
  if (error.status === NO_RESPONSE || (error.status === 503 && await isStarting(signal))) return setBackAll(batch, error.message, started);
  if (batch.length > 1) {
    for (const cell of batch) cell.most = Math.ceil(batch.length / 2);
    return putBack(batch, RETRY.has(error.status) ? 1 : 0, error.message);
  }
  batch[0].tries += 1;
  if (RETRY.has(error.status) && batch[0].tries < TRIES) return putBack(batch, 2 ** (batch[0].tries - 1), error.message);
  giveUp(batch, error.message);
}

function putBack(batch, seconds, reason) {
  const words = reason && `${reason} Next try in ${seconds} s.`;
  for (const cell of batch) Object.assign(cell, {state: "waiting", after: Date.now() + 1000 * seconds, reason: words});
}

/** Let every cell wait for a server that does not respond; after some tries give them all up. */
function setBackAll(batch, reason, started) {
  if (started <= queue.gaveUp) return giveUp(batch, reason);  // sent by the other lane before it was given up
  putBack(batch, 0, "");
  const waiting = cells.filter(cell => cell.state === "waiting");
  if (Date.now() >= queue.silentUntil) {  // the other lane's failure is the same one
    queue.silent += 1;
    queue.silentUntil = Date.now() + 1000 * 2 ** (queue.silent - 1);
  }
  const seconds = Math.ceil((queue.silentUntil - Date.now()) / 1000);
  if (queue.silent < SILENT_TRIES) for (const cell of waiting) cell.reason = `${reason} Next try in ${seconds} s.`;
  else {
    Object.assign(queue, {silent: 0, silentUntil: 0, gaveUp: Date.now()});
    giveUp(waiting, reason);
  }
  showCells(waiting);
}

function giveUp(batch, reason) { for (const cell of batch) Object.assign(cell, {state: "failed", reason}); }

function giveUpFile(batch, error) {
  putBack(batch, 0, "");
  giveUp(batch.filter(cell => cell.file === error.file), error.message);
}

function waitForToken(batch) {
  putBack(batch, 0, "");
  queue.waitsForToken = true;
  askForToken("The token is wrong.");
}

/** Return whether the server has no version yet. */
async function isStarting(signal) {
  try { await request("healthz", {}, signal); }
  catch (error) { return error.status === 503; }
  return false;
}

/** Return whether the server has another version than the page has used; the page then uses that one. */
async function versionChanged(signal) {
  const before = served.version;
  try { await showModel(signal); } catch { return false; }
  return before !== served.version;
}
