'use strict';
// text.js - numbers and paths as people read them

/** 12345678, 'bytes' -> "12.3 MB"; other units: "12,345,678 allocations". Powers of 1000, as in the other reports. */
function amountText(value, unit) {
  if (unit !== 'bytes') return `${countText(value)} ${value === 1 ? unit.replace(/s$/, '') : unit}`;
  const prefixes = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'];
  let i = 0;
  // 999.95 would be rounded up to a fourth digit.
  while (value >= (i ? 999.5 : 1000) && i < prefixes.length - 1) {
    value /= 1000;
    i++;
  }
  const digits = !i || value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2;
  return `${value.toFixed(digits)} ${prefixes[i]}`;
}

function countText(value) {
  return Math.round(value).toLocaleString('en');
}

/** From 3 kB to 5 kB: "+2 kB"; back: "−2 kB"; 'no change'. */
function changeText(before, after, unit) {
  if (before === after) return 'no change';
  const text = unit === 'bytes' ? amountText(Math.abs(after - before), unit) : countText(Math.abs(after - before));
  return (after > before ? '+' : '−') + text;
}

/** A part of a whole: "21.4 %". What is there is never "0 %". */
function shareText(part, whole) {
  if (!whole || !part) return '0 %';
  const percent = 100 * part / whole;
  if (percent < 0.01) return '< 0.01 %';
  return `${percent.toFixed(percent < 1 ? 2 : 1)} %`;
}

/** The last component of a path: what a box has room for. */
function baseName(path) {
  return path.slice(path.lastIndexOf('/') + 1);
}

/** What one maintains as one: the package of an installed library, else the file itself. */
function packageOf(path) {
  const installed = path.match(/.*\/(?:site|dist)-packages\/([^/]+)/);
  return installed ? installed[1] : path;
}
