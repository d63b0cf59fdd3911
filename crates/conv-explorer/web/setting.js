// The setting: what stands in the address, and nothing that follows from it.

/** Settings of each axis: name in the address, label, what the slider reaches; pads are a pair. */
export const PER_AXIS = [
  { name: "input", label: "input", least: 1, most: 24, first: 5 },
  { name: "kernel", label: "kernel", least: 1, most: 9, first: 3 },
  { name: "stride", label: "stride", least: 1, most: 6, first: 1 },
  { name: "dilation", label: "dilation", least: 1, most: 5, first: 1 },
  { name: "pad", side: 0, label: "pad before", least: -4, most: 9, first: 0 },
  { name: "pad", side: 1, label: "pad after", least: -4, most: 9, first: 0 },
  { name: "output-padding", label: "output padding", least: 0, most: 5, first: 0, transposed: true },
];

/** Settings of the whole layer. */
export const CHANNELS = [
  { name: "groups", label: "groups", least: 1, most: 8 },
  { name: "input-channels", label: "input channels", least: 1, most: 8 },
  { name: "output-channels", label: "output channels", least: 1, most: 8 },
];

/** What the page starts with. */
export const START = "input=5,5&kernel=3,3&stride=2,2&dilation=1,1&pad=1:1,1:1";

/** The text of a setting as a map from names to texts. */
export function parse(text) {
  const items = text.split("&").filter((item) => item.includes("="));
  return new Map(items.map((item) => {
    const at = item.indexOf("=");
    return [item.slice(0, at), item.slice(at + 1)];
  }));
}

/** The text of a map, as the address has it and as the library is asked. */
export function write(setting) {
  return [...setting].map(([name, value]) => `${name}=${value}`).join("&");
}

/** Number of axes: as many as the longest list has, as the library counts them. */
export function rankOf(setting) {
  const lists = ["input", "kernel", "stride", "dilation", "pad", "output-padding"];
  const longest = Math.max(...lists.map((name) => (setting.get(name) ?? "").split(",").length));
  return Math.min(Math.max(Number(setting.get("rank") ?? longest), 1), 2);
}

/** The text of one axis of a setting, of one side of a pad. */
export function valueAt(setting, control, axis) {
  const items = (setting.get(control.name) ?? String(control.first)).split(",");
  const item = items[axis] ?? items[0];
  if (control.side === undefined) return item;
  const sides = item.split(":");
  return sides[control.side] ?? sides[0];
}

/** Writes one axis of a setting, all axes out in full. */
export function setAt(setting, control, axis, value) {
  const rank = rankOf(setting);
  const all = Array.from({ length: rank }, (_, other) => {
    if (control.side === undefined) return other === axis ? value : valueAt(setting, control, other);
    const sides = [0, 1].map((side) => valueAt(setting, { ...control, side }, other));
    if (other === axis) sides[control.side] = value;
    return sides.join(":");
  });
  setting.set(control.name, all.join(","));
}

/** Writes every setting out for this number of axes. */
export function setRank(setting, rank) {
  const before = new Map(setting);
  setting.delete("rank");
  for (const control of PER_AXIS) {
    if (control.side === 1 || (control.transposed && !before.has(control.name))) continue;
    const value = (axis) => control.side === undefined
      ? valueAt(before, control, axis)
      : [0, 1].map((side) => valueAt(before, { ...control, side }, axis)).join(":");
    setting.set(control.name, Array.from({ length: rank }, (_, axis) => value(axis)).join(","));
  }
}
