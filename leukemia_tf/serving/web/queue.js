// The one queue of predictions. A cell is taken out of it before anything is awaited, so it is sent once.

const LANES = 2;  // batches under way: one is sent while the server computes the other
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
  showSoon();
  if (!isIdle()) return;
  startHeat();
  loadForPrint();
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

/** Classify cells that were given up or stopped, and fetch maps that failed. */
function tryAgain(some) {
  const open = some.filter(cell => cell.state === "failed" || cell.state === "stopped");
  for (const cell of open) Object.assign(cell, {state: "waiting", reason: "", tries: 0, after: 0});
  for (const {heat} of some) if (heat.state === "failed") Object.assign(heat, {state: "none", reason: "", tries: 0});
  showCells(some);
  startQueue();
}
