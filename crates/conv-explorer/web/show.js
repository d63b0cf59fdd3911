// Facts as elements.

function element(name, text, attributes = {}) {
  const made = document.createElement(name);
  if (text !== undefined) made.textContent = text;
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}

/** Input and output, a formula for each axis, and of a transposed layer every legal output. */
export function showSizes(place, facts, offer) {
  const headline = element("p", undefined, { class: "headline" });
  headline.append(element("span", facts.input, { id: "input-size" }), " → ", element("strong", facts.output, { id: "output-size" }));
  const costs = facts.cost.refused ?? `${Number(facts.cost.inside).toLocaleString("en")} multiplications, ${facts.cost.weights} weights`;
  headline.append(element("small", costs));
  const rows = facts.axes.map((axis, index) => axisRow(axis, index, offer));
  place.replaceChildren(headline, ...rows);
}

function axisRow(axis, index, offer) {
  const row = element("div", undefined, { class: "axis", "data-axis": index });
  row.append(element("b", axis.name), element("code", axis.formula, { class: "formula" }),
    element("span", `relationship ${axis.relationship} of the guide: ${axis.relationshipName}`, { class: "note" }));
  if (axis.legal) row.append(legal(axis, index, offer));
  return row;
}

function legal(axis, index, offer) {
  const place = element("div", undefined, { class: "legal", role: "group", "aria-label": `Legal outputs, ${axis.name}` });
  if (axis.legal.refused) {
    place.append(element("span", axis.legal.refused, { class: "note" }));
    return place;
  }
  place.append(element("span", "legal outputs", { class: "note" }));
  // More than fit a line are of no use as buttons; the number field takes any.
  const all = axis.legal.outputs;
  for (const { output, outputPadding } of all.slice(0, 24)) {
    const button = element("button", output, { type: "button", "aria-pressed": output === axis.output, title: `output padding ${outputPadding}` });
    button.addEventListener("click", () => offer(index, outputPadding));
    place.append(button);
  }
  if (all.length > 24) place.append(element("span", `and ${all.length - 24} more`, { class: "note" }));
  if (axis.legal.above) place.append(element("span", axis.legal.above, { class: "note why" }));
  return place;
}

/** The layer in each framework's words, or why it cannot be said there. */
export function showCode(place, all) {
  place.replaceChildren(...all.map(({ name, code, refused, notes }) => {
    const entry = element("article", undefined, { "data-framework": name });
    entry.append(element("h3", name));
    if (refused) {
      entry.append(element("p", refused, { class: "refused" }));
      return entry;
    }
    const line = element("div", undefined, { class: "line" });
    const copy = element("button", "Copy", { type: "button", "aria-label": `Copy ${name}` });
    copy.addEventListener("click", async () => {
      await navigator.clipboard.writeText(code);
      copy.textContent = "Copied";
    });
    const text = element("pre", undefined, { tabindex: 0, "aria-label": name });
    text.append(element("code", code));
    line.append(text, copy);
    entry.append(line, ...notes.map((note) => element("p", `with ${note}`, { class: "note" })));
    return entry;
  }));
}

/** A field for each weight, kernel by kernel. */
export function showWeights(kernels, change) {
  const place = document.querySelector("#weights");
  const note = document.querySelector("#weights-note");
  const { weights, names, columns, taps, count, most } = kernels;
  note.textContent = weights.length === 0 ? `${count} weights, more than the ${most} that have fields here or can be drawn.` : "";
  const old = [...place.querySelectorAll("input")];
  // The same fields stay, so that one that is typed into keeps the cursor.
  const same = weights.length > 0 && old.length === weights.length && place.dataset.columns === String(columns);
  if (same) {
    old.forEach((field, index) => { if (field !== document.activeElement) field.value = weights[index]; });
    return;
  }
  place.dataset.columns = columns;
  const fields = weights.map((weight, index) => {
    const field = element("input", undefined, { type: "number", step: "any", "aria-label": names[index], value: weight });
    field.addEventListener("input", () => {
      if (field.value !== "") change([...place.querySelectorAll("input")].map((other) => other.value || "0"));
    });
    return field;
  });
  const grids = [];
  for (let first = 0; first < fields.length; first += taps) {
    const grid = element("div", undefined, { class: "weights", "data-columns": columns });
    grid.style.setProperty("--columns", columns);
    grid.append(...fields.slice(first, first + taps));
    grids.push(grid);
  }
  place.replaceChildren(...grids);
}
