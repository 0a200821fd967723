// The one queue of predictions. A cell is taken out of it before anything is awaited, so it is sent once.

const LANES = 2;  // batches under way: one is sent while the server computes the other
const TRIES = 4;  // of a cell alone
const SILENT_TRIES = 6;  // of a server that does not respond: half a minute, in which it may start anew
const RETRY = new Set([429, 502, 503, 504]);  // statuses after which trying again may help
const queue = {lanes: 0, controller: new AbortController(), silent: 0, silentUntil: 0, gaveUp: 0, waitsForToken: settings.token};

/** Classify what waits. */
function startQueue() {
  wake();
  while (queue.lanes < LANES) lane();
  showProgress();
}

async function lane() {
  queue.lanes += 1;
  for (let batch = await nextBatch(); batch.length; batch = await nextBatch()) await classify(batch);
  queue.lanes -= 1;
  if (hasWaiting()) startQueue();  // cells that came after this lane's last look
  showProgress();
  if (isIdle()) startHeat();
}

/** Return whether requests can be sent: the model is known, and the token where one is required. */
function isOpen() { return Boolean(served.version) && !queue.waitsForToken; }

function hasWaiting() { return isOpen() && cells.some(cell => cell.state === "waiting"); }

function isIdle() { return !hasWaiting() && !cells.some(cell => cell.state === "working"); }

/** Return the next cells, at once marked as working; none if none waits. */
async function nextBatch() {
  for (;;) {
    const waiting = isOpen() ? cells.filter(cell => cell.state === "waiting") : [], now = Date.now();
    if (!waiting.length) return [];
    const ready = now < queue.silentUntil ? [] : waiting.filter(cell => cell.after <= now);
    if (ready.length) return takeBatch(ready);
    const next = Math.min(...waiting.map(cell => cell.after));
    await pause(Math.max(next, queue.silentUntil) - now + 5);
  }
}

function takeBatch(ready) {
  const batch = [];
  let bytes = 0;
  for (const cell of ready) {
    const most = Math.min(cell.most, ...batch.map(one => one.most));
    bytes += cell.file.size;
    if (batch.length && (batch.length >= most || bytes > settings.mostBytes)) break;
    batch.push(cell);
  }
  for (const cell of batch) cell.state = "working";
  return batch;
}

async function classify(batch) {
  const {signal} = queue.controller, started = Date.now();
  try {
    const version = served.version, rows = await predict("serving_default", batch.map(cell => cell.file), signal);
    const isBad = row => row.status === settings.unreadable;
    const reasons = await Promise.all(rows.map((row, i) => (isBad(row) ? readReason(batch[i].file, signal) : unlikeReason(row))));
    rows.forEach((result, i) => Object.assign(batch[i], {state: "done", result, version, reason: reasons[i]}));
    queue.silent = 0;
  } catch (error) {
    if (signal.aborted) return;  // `stopQueue` has dealt with the cells
    await setBack(batch, error, signal, started);
  }
  showCells(batch);
}

function unlikeReason(row) { return row.status === settings.unlike ? settings.unlikeReason : ""; }

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

/** Stop: nothing more is sent, and what was sent is not awaited. */
function stopQueue() {
  queue.controller.abort();
  queue.controller = new AbortController();
  Object.assign(queue, {silent: 0, silentUntil: 0});
  const open = cells.filter(cell => cell.state === "waiting" || cell.state === "working");
  for (const cell of open) Object.assign(cell, {state: "stopped", reason: "stopped before it was classified"});
  showCells(open);
  wake();
}

/** Classify cells that were given up or stopped. */
function tryAgain(some) {
  const open = some.filter(cell => cell.state === "failed" || cell.state === "stopped");
  for (const cell of open) Object.assign(cell, {state: "waiting", reason: "", tries: 0, after: 0});
  showCells(open);
  startQueue();
}
