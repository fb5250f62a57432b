'use strict';
// frames.js - what a frame is called, what kind it is, and which frames are shown as one

/** enum place_kind of tree.h */
const KIND = { VIRTUAL: 0, PYTHON: 1, NATIVE: 2, IMPORT: 3 };
const KIND_NAME = ['other', 'Python', 'native', 'import machinery'];

/** "name (file:line)", and the module if it has one: what a search looks at. Made once. */
function frameText(frames, f) {
  if (frames.text[f] === undefined) {
    const line = frames.line[f] ? `:${frames.line[f]}` : '';
    const place = frames.file[f] ? ` (${frames.file[f]}${line})` : '';
    const module = frames.module[f] ? ` ${frames.module[f]}` : '';
    frames.text[f] = frames.name[f] + place + module;
  }
  return frames.text[f];
}

/** The frames that are one box: those of one line, one function or one file. */
class Grouping {
  constructor(frames, by) {
    this.frames = frames;
    this.by = by;
    this.of = new Int32Array(frames.count);   // frame -> group
    this.first = [];                          // group -> its first frame
    this.members = [];                        // group -> all its frames
    const groups = new Map();
    for (let f = 0; f < frames.count; f++) {
      const key = this.key(f);
      let group = groups.get(key);
      if (group === undefined) {
        groups.set(key, group = this.first.length);
        this.first.push(f);
        this.members.push([]);
      }
      this.of[f] = group;
      this.members[group].push(f);
    }
    this.count = this.first.length;
  }

  key(f) {
    const { name, file, module } = this.frames;
    if (this.by === 'line' || f === 0) return f;
    if (this.by === 'function' || !(file[f] || module[f])) return `${name[f]}\n${file[f]}\n${module[f]}`;
    return `\n${file[f] || module[f]}`;
  }

  /** What the box is called: a function, or with files as boxes, a path. */
  name(group) {
    const f = this.first[group];
    const { name, file, module } = this.frames;
    return this.by === 'file' && f ? file[f] || module[f] || name[f] : name[f];
  }

  /** Where it is: "/path/file.py:12"; of a function, the file with all its lines that were met. */
  location(group) {
    const f = this.first[group];
    const { file, line } = this.frames;
    if (!file[f] || this.by === 'file') return '';
    if (this.by === 'line') return line[f] ? `${file[f]}:${line[f]}` : file[f];
    const lines = this.members[group].map(member => line[member]).filter(Boolean).sort((a, b) => a - b);
    const shown = lines.slice(0, 8).join(', ') + (lines.length > 8 ? ', …' : '');
    return lines.length ? `${file[f]}:${shown}` : file[f];
  }

  /** The same for a box: short. */
  shortLocation(group) {
    const f = this.first[group];
    const { file, line, module } = this.frames;
    if (this.by === 'file') return '';
    if (!file[f]) return baseName(module[f]);
    return baseName(file[f]) + (this.by === 'line' && line[f] ? `:${line[f]}` : '');
  }
}

/** Which frames are looked through: the import machinery, and what any of the regexps matches. */
function hiddenFrames(frames, hideImport, patterns) {
  const hidden = new Uint8Array(frames.count);
  const tests = patterns.map(toRegExp).filter(Boolean);
  for (let f = 1; f < frames.count; f++) {
    if (hideImport && frames.kind[f] === KIND.IMPORT) hidden[f] = 1;
    else if (tests.length) {
      const text = frameText(frames, f);
      if (tests.some(test => test.test(text))) hidden[f] = 1;
    }
  }
  return hidden;
}

/** A regexp as people type it; null: it is none. */
function toRegExp(source) {
  try {
    return source ? new RegExp(source, 'i') : null;
  } catch {
    return null;
  }
}

/** The regexp that matches this text and nothing else. */
function literalPattern(text) {
  return text.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&');
}
