// A picture as the network gets it: without what makes a browser turn it or change its colours.
// The network reads the pixels as they are stored: an orientation in EXIF, colour profile or gamma changes nothing there.

const JPEG_EXIF = 0xe1, JPEG_PROFILE = 0xe2, JPEG_SCAN = 0xda;
const PNG_LEFT_OUT = ["eXIf", "iCCP", "gAMA", "cHRM"];
const JPEG_START = "\xff\xd8", PNG_START = "\x89PNG\r\n\x1a\n";

/** Return the file, or a copy without those parts. */
async function asStored(file) {
  const start = new DataView(await file.slice(0, 8).arrayBuffer());
  const find = textAt(start, 0, 2) === JPEG_START ? jpegCuts : textAt(start, 0, 8) === PNG_START ? pngCuts : null;
  if (!find) return file;
  const bytes = new Uint8Array(await file.arrayBuffer()), cuts = find(new DataView(bytes.buffer));
  if (!cuts.length) return file;
  const ends = [...cuts.map(([start]) => start), bytes.length], starts = [0, ...cuts.map(([, end]) => end)];
  return new Blob(starts.map((start, i) => bytes.subarray(start, ends[i])), {type: file.type});
}

function textAt(view, place, length) {
  if (place + length > view.byteLength) return "";
  return String.fromCharCode(...new Uint8Array(view.buffer, place, length));
}

/** Return start and end of the segments to leave out, of a JPEG's header. */
function jpegCuts(view) {
  const cuts = [];
  for (let place = 2; place + 4 <= view.byteLength && view.getUint8(place) === 0xff; ) {
    const marker = view.getUint8(place + 1), end = place + 2 + view.getUint16(place + 2);
    if (marker === JPEG_SCAN || end > view.byteLength) break;
    if (marker === JPEG_EXIF || marker === JPEG_PROFILE) cuts.push([place, end]);
    place = end;
  }
  return cuts;
}

/** Return start and end of the chunks to leave out, of a PNG. */
function pngCuts(view) {
  const cuts = [];
  for (let place = 8; place + 12 <= view.byteLength; ) {
    const end = place + 12 + view.getUint32(place);
    if (end > view.byteLength) break;
    if (PNG_LEFT_OUT.includes(textAt(view, place + 4, 4))) cuts.push([place, end]);
    place = end;
  }
  return cuts;
}
