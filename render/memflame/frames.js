'use strict';
// frames.js - names, kinds and packages of frames, and the groups of frames that are shown as one box

/** enum place_kind in tree.h */
const KIND = { VIRTUAL: 0, PYTHON: 1, NATIVE: 2, IMPORT: 3, PROCESS: 4, THREAD: 5, ALLOCATOR: 6, NATIVE_IMPORT: 7 };
const isVirtual = kind => kind === KIND.VIRTUAL || kind >= KIND.PROCESS;
const KIND_NAME = ['other', 'Python', 'C', 'import machinery', 'process', 'thread', 'allocator'];

/** Owners of code that is not in a package (package.h). All contain a blank, so they cannot be names of packages. */
const OWN = 'own code';
const STDLIB = 'standard library';
const INTERPRETER = 'the interpreter';
const OTHER = 'not known';

/** The lines of source code that the page contains at a frame: [number, text]; none if it has none. */
function sourceLines(frames, f) {
  if (!frames.source[f]) return [];
  return frames.source[f].split('\x1f').map((text, i) => [frames.line[f] - frames.before[f] + i, text]);
}

/** The frame's own line, without the blanks around it. */
function sourceLine(frames, f) {
  const [, text] = sourceLines(frames, f)[frames.before[f]] || ['', ''];
  return text.trim();
}

/** "name (file:line)", the module if it has one, and its line of source code after a newline: the text that is searched. Cached. */
function frameText(frames, f) {
  if (frames.text[f] === undefined) {
    const line = frames.line[f] ? `:${frames.line[f]}` : '';
    const place = frames.file[f] ? ` (${frames.file[f]}${line})` : '';
    const module = frames.module[f] ? ` ${frames.module[f]}` : '';
    const source = sourceLine(frames, f);
    frames.text[f] = frames.name[f] + place + module + (source && `\n${source}`);
  }
  return frames.text[f];
}

// ---- paths

const IN_STDLIB = /\/lib\/(?:python|pypy)\d[\d.]*\//;

/** A path without the beginning that all of its kind share: "json/decoder.py", "numpy/core/numeric.py", "app/views.py". */
function shortPath(path, root) {
  const installed = path.match(/.*\/(?:site|dist)-packages\//);
  if (installed) return path.slice(installed[0].length);
  if (root && path.startsWith(root)) return path.slice(root.length);
  const library = path.match(IN_STDLIB);
  if (library) return path.slice(library.index + library[0].length);
  return path.split('/').slice(-2).join('/');
}

/** "json.decoder" for "/usr/lib/python3.11/json/decoder.py"; for a package's __init__.py, the package. */
function moduleName(path, root) {
  if (path.startsWith('<')) return path.replace(/^<frozen (.*)>$/, '$1');
  return shortPath(path, root).replace(/\.pyw?$/, '').replace(/\/__init__$/, '').replace(/\//g, '.') || baseName(path);
}

// ---- groups

/**
 * Groups frames into boxes: those of one line, one function, one file, or one package. Numbers after those
 * groups are of packages, for boxes around the functions of one (MergedTree, option `packages`).
 */
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
    this.addPackages(this.first.length);
    this.count = this.first.length;
  }

  addPackages(functions) {
    const { frames, first, members } = this;
    this.functions = functions;
    this.packageOf = new Int32Array(functions).fill(-1);    // group -> the group of its package; -1: none
    if (this.by === 'package') return;
    const groups = new Map();
    for (let group = 1; group < functions; group++) {
      const f = first[group];
      const name = frames.package[f];
      if (isVirtual(frames.kind[f])) continue;
      if (!groups.has(name)) {
        groups.set(name, first.length);
        first.push(f);
        members.push([]);
      }
      this.packageOf[group] = groups.get(name);
    }
  }

  isPackage(group) {
    return group >= this.functions;
  }

  key(f) {
    const { name, file, module, kind } = this.frames;
    if (this.by === 'line' || f === 0) return f;
    const isLabel = isVirtual(kind[f]);
    if (this.by === 'package') return isLabel ? `\n${name[f]}` : this.frames.package[f];
    if (this.by === 'function' || isLabel || !(file[f] || module[f])) return `${name[f]}\n${file[f]}\n${module[f]}`;
    return `\n${file[f] || module[f]}`;
  }

  /** Whether direct recursion is always one box: files and packages call themselves all the time. */
  get callsItself() {
    return this.by === 'file' || this.by === 'package';
  }

  /** The name of the box: a function, a package, or if boxes are files, a path. */
  name(group) {
    const f = this.first[group];
    const { name, file, module, kind } = this.frames;
    if (this.isPackage(group)) return `[${this.frames.package[f]}]`;
    if (isVirtual(kind[f])) return name[f];
    if (this.by === 'package') return this.frames.package[f];
    return this.by === 'file' ? file[f] || module[f] || name[f] : name[f];
  }

  /** A short name for the label. "<module>" says little, so the module's name replaces it. */
  shortName(group) {
    const f = this.first[group];
    const { name, file, root } = this.frames;
    if (this.by === 'package' || this.isPackage(group)) return this.name(group);
    if (this.by === 'file' && f && file[f]) return shortPath(file[f], root);
    if (this.frames.kind[f] === KIND.PROCESS) return name[f].replace(/: (?:\S*\/)?(?:python[\d.]* )?(?:\S*\/)?/, ': ');
    if (name[f] === '<module>' && file[f]) return moduleName(file[f], root);
    return this.by === 'file' ? baseName(this.name(group)) : shortName(name[f]);
  }

  /** The location: "/path/file.py:12"; for a function, the file with all its lines that occur. */
  location(group) {
    const f = this.first[group];
    const { file, line } = this.frames;
    if (!file[f] || this.callsItself || this.isPackage(group)) return '';
    if (this.by === 'line') return line[f] ? `${file[f]}:${line[f]}` : file[f];
    const lines = this.members[group].map(member => line[member]).filter(Boolean).sort((a, b) => a - b);
    const shown = lines.slice(0, 8).join(', ') + (lines.length > 8 ? ', …' : '');
    return lines.length ? `${file[f]}:${shown}` : file[f];
  }

  /** The line of source code of a group of one line. */
  source(group) {
    const { frames, members, first } = this;
    const isOne = !this.callsItself && !this.isPackage(group) && members[group].every(f => frames.line[f] === frames.line[first[group]]);
    return isOne ? sourceLine(frames, first[group]) : '';
  }

  /** A short location for the label. */
  shortLocation(group) {
    const f = this.first[group];
    const { file, line, module } = this.frames;
    if (this.callsItself || this.isPackage(group)) return '';
    if (!file[f]) return baseName(module[f]);
    return baseName(file[f]) + (this.by === 'line' && line[f] ? `:${line[f]}` : '');
  }
}

// ---- hidden nodes

/**
 * Marks nodes of C code with no Python above: `startup` with Python below, which runs before
 * the script (as does runpy), and `alone` with no Python below either.
 */
function markStarts(profile) {
  const { frames, count, frame, parent } = profile;
  const startup = profile.startup = new Uint8Array(count);
  const alone = profile.alone = new Uint8Array(count);
  const python = frames.kind.map((kind, f) => (kind === KIND.PYTHON || (kind === KIND.IMPORT && !frames.native[f]) ? 1 : 0));
  const runpy = frames.file.map(file => /(?:^<frozen runpy>|\/runpy\.py)$/.test(file));
  if (!profile.about.mixed && !runpy.some(Boolean)) return;
  const above = new Uint8Array(count);      // it is Python, or Python is above it
  const below = new Uint8Array(count);
  for (let i = 1; i < count; i++) {
    if (runpy[frame[i]] && !above[parent[i]]) startup[i] = 1;
    else above[i] = above[parent[i]] | python[frame[i]];
  }
  for (let i = count - 1; i > 0; i--) {
    if (below[i] || python[frame[i]]) below[parent[i]] = 1;
    if (!above[i] && frames.native[frame[i]]) (below[i] ? startup : alone)[i] = 1;
  }
}

/** Returns for each node whether it is import machinery, or called by that. */
function importedNodes({ count, frame, parent, frames }) {
  const imported = new Uint8Array(count);
  for (let i = 1; i < count; i++) imported[i] = imported[parent[i]] || frames.kind[frame[i]] === KIND.IMPORT ? 1 : 0;
  return imported;
}

/**
 * Returns for each node whether it is hidden. choices: {imports, native, startup,
 * imported, processes, threads, allocators: 'hide' or 'show' (native: 'some' hides the
 * interpreter's; imported: all that import statements call)}; matches: arrays with a flag per frame, whose frames are hidden too.
 */
function hiddenNodes(profile, choices, matches) {
  const { frames, count, frame, parent, startup, alone } = profile;
  const hideKind = [];
  hideKind[KIND.IMPORT] = choices.imports === 'hide';
  hideKind[KIND.PROCESS] = choices.processes === 'hide';
  hideKind[KIND.THREAD] = choices.threads === 'hide';
  hideKind[KIND.ALLOCATOR] = choices.allocators === 'hide';
  const byFrame = new Uint8Array(frames.count);
  const native = new Uint8Array(frames.count);
  for (let f = 1; f < frames.count; f++) {
    byFrame[f] = hideKind[frames.kind[f]] || matches.some(matched => matched[f]) ? 1 : 0;
    native[f] = frames.kind[f] === KIND.NATIVE
      && (choices.native === 'hide' || (choices.native === 'some' && frames.package[f] === INTERPRETER)) ? 1 : 0;
  }
  const hidden = new Uint8Array(count);
  if (profile.smaller) return hidden;       // a first view has none of them
  const start = choices.startup === 'hide' && startup.includes(1);
  const imported = choices.imported === 'hide' && importedNodes(profile);
  if (!start && !imported && !byFrame.includes(1) && !native.includes(1)) return hidden;
  for (let i = 1; i < count; i++) {
    const f = frame[i];
    // C code not called from Python keeps its outermost box, so that its memory stays visible.
    hidden[i] = byFrame[f] || (imported && imported[i]) || (start && startup[i]) || (native[f] && !(alone[i] && !alone[parent[i]])) ? 1 : 0;
  }
  return hidden;
}
