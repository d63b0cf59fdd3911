// The page: asks conv-scene, in WebAssembly, about the setting in the address, and shows the answers.
import init, { Explorer, figures } from "./wasm/conv_explorer.js";
import { Controls } from "./controls.js";
import { applyTo } from "./image.js";
import { link } from "./link.js";
import { START, parse, setRank, write } from "./setting.js";
import { showCode, showSizes, showWeights } from "./show.js";

const find = (id) => document.querySelector(`#${id}`);

let setting = new Map();
let controls;
let explorer = null;
let facts = null;
let step = 0;
let timer = null;
let pending = null;

/** Asks about the setting; an illegal one leaves the last pictures, dimmed, beside the sentence. */
function ask() {
  try {
    const next = new Explorer(question());
    explorer?.free();
    explorer = next;
    facts = JSON.parse(explorer.facts());
    showFault("");
  } catch (fault) {
    showFault(String(fault));
    return;
  }
  if (setting.has("output")) settle();
  step = Math.min(step, Math.max(explorer.frames() - 1, 0));
  showFacts();
  showStep();
}

/** Says a given output by its output padding, which has a control. */
function settle() {
  setting.delete("output");
  const paddings = facts.axes.map(({ output, legal }) => legal.outputs.find((offer) => offer.output === output).outputPadding);
  setting.set("output-padding", paddings.join(","));
  controls.show(setting);
}

/** What the library is asked: everything but where the player stands. */
function question() {
  return write([...setting].filter(([name]) => name !== "step"));
}

function showFault(sentence) {
  const fault = find("fault");
  fault.hidden = sentence === "";
  fault.textContent = sentence;
  document.body.classList.toggle("illegal", sentence !== "");
  if (sentence) stop();
}

function showFacts() {
  showSizes(find("sizes"), facts, (axis, padding) => {
    const rank = facts.axes.length;
    const all = (setting.get("output-padding") ?? "0").split(",");
    const paddings = Array.from({ length: rank }, (_, other) => all[other] ?? all[0]);
    paddings[axis] = String(padding);
    change("output-padding", paddings.join(","));
    find("sizes").querySelector(`[data-axis="${axis}"] [aria-pressed="true"]`)?.focus();
  });
  const { name, rows, columns, note } = facts.matrix;
  find("matrix-title").textContent = `${name}, ${rows} × ${columns}`;
  find("matrix-note").textContent = note ? `It is ${note}.` : "A row for each output, a column for each input.";
  find("matrix").innerHTML = explorer.matrix();
  showCode(find("code"), facts.code);
  showWeights(facts.kernels, (weights) => change("weights", weights.join(",")));
  find("command").textContent = facts.command;
  const views = facts.views.map((view) => new Option(view, view, false, view === facts.view));
  find("view").replaceChildren(...views);
  find("view").disabled = views.length < 2;
  const last = Math.max(facts.frames - 1, 0);
  find("step").max = last;
  find("player").classList.toggle("empty", facts.frames === 0);
  applyTo(explorer);
}

function showStep() {
  const drawn = facts.frames > 0;
  find("picture").innerHTML = drawn ? explorer.frame(step) : "";
  find("picture").querySelector("svg")?.setAttribute("aria-label", explorer.sentence(step));
  find("sentence").textContent = explorer.sentence(step);
  find("step").value = step;
  find("step-text").textContent = drawn ? `${step + 1} of ${facts.frames}` : "";
  link.light(explorer.is_scattering() ? { column: step } : { row: step }, drawn);
}

/** Changes one setting, or removes it, and writes the address. */
function change(name, value) {
  if (value === undefined) setting.delete(name);
  else setting.set(name, value);
  refresh();
}

/** After a change by a control: numbers of another shape go. */
function changed(name) {
  if (["kernel", "channels", "rank"].includes(name)) setting.delete("weights");
  if (["input", "channels", "rank"].includes(name)) setting.delete("data");
  refresh();
}

function refresh() {
  controls.show(setting);
  ask();
  remember();
}

/** Writes the address once the setting has come to rest: browsers refuse more than a few writes a second. */
function remember() {
  clearTimeout(pending);
  pending = setTimeout(() => {
    if (step > 0) setting.set("step", step);
    else setting.delete("step");
    history.replaceState(null, "", `#${write(setting)}`);
  }, 200);
}

function go(to) {
  if (!explorer || facts.frames === 0) return;
  step = (to + facts.frames) % facts.frames;
  showStep();
  remember();
}

function stop() {
  clearInterval(timer);
  timer = null;
  find("play").textContent = "▶ Play";
  find("play").setAttribute("aria-label", "Play");
  find("sentence").setAttribute("aria-live", "polite");
}

function play() {
  if (!explorer || facts.frames === 0) return;
  clearInterval(timer);
  timer = setInterval(() => go(step + 1), 1000 / Number(find("speed").value));
  find("play").textContent = "❚❚ Pause";
  find("play").setAttribute("aria-label", "Pause");
  // A screen reader would read every sentence of a film.
  find("sentence").setAttribute("aria-live", "off");
}

function save(bytes, type, ending) {
  const anchor = document.createElement("a");
  anchor.href = URL.createObjectURL(new Blob([bytes], { type }));
  anchor.download = `convolution.${ending}`;
  anchor.click();
  URL.revokeObjectURL(anchor.href);
  find("status").textContent = `Saved convolution.${ending}.`;
}

function saveGif() {
  find("status").textContent = "Painting…";
  // The words have to be seen before the page is busy.
  setTimeout(() => {
    try {
      const delay = Math.round(1000 / Number(find("speed").value));
      save(explorer.animation(delay), "image/gif", "gif");
    } catch (fault) {
      find("status").textContent = String(fault);
    }
  }, 30);
}

function readAddress() {
  clearTimeout(pending);
  setting = parse(location.hash.slice(1) || START);
  step = Math.max(0, Number(setting.get("step") ?? 0) || 0);
  controls.show(setting);
  ask();
}

function listen() {
  for (const radio of document.querySelectorAll("input[name=direction]")) {
    radio.addEventListener("change", () => {
      setting.delete("view");
      if (radio.value === "direct") setting.delete("output-padding");
      change("transposed", radio.value === "transposed" ? "true" : undefined);
    });
  }
  for (const radio of document.querySelectorAll("input[name=rank]")) {
    radio.addEventListener("change", () => {
      setRank(setting, Number(radio.value));
      changed("rank");
    });
  }
  find("flip").addEventListener("change", (event) => change("flip", event.target.checked ? "true" : undefined));
  find("view").addEventListener("change", (event) => change("view", event.target.value));
  find("reset").addEventListener("click", () => change("weights", undefined));
  find("figures").addEventListener("change", (event) => {
    if (event.target.value) location.hash = event.target.value;
  });
  find("settings").addEventListener("submit", (event) => event.preventDefault());
  find("back").addEventListener("click", () => { stop(); go(step - 1); });
  find("forward").addEventListener("click", () => { stop(); go(step + 1); });
  find("play").addEventListener("click", () => (timer ? stop() : play()));
  find("step").addEventListener("input", (event) => { stop(); go(Number(event.target.value)); });
  find("speed").addEventListener("input", (event) => {
    event.target.setAttribute("aria-valuetext", `${event.target.value} a second`);
    if (timer) play();
  });
  find("save-svg").addEventListener("click", () => save(explorer.frame(step), "image/svg+xml", "svg"));
  find("save-gif").addEventListener("click", saveGif);
  addEventListener("hashchange", readAddress);
  addEventListener("keydown", keys);
  link.listen((row) => { stop(); if (!explorer.is_scattering()) go(row); });
}

function keys(event) {
  if (event.altKey || event.ctrlKey || event.metaKey) return;
  if (event.target.closest("input, select, button, summary, textarea")) return;
  const moves = { ArrowLeft: () => { stop(); go(step - 1); }, ArrowRight: () => { stop(); go(step + 1); }, " ": () => (timer ? stop() : play()) };
  if (!moves[event.key]) return;
  event.preventDefault();
  moves[event.key]();
}

async function start() {
  await init({ module_or_path: new URL("./wasm/conv_explorer_bg.wasm", import.meta.url) });
  const all = JSON.parse(figures()).map(({ name, question }) => new Option(name, question));
  find("figures").append(...all);
  controls = new Controls(setting, changed);
  listen();
  readAddress();
  document.body.dataset.ready = "true";
}

start().catch((fault) => showFault(`The explorer cannot start: ${fault}`));
