// Sliders and number fields, made from the table of settings.
import { CHANNELS, PER_AXIS, rankOf, setAt, valueAt } from "./setting.js";

const AXES = { 1: ["length"], 2: ["height", "width"] };

/** A slider and a number field for one value. */
function pair(control, id, name, onChange) {
  const row = document.createElement("div");
  row.className = "control";
  const label = document.createElement("label");
  label.htmlFor = `${id}-number`;
  label.textContent = control.label;
  const slider = document.createElement("input");
  Object.assign(slider, { type: "range", id: `${id}-slider`, min: control.least, max: control.most, step: 1 });
  slider.setAttribute("aria-label", `${name}, slider`);
  const number = document.createElement("input");
  Object.assign(number, { type: "number", id: `${id}-number`, step: 1, inputMode: "numeric" });
  number.setAttribute("aria-label", name);
  slider.addEventListener("input", () => onChange(slider.value));
  number.addEventListener("input", () => onChange(number.value));
  row.append(label, slider, number);
  const show = (value) => {
    slider.value = value;
    // A field that is being typed into is left as it is.
    if (number.value !== value && document.activeElement !== number) number.value = value;
  };
  return { row, show };
}

/** All controls of a setting; `onChange` is called with its name after one has changed. */
export class Controls {
  constructor(setting, onChange) {
    this.setting = setting;
    this.onChange = onChange;
    this.rank = 0;
    this.shown = [];
    this.channels = CHANNELS.map((control) => {
      const made = pair(control, control.name, control.label, (value) => {
        this.setting.set(control.name, value);
        this.onChange("channels");
      });
      document.querySelector("#channels").append(made.row);
      return { ...made, control };
    });
  }

  /** Shows what the setting says; fields are made anew where the number of axes has changed. */
  show(setting) {
    this.setting = setting;
    const rank = rankOf(setting);
    if (rank !== this.rank) this.build(rank);
    const transposed = setting.get("transposed") === "true";
    for (const { row, show, control, axis } of this.shown) {
      row.hidden = Boolean(control.transposed) && !transposed;
      show(valueAt(setting, control, axis));
    }
    const groups = setting.get("groups") ?? "1";
    for (const { show, control } of this.channels) {
      show(setting.get(control.name) ?? groups);
    }
    const check = (name, value) => {
      document.querySelector(`input[name=${name}][value="${value}"]`).checked = true;
    };
    check("direction", transposed ? "transposed" : "direct");
    check("rank", rank);
    document.querySelector("#flip").checked = setting.get("flip") === "true";
  }

  build(rank) {
    this.rank = rank;
    const names = AXES[rank];
    const fields = names.map((name, axis) => {
      const field = document.createElement("fieldset");
      const legend = document.createElement("legend");
      legend.textContent = name;
      field.append(legend);
      const made = PER_AXIS.map((control) => {
        const id = `${control.label.replace(" ", "-")}-${axis}`;
        const made = pair(control, id, `${control.label}, ${name}`, (value) => {
          setAt(this.setting, control, axis, value);
          this.onChange(control.name);
        });
        field.append(made.row);
        return { ...made, control, axis };
      });
      return { field, made };
    });
    document.querySelector("#axes").replaceChildren(...fields.map(({ field }) => field));
    this.shown = fields.flatMap(({ made }) => made);
  }
}
