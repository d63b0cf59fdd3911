// Hover and the current step, linked between picture and matrix.

const picture = document.querySelector("#picture");
const matrix = document.querySelector("#matrix");
const both = [picture, matrix];

function mark(name, selectors) {
  for (const place of both) {
    for (const old of place.querySelectorAll(`.${name}`)) old.classList.remove(name);
    for (const selector of selectors) {
      for (const found of place.querySelectorAll(selector)) found.classList.add(name);
    }
  }
}

/** What belongs to an element that is pointed at. */
function partners(target) {
  const row = target.closest("g.row");
  const { column, weight, input, output } = target.dataset;
  if (column !== undefined && row) {
    return [`[data-output="${row.dataset.row}"]`, `[data-input="${column}"]`, `#picture [data-weight="${weight}"]`,
      `g.row[data-row="${row.dataset.row}"] > .row`, `g.row[data-row="${row.dataset.row}"] > [data-column="${column}"]`];
  }
  if (row) return [`[data-output="${row.dataset.row}"]`, `g.row[data-row="${row.dataset.row}"] > .row`];
  if (output !== undefined) return [`[data-output="${output}"]`, `g.row[data-row="${output}"] > .row`];
  if (input !== undefined) return [`[data-input="${input}"]`, `[data-column="${input}"]`];
  if (weight !== undefined) return [`[data-weight="${weight}"]`];
  return [];
}

export const link = {
  /** Lights the row, or of a scattered input the column, of the current step. */
  light({ row, column }, drawn) {
    const selector = row === undefined ? `#matrix [data-column="${column}"]` : `#matrix g.row[data-row="${row}"] > *`;
    mark("lit", drawn ? [selector] : []);
    mark("near", []);
  },

  /** `choose` is called with the number of an output that is clicked. */
  listen(choose) {
    for (const place of both) {
      place.addEventListener("pointerover", (event) => mark("near", partners(event.target)));
      place.addEventListener("pointerleave", () => mark("near", []));
      place.addEventListener("click", (event) => {
        const row = event.target.closest("g.row")?.dataset.row ?? event.target.dataset.output;
        if (row !== undefined) choose(Number(row));
      });
    }
  },
};
