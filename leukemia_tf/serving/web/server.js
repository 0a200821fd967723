// Requests to the server: what it says of the model, predictions, heat maps.

const NO_RESPONSE = 0, NO_TOKEN = 401, OTHER_VERSION = 404;
const served = {token: "", version: "", notes: null, title: ""};  // the version that the page uses

/** An error that the server gave, or 0 as `status` where it gave none. */
class ServerError extends Error {
  constructor(status, message) { super(message); this.status = status; }
}

/** Return the response to a request; throw a ServerError unless it is a success. */
async function request(path, options, signal) {
  const headers = {...options.headers, ...(served.token && {Authorization: "Bearer " + served.token})};
  const limit = AbortSignal.timeout((settings.timeout + 30) * 1000);
  try {
    const response = await fetch(path, {...options, headers, signal: AbortSignal.any([signal, limit])});
    if (response.ok) return response;
    const content = await response.json().catch(() => ({}));
    throw new ServerError(response.status, content.error || `the server returned status ${response.status}.`);
  } catch (error) {
    if (error instanceof ServerError || signal.aborted) throw error;
    throw new ServerError(NO_RESPONSE, "the server does not respond: is it running?");
  }
}

async function readJson(response, signal) {
  try { return await response.json(); }
  catch (error) {
    if (signal.aborted) throw error;
    throw new ServerError(NO_RESPONSE, "the server stopped in the middle of its response.");
  }
}

/** Read which version the server has, and what its export stored. */
async function readModel(signal) {
  const content = await readJson(await request(`v1/models/${settings.model}/metadata`, {}, signal), signal);
  const {model, explain} = content.metadata;
  Object.assign(served, {version: content.model_spec.version, notes: model || null, title: explain ? explain.title : ""});
}

/** Return a signature's row for each file. */
async function predict(signature, files, signal) {
  const headers = {"X-Image-Sizes": files.map(file => file.size).join(",")};
  const options = {method: "POST", headers, body: new Blob(files)};
  try {
    const response = await request(`page/versions/${served.version}/${signature}:predict`, options, signal);
    return (await readJson(response, signal)).predictions;
  } catch (error) {
    if (error.status === NO_RESPONSE) await checkReadable(files);
    throw error;
  }
}

/** Return why an image is unreadable, in the words of the command `predict`. */
async function readReason(file, signal) {
  const response = await request("page/reason", {method: "POST", body: file}, signal);
  return (await readJson(response, signal)).reason;
}

/** An error of a file that the browser cannot read any more. */
class FileError extends Error {
  constructor(file) { super("cannot be read any more: has it been moved or changed?"); this.file = file; }
}

/** Throw a FileError if a file cannot be read: then it is not the server that did not respond. */
async function checkReadable(files) {
  for (const file of files) {
    try { await file.slice(0, 1).arrayBuffer(); }
    catch { throw new FileError(file); }
  }
}
