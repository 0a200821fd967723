// Files that were chosen or dropped; folders are walked.

/** Return files with their paths, below the folders that were dropped. */
async function droppedFiles(transfer) {
  const entries = [...transfer.items].map(item => item.webkitGetAsEntry && item.webkitGetAsEntry());
  const files = [...transfer.files];  // read before the first await: the browser empties `transfer` afterwards
  if (!entries.some(entry => entry && entry.isDirectory)) return {images: files.map(file => [file, file.name]), other: 0};
  const all = {images: [], other: 0};
  for (const entry of entries) if (entry) await walk(entry, all, false);
  return all;
}

async function walk(entry, all, below) {
  if (entry.isDirectory) {
    for (const inner of await entriesOf(entry)) await walk(inner, all, true);
  } else if (below && !isImage(entry.name)) {
    all.other += 1;
  } else {
    const file = await new Promise(done => entry.file(done, () => done(null)));
    if (file) all.images.push([file, entry.fullPath.replace(/^\//, "")]);
    else all.other += 1;
  }
}

/** Return the entries of a folder, sorted as `predict` sorts them; the browser gives a hundred at a time. */
async function entriesOf(folder) {
  const reader = folder.createReader(), entries = [];
  for (;;) {
    const some = await new Promise(done => reader.readEntries(done, () => done([])));
    if (!some.length) return entries.sort((a, b) => (a.name < b.name ? -1 : 1));
    entries.push(...some);
  }
}

function isImage(name) { return settings.suffixes.some(suffix => name.toLowerCase().endsWith(suffix)); }

/** Return the files of a field: those of a folder with their paths, and without those that are no images. */
function chosenFiles(field) {
  const files = [...field.files].map(file => [file, file.webkitRelativePath || file.name]);
  field.value = "";  // so that the same files can be chosen again
  const images = files.filter(([file]) => !file.webkitRelativePath || isImage(file.name));
  images.sort(([, a], [, b]) => (a.includes("/") && a > b ? 1 : a.includes("/") && a < b ? -1 : 0));
  return {images, other: files.length - images.length};
}

async function sampleFiles(signal) {
  const files = settings.samples.map(async name => {
    const content = await (await request("page/samples/" + name, {}, signal)).blob();
    return [new File([content], name, {type: "image/png", lastModified: 0}), name];
  });
  return {images: await Promise.all(files), other: 0};
}

/** Add a cell for each file that is not there yet, and classify them. */
function addFiles({images, other}) {
  const there = new Set(cells.map(cell => keyOf(cell.file, cell.path)));
  const fresh = images.filter(([file, path]) => !there.has(keyOf(file, path)));
  for (const [file, path] of fresh) {
    const cell = newCell(file, path);
    if (file.size > settings.mostBytes) {
      const sizes = `${grouped(file.size)} bytes, more than the ${grouped(settings.mostBytes)}`;
      setUnreadable(cell, `has ${sizes} allowed: crop it to the cell`);
    }
    cells.push(cell);
    addCard(cell);
  }
  const again = images.length - fresh.length, notes = [];
  if (again) notes.push(`${counted(again, "image")} ${again === 1 ? "was" : "were"} here already.`);
  if (other) notes.push(`${counted(other, "file")} of other kinds in the folder ${other === 1 ? "was" : "were"} left out.`);
  if (!images.length && !other) notes.push("There is no image in it.");
  setNotice(notes.join(" "));
  showAll();
  startQueue();
}

function setNotice(text) {
  at("notice").textContent = text;
  at("notice").hidden = !text;
}
