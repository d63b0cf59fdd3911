// An own picture, read and shown on canvases; the sums are conv-core's.

const MOST = 512;
const canvases = document.querySelector("#canvases");
const note = document.querySelector("#image-note");
let source = null;
let current = null;

/** Shows the kernel's work on the picture, if there is one. */
export function applyTo(explorer) {
  current = explorer;
  if (!source) return;
  try {
    const applied = explorer.apply(source.data, source.width);
    const { width, height } = applied;
    const pixels = new ImageData(new Uint8ClampedArray(applied.pixels()), width, height);
    applied.free();
    canvases.replaceChildren(canvas(source, "The picture"), canvas(pixels, "The output"));
    note.textContent = `${source.height}×${source.width} → ${height}×${width} pixels`;
  } catch (fault) {
    canvases.replaceChildren(canvas(source, "The picture"));
    note.textContent = String(fault);
  }
}

function canvas(pixels, label) {
  const made = document.createElement("canvas");
  Object.assign(made, { width: pixels.width, height: pixels.height });
  made.setAttribute("role", "img");
  made.setAttribute("aria-label", `${label}, ${pixels.height} rows of ${pixels.width} pixels`);
  made.getContext("2d").putImageData(pixels, 0, 0);
  return made;
}

async function read(file) {
  const bitmap = await createImageBitmap(file);
  const scale = Math.min(1, MOST / Math.max(bitmap.width, bitmap.height));
  const [width, height] = [bitmap.width, bitmap.height].map((extent) => Math.max(1, Math.round(extent * scale)));
  const sheet = document.createElement("canvas");
  Object.assign(sheet, { width, height });
  const context = sheet.getContext("2d", { willReadFrequently: true });
  context.drawImage(bitmap, 0, 0, width, height);
  source = context.getImageData(0, 0, width, height);
}

document.querySelector("#image").addEventListener("change", async (event) => {
  const [file] = event.target.files;
  if (!file) return;
  try {
    await read(file);
    if (current) applyTo(current);
  } catch {
    note.textContent = `${file.name}: not a picture that this browser reads`;
  }
});
