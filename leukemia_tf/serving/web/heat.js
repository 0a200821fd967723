// Pictures and heat maps, one over the other: the slider changes the opacity of a layer and touches no pixel.

const STOPS = [[0, 0, 4], [87, 16, 110], [188, 55, 84], [249, 142, 9], [252, 255, 164]];  // of inferno, evenly apart
const COLOURS = Uint32Array.from({length: 256}, (_, level) => inferno(level));
const MOST_SIDE = 600;  // pixels of a map in the gallery
const MOST_PRINTED = 300;  // cells whose pictures and maps stay when out of view, so that they can be printed

/** Return a level's colour, as opaque as it is high: four bytes, the lowest red. */
function inferno(level) {
  const place = (level / 255) * (STOPS.length - 1), from = Math.min(Math.floor(place), STOPS.length - 2);
  const [red, green, blue] = STOPS[from].map((value, i) => Math.round(value + (place - from) * (STOPS[from + 1][i] - value)));
  return ((level << 24) | (blue << 16) | (green << 8) | red) >>> 0;
}

/** Show the picture of a cell in an image element. */
async function showPicture(cell, image) {
  image.onload = () => image.parentElement?.classList.remove("blank");  // none: another cell has been opened meanwhile
  image.onerror = () => showNoPicture(image);
  try {
    if (cell.file.size > settings.mostBytes) throw new FileError(cell.file);
    cell.url ||= URL.createObjectURL(await asStored(cell.file));
    image.src = cell.url;
  } catch { showNoPicture(image); }
}

function showNoPicture(image) {
  image.removeAttribute("src");
  image.parentElement?.classList.add("blank");
}

/** Load the pictures of cells that were never in view: a browser prints only what it has loaded. */
async function loadForPrint() {
  for (const cell of cells.slice(0, MOST_PRINTED)) {
    const {image, open} = cell.card;
    if (!open.isConnected) return;  // all cells were cleared meanwhile
    if (!image.src && !open.classList.contains("blank")) await showPicture(cell, image);
  }
}

/** Paint a cell's heat map on a canvas, whose sides are at most `most` pixels. */
async function paintHeat(cell, canvas, most) {
  const png = cell.heat.png;
  if (!png) return;
  const map = await createImageBitmap(png, {colorSpaceConversion: "none"});
  const scale = Math.min(1, most / Math.max(map.width, map.height));
  if (cell.card && canvas === cell.card.canvas && !cell.near) return;  // out of view meanwhile
  canvas.width = Math.round(scale * map.width);
  canvas.height = Math.round(scale * map.height);
  const pen = canvas.getContext("2d", {willReadFrequently: true});
  pen.drawImage(map, 0, 0, canvas.width, canvas.height);
  const image = pen.getImageData(0, 0, canvas.width, canvas.height), pixels = new Uint32Array(image.data.buffer);
  for (let i = 0; i < pixels.length; i++) pixels[i] = COLOURS[pixels[i] & 255];
  pen.putImageData(image, 0, 0);
}

const heatRule = [...document.styleSheets[0].cssRules].find(rule => rule.selectorText === ".heat");
function setOpacity() { heatRule.style.opacity = at("heat").value / 100; }

const cellOf = new WeakMap();  // by its card's element

/** Watch which cells are in view, or nearly: these have their picture and their map, others need none. */
const watcher = new IntersectionObserver(entries => {
  for (const {target, isIntersecting} of entries) {
    const cell = cellOf.get(target);
    if (cell.near !== isIntersecting) setNear(cell, isIntersecting);
  }
  startHeat();
}, {rootMargin: "300px"});

function setNear(cell, near) {
  const {image, canvas} = cell.card;
  cell.near = near;
  if (near && !image.src) showPicture(cell, image);
  if (!near && cells.length > MOST_PRINTED) canvas.width = canvas.height = 0;  // memory is bounded
  if (near && !canvas.width) paintHeat(cell, canvas, MOST_SIDE);
}
