// Runs a WebAssembly image of the digest program: node run.mjs IMAGE.wasm
import { readFileSync } from "node:fs";

const decoder = new TextDecoder();
let memory;
let text = "";

function print(start, length) {
  text += decoder.decode(new Uint8Array(memory.buffer, start, length));
  const end = text.lastIndexOf("\n") + 1;
  process.stdout.write(text.slice(0, end));
  text = text.slice(end);
}

const image = await WebAssembly.instantiate(readFileSync(process.argv[2]), { host: { print } });
memory = image.instance.exports.memory;
process.exitCode = image.instance.exports.run() === 0 ? 0 : 1;
