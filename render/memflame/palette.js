'use strict';
// palette.js - colours of the boxes: by package, by kind of code, or by the box's own share
//
// Each of the packages with the most memory has a hue; own code has the strongest
// colour. Neighbouring hues also differ in lightness, so that they can be told apart in
// grey and with the common forms of colour blindness. Every text has a contrast of at
// least 4.5 to 1 on every fill.

/** Differences: the hues of growth and shrinkage, and the number of steps of each. */
const GREW = 24;
const SHRANK = 212;
const STEPS = 4;
const UNCHANGED = 0.005;    // a change of a smaller part of the whole is shown as none

function steps(hue, saturation, nearest, step, count = STEPS) {
  return Array.from({ length: count }, (_, i) => `hsl(${hue} ${saturation}% ${nearest - i * step}%)`);
}

const PALETTES = {
  light: {
    page: '#ffffff',
    heap: '#9cc7ee',
    rss: '#b0560a',
    own: '#ffd43b',
    packages: ['#a9d2f7', '#ee9482', '#b4ead0', '#b9a4ee', '#e8e3a0', '#71c4cc', '#f5bfe0', '#b6c26a'],
    neutral: '#dde2e8',
    stdlib: '#cdd9e5',
    kinds: ['#dde1e6', '#a9d2f7', '#f6b873', '#cbb8f2', '#c8ced6', '#c8ced6', '#c8ced6'],
    self: steps(34, 95, 94, 7, 6),
    changes: { none: '#e4e7eb', grew: steps(GREW, 92, 88, 7), shrank: steps(SHRANK, 85, 90, 6) },
    text: '#12161b',
    quiet: '#333b44',
    rest: { fill: '#eef0f3', text: '#4b545e', edge: '#c3cad2' },
    dim: { fill: '#e9edf1', text: '#525b65' },
    match: { fill: '#f7a8d0', text: '#12161b', edge: '#b0005e' },
    focus: { fill: '#0b5c9e', text: '#ffffff' },
    selected: '#0b0d10',
  },
  dark: {
    page: '#14171b',
    heap: '#28537c',
    rss: '#f0a050',
    own: '#785400',
    packages: ['#17466e', '#93402f', '#1d5a40', '#5a3f9a', '#57521d', '#0d626a', '#8a3468', '#3c4a12'],
    neutral: '#3a424b',
    stdlib: '#33475a',
    kinds: ['#3a4149', '#17466e', '#8a4f12', '#5a3f9a', '#454d57', '#454d57', '#454d57'],
    self: steps(30, 80, 17, -2.4, 6),
    changes: { none: '#343a41', grew: steps(GREW, 78, 20, -4), shrank: steps(SHRANK, 70, 24, -5) },
    text: '#f4f6f8',
    quiet: '#d3dae2',
    rest: { fill: '#20262c', text: '#a9b3be', edge: '#49525d' },
    dim: { fill: '#272d35', text: '#a3adb8' },
    match: { fill: '#8e1c5e', text: '#ffffff', edge: '#ff7fc0' },
    focus: { fill: '#4aa3e8', text: '#0b1118' },
    selected: '#ffffff',
  },
};

/** Returns the fill of a box whose amount changed from `before` to `after`, by the change's share of `total`. */
function changeFill(changes, before, after, total) {
  const part = Math.abs(after - before) / (total || 1);
  if (before === after || part < UNCHANGED) return changes.none;
  const step = [0.02, 0.08, 0.25].findIndex(limit => part < limit);
  return (after > before ? changes.grew : changes.shrank)[step < 0 ? STEPS - 1 : step];
}

/** The packages with a colour of their own, and the memory of each package's shown frames. */
class Packages {
  /** amounts: Map from package to its own amount. */
  constructor(amounts) {
    this.amounts = amounts;
    this.names = [...amounts.keys()].filter(name => !name.includes(' ')).sort((a, b) => amounts.get(b) - amounts.get(a));
    this.rank = new Map(this.names.slice(0, PALETTES.light.packages.length).map((name, i) => [name, i]));
  }

  fill(palette, name) {
    if (name === OWN) return palette.own;
    const rank = this.rank.get(name);
    if (rank !== undefined) return palette.packages[rank];
    return name === STDLIB ? palette.stdlib : palette.neutral;
  }

  /** For the legend: [name, amount], own code first, then by rank; packages without a colour or much memory as one. */
  entries(only) {
    const { amounts, rank } = this;
    const all = [...amounts.values()].reduce((sum, amount) => sum + amount, 0);
    const shown = [OWN, ...rank.keys(), STDLIB].filter(name => (amounts.get(name) || 0) > all * UNCHANGED || (name === only && amounts.has(name)));
    const others = [...amounts.keys()].filter(name => !shown.includes(name)).reduce((sum, name) => sum + amounts.get(name), 0);
    return [...shown.map(name => [name, amounts.get(name)]), ...(others ? [['others', others]] : [])];
  }
}

/** The fill of each group. */
class Colours {
  constructor(grouping, packages, palette, by) {
    const { frames, first } = grouping;
    this.palette = palette;
    this.fill = first.map((f, group) => {
      if (by === 'kind' && grouping.isPackage(group)) return palette.kinds[KIND.VIRTUAL];
      if (by === 'kind' || isVirtual(frames.kind[f])) return palette.kinds[frames.kind[f]];
      return packages.fill(palette, frames.package[f]);
    });
  }
}

/** Returns the colour for a box's own share. */
function selfFill(palette, self, total) {
  return palette.self[Math.min(palette.self.length - 1, Math.floor((total ? self / total : 0) * palette.self.length))];
}
