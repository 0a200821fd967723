// Which model answers, and the token that its server may require.

async function showModel(signal) {
  await readModel(signal);
  const {version, notes, title} = served, facts = [`version ${version}`];
  if (notes) {
    facts.push(notes.trained ? `trained ${day(notes.trained)}` : `exported ${day(notes.exported)}`);
    facts.push(notes.test ? `test ${notes.test.headline}` : "no test score");
    facts.push(`threshold ${number(notes.threshold)}`);
  } else facts.push("exported by an earlier version, without date, score and threshold: export it again");
  at("model-facts").textContent = facts.map(fact => ", " + fact).join("");
  at("method").textContent = title && `, by ${title}`;
  at("card").hidden = false;
  at("model").hidden = false;
  showScore(notes && notes.test);
  if (chosenThreshold === null) at("threshold").value = notes ? number(notes.threshold) : "";
  showThreshold();
}

/** Read the model as soon as the server has it; then classify what waits. */
async function loadModel() {
  for (let tries = 0; !served.version; tries++) {
    try { await showModel(queue.controller.signal); }
    catch (error) {
      if (error.status === NO_TOKEN) return askForToken("");
      if (error instanceof ServerError) setNotice(`The model: ${error.message}`);
      await pause(1000 * Math.min(8, 2 ** tries));
    }
  }
  if (at("notice").textContent.startsWith("The model:")) setNotice("");
  startQueue();
}

function showScore(test) {
  at("model-score").hidden = !test;
  if (!test) return;
  const [summary, details, list] = at("model-score").children;
  summary.textContent = `Test score and ${counted(test.cautions.length, "caution")}`;
  details.textContent = `${test.headline} ${test.details}`;
  list.replaceChildren(...test.cautions.map(text => make("li", {}, text)));
}

function day(date) { return date.slice(0, 10); }

function number(value) { return String(Number(value.toFixed(3))); }

/** Show whether the threshold is the model's. */
function showThreshold() {
  const other = chosenThreshold !== null;
  setText(at("threshold-note"), other ? `not the model's${served.notes ? " " + number(modelThreshold()) : ""}` : "the model's");
  at("threshold-note").classList.toggle("changed", other);
  at("reset").hidden = !other;
}

/** Take the threshold in the field, if it is one: labels, votes and counts follow. */
function chooseThreshold() {
  const field = at("threshold");
  if (field.value === "" || !(Number(field.value) >= 0 && Number(field.value) <= 1)) return;
  const same = served.notes && Number(field.value) === Number(number(modelThreshold()));
  chosenThreshold = same ? null : Number(field.value);
  showThreshold();
  showCells(cells);
}

function resetThreshold() {
  chosenThreshold = null;
  at("threshold").value = served.notes ? number(modelThreshold()) : "";
  showThreshold();
  showCells(cells);
  at("threshold").focus();
}

function askForToken(problem) {
  at("token-form").hidden = false;
  setText(at("token-problem"), problem);
  at("token").select();
  at("token").focus();
}

/** Try the token; with a right one the cells that wait are classified. */
async function useToken(event) {
  event.preventDefault();
  served.token = at("token").value;
  try { await showModel(queue.controller.signal); }
  catch (error) { return askForToken(error.status === NO_TOKEN ? "The token is wrong." : error.message); }
  at("token-form").hidden = true;
  queue.waitsForToken = false;
  at("files").focus();
  startQueue();
  startHeat();
}

/** Open the model's card; with a token a request of the browser alone would be refused. */
async function openCard(event) {
  if (!served.token) return;
  event.preventDefault();
  try {
    const card = await (await request(at("card").getAttribute("href"), {}, queue.controller.signal)).blob();
    window.open(URL.createObjectURL(card), "_blank");
  } catch (error) { setNotice(`The card: ${error.message}`); }
}
