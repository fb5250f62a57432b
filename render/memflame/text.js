'use strict';
// text.js - readable numbers, times, names and paths

/** 12345678, 'bytes' -> "12.3 MB"; in other units "12,345,678 allocations". Powers of 1000, as in the other reports. */
function amountText(value, unit) {
  if (unit !== 'bytes') return `${countText(value)} ${value === 1 ? unit.replace(/s$/, '') : unit}`;
  const prefixes = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'];
  let i = 0;
  // 999.95 would round up to four digits.
  while (value >= (i ? 999.5 : 1000) && i < prefixes.length - 1) {
    value /= 1000;
    i++;
  }
  const digits = !i || value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2;
  return `${value.toFixed(digits)} ${prefixes[i]}`;
}

function countText(value) {
  return String(Math.round(value)).replace(/\B(?=(?:\d{3})+$)/g, ',');
}

/** "1 stack", "2,000 stacks" */
function pluralText(count, one, many = `${one}s`) {
  return `${countText(count)} ${count === 1 ? one : many}`;
}

/** From 3 kB to 5 kB: "+2 kB"; the reverse: "−2 kB"; if equal: 'no change'. */
function changeText(before, after, unit) {
  if (before === after) return 'no change';
  const text = unit === 'bytes' ? amountText(Math.abs(after - before), unit) : countText(Math.abs(after - before));
  return (after > before ? '+' : '−') + text;
}

/** A part of a whole: "21.4 %". A part above 0 is never "0 %". */
function shareText(part, whole) {
  if (!whole || !part) return '0 %';
  const percent = 100 * part / whole;
  if (percent < 0.01) return '< 0.01 %';
  return `${percent.toFixed(percent < 1 ? 2 : 1)} %`;
}

/** Milliseconds since the beginning: "7.489 s", "2 min 3.5 s". */
function timeText(ms) {
  if (ms < 60000) return `${(ms / 1000).toFixed(3)} s`;
  const minutes = Math.floor(ms / 60000);
  const seconds = `${((ms % 60000) / 1000).toFixed(1)} s`;
  return minutes < 60 ? `${minutes} min ${seconds}` : `${Math.floor(minutes / 60)} h ${minutes % 60} min ${seconds}`;
}

/** The last component of a path, which fits on a box. */
function baseName(path) {
  return path.slice(path.lastIndexOf('/') + 1);
}

/** Escapes characters that change the direction of text: a name must not reverse the figures beside it. */
function withoutOverrides(text) {
  return text.replace(/[\u202a-\u202e\u2066-\u2069]/g, c => `\\u${c.charCodeAt(0).toString(16)}`);
}

const LONG_NAME = 100;

/** A name; if it is long, without the contents of its outermost template brackets. */
function shortName(name) {
  if (name.length <= LONG_NAME) return name;
  let short = '';
  let level = 0;
  for (const c of name) {
    if (c === '<' && !/operator<*$/.test(short)) {
      if (level++ === 0) short += '<…';
    } else if (c === '>' && level > 0 && !short.endsWith('-')) {
      if (--level === 0) short += '>';
    } else if (level === 0) short += c;
  }
  return level ? name : short;
}

/** A text cut to at most `most` characters, without splitting one. */
function cutText(text, most) {
  if (text.length <= most) return text;
  return `${text.slice(0, most - 1).replace(/[\ud800-\udbff]$/, '')}…`;
}
