'use strict';
// palette.js - colours of the boxes: the hue says what kind of code, the lightness tells modules apart
//
// The hues stay apart in the common forms of colour blindness (after Okabe and
// Ito). Every text has a contrast of at least 4.5 to 1 on every fill.

const SHADES = 5;

/** Per kind (frames.js): hue, saturation, and the lightest lightness in the dark, where orange is brighter than blue. */
const KIND_HUE = [[214, 12, 33], [206, 72, 34], [32, 80, 31], [268, 48, 41]];

function shades(hue, saturation, lightest, step) {
  return Array.from({ length: SHADES }, (_, i) => `hsl(${hue} ${saturation}% ${lightest - i * step}%)`);
}

/** Differences: hue of what grew and what shrank, and per step away from no change how much of it there is. */
const GREW = 24;
const SHRANK = 212;
const STEPS = 4;

function steps(hue, saturation, nearest, step) {
  return Array.from({ length: STEPS }, (_, i) => `hsl(${hue} ${saturation}% ${nearest - i * step}%)`);
}

const PALETTES = {
  light: {
    page: '#ffffff',
    kinds: KIND_HUE.map(([hue, saturation]) => shades(hue, saturation, 89, 3)),
    changes: { none: '#e4e7eb', grew: steps(GREW, 92, 88, 7), shrank: steps(SHRANK, 85, 90, 6) },
    text: '#12161b',
    quiet: '#3a434d',
    rest: { fill: '#eef0f3', text: '#4b545e', edge: '#c3cad2' },
    dim: { fill: '#e9edf1', text: '#525b65' },
    match: { fill: '#f7a8d0', text: '#12161b', edge: '#b0005e' },
    focus: { fill: '#0b5c9e', text: '#ffffff' },
    selected: '#0b0d10',
  },
  dark: {
    page: '#14171b',
    kinds: KIND_HUE.map(([hue, saturation, lightest]) => shades(hue, saturation * 0.8, lightest, 2.2)),
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

/** The fill of a box that held `before` and holds `after`: by what part of the larger side changed. */
function changeFill(changes, before, after) {
  if (before === after) return changes.none;
  const part = Math.abs(after - before) / Math.max(before, after);
  return (after > before ? changes.grew : changes.shrank)[Math.min(STEPS - 1, Math.floor(part * STEPS))];
}

/** Per group its kind and shade. */
class Colours {
  constructor(grouping) {
    const { frames, first } = grouping;
    this.kind = Uint8Array.from(first, f => frames.kind[f]);
    this.shade = Uint8Array.from(first, f => {
      const module = packageOf(frames.file[f]) || frames.module[f] || frames.name[f];
      let hash = 0;
      for (let i = 0; i < module.length; i++) hash = Math.imul(hash, 31) + module.charCodeAt(i) | 0;
      return (hash >>> 4) % SHADES;
    });
  }
}
