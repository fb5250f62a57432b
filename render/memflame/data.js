'use strict';
// data.js - unpacks the page's columns (pack.h) into typed arrays

/**
 * The call tree, called "profile" everywhere: nodes in depth-first order, node 0 is the root.
 *
 * about: the JSON object about the page (pack.h): title, command, ...; opening: changes to
 * the state that it opens with; facts: [name, text] from the header; warnings: lines
 * stacks: the number of different ones
 * hasSource: some frame has source code
 * units: of each weight, 'bytes', 'allocations', ...; weights: the name of each
 * difference: of two inputs. The weights are then the larger of both, before, after, and the change
 * inputs: of a difference, the names of both, if they are known
 * frames: {count, name: [], file: [], module: [], package: [], line, kind, source: [], before, native, text: [], root}
 * smaller: of a first view (first.h), per node: 0, or the number of thin boxes that it represents
 * count: of nodes; per node: parent (the root's is -1), end (one past the last
 * descendant), frame, startup, alone (markStarts()); and per weight
 *   held: its own amount in the input; self: the same if its stack is kept, else 0; total: self with all descendants
 * whole: per weight, the sum of held
 */

class ColumnReader {
  constructor(bytes) {
    this.bytes = bytes;
    this.at = 0;
  }

  number() {
    let value = 0;
    let unit = 1;
    for (;;) {
      const byte = this.bytes[this.at++];
      value += (byte & 127) * unit;
      if (!(byte & 128)) return value;
      unit *= 128;
    }
  }

  /** Millions of numbers: the lowest byte of each, then the second one of each, and so on. */
  column(array) {
    const n = array.length;
    const planes = this.bytes[this.at++];
    const add = array instanceof Float64Array ? addToNumbers : addToIntegers;
    for (let k = 0; k < planes; k++) {
      const plane = this.bytes.subarray(this.at, this.at += n);
      if (k) add(array, plane, 256 ** k);
      else array.set(plane);
    }
    return array;
  }

  /** A size, then that many bytes. */
  text() {
    const size = this.number();
    const text = new TextDecoder().decode(this.bytes.subarray(this.at, this.at + size));
    this.at += size;
    return withoutOverrides(text);
  }

  texts() {
    const count = this.number();
    return this.text().split('\n', count);
  }
}

// The same twice: a loop over arrays of one type is several times faster than one over either.
function addToNumbers(array, plane, unit) {
  for (let i = 0; i < plane.length; i++) array[i] += plane[i] * unit;
}

function addToIntegers(array, plane, unit) {
  for (let i = 0; i < plane.length; i++) array[i] += plane[i] * unit;
}

function fromBase64(text) {
  if (Uint8Array.fromBase64) return Uint8Array.fromBase64(text);
  const binary = atob(text);
  const bytes = new Uint8Array(binary.length);
  for (let i = 0; i < bytes.length; i++) bytes[i] = binary.charCodeAt(i);
  return bytes;
}

async function inflate(bytes) {
  if (!globalThis.DecompressionStream) throw new Error('this page needs a browser of 2024 or later');
  const stream = new DecompressionStream('deflate-raw');
  const writer = stream.writable.getWriter();
  writer.write(bytes);
  writer.close();
  return new Uint8Array(await new Response(stream.readable).arrayBuffer());
}

function readFrames(reader, texts, root) {
  const count = reader.number();
  const column = () => reader.column(new Int32Array(count));
  const named = () => Array.from(column(), number => texts[number]);
  const frames = { count, name: named(), file: named(), module: named(), package: named(), line: column(), kind: column(), source: named(), before: column(), text: [], root };
  frames.native = Uint8Array.from(frames.kind, kind => (kind === KIND.NATIVE || kind === KIND.NATIVE_IMPORT ? 1 : 0));
  frames.kind = frames.kind.map(kind => (kind === KIND.NATIVE_IMPORT ? KIND.IMPORT : kind));
  return frames;
}

function readNodes(reader, profile) {
  const count = profile.count = reader.number();
  const up = reader.column(new Int32Array(count));
  profile.frame = reader.column(new Int32Array(count));
  const { time, first } = profile.about;
  profile.self = profile.units.map(() => (time && !first ? new Float64Array(count) : reader.column(new Float64Array(count))));
  if (first) profile.smaller = reader.column(new Int32Array(count));
  findParents(profile, up);
}

/** Computes the parent of each node, and the end of its subtree. */
function findParents(profile, up) {
  const { count } = profile;
  const parent = profile.parent = new Int32Array(count);
  const end = profile.end = new Int32Array(count);
  const path = [-1];    // from before the root to the node
  let depth = 0;
  for (let i = 0; i < count; i++) {
    for (let levels = up[i]; levels > 0; levels--) end[path[depth--]] = i;
    parent[i] = path[depth];
    path[++depth] = i;
  }
  while (depth > 0) end[path[depth--]] = count;
}

/**
 * Adds the first and the last weight of a difference: the larger of each stack's two sides, so that both
 * vanished and new stacks have a width, and the change of each. Returns the names of the four weights.
 */
function addLarger(profile) {
  const { units, self, inputs } = profile;
  const [before, after] = self;
  self.unshift(before.map((amount, i) => Math.max(amount, after[i])));
  self.push(before.map((amount, i) => Math.abs(amount - after[i])));
  units.push(units[0], units[0]);
  return ['larger side', ...['before', 'after'].map((side, i) => side + (inputs ? ` (${inputs[i]})` : '')), 'change'];
}

/** Computes the total of each node; with time, those depend on the moment and are added up later. */
function sumUp(profile) {
  profile.held = profile.self;
  profile.total = profile.self.map(self => new Float64Array(self.length));
  if (!profile.time) addUp(profile, profile.held, null);
}

/** Returns the changes to the default state that the page opens with. */
function openingOf(profile) {
  const { about } = profile;
  const opening = {};
  if (profile.time) opening.mode = profile.time.mode;
  if (about.inverted) opening.view = 'inverted';
  if (!about.mixed) opening.native = 'show';
  if (about.processes) opening.processes = 'show';
  return opening;
}

/** Facts that come from a trace's events, not from its header. */
function timeFacts(time) {
  const facts = [['peak', `${amountText(time.most[time.highest], 'bytes')} at ${timeText(time.mostMs[time.highest])}`], ['ran', timeText(time.end)]];
  const resident = Math.max(...time.rss);
  if (resident) facts.splice(1, 0, ['peak resident', amountText(resident, 'bytes')]);
  return facts;
}

/** Reads the profile from the text of a data element. */
async function readProfile(text) {
  const reader = new ColumnReader(await inflate(fromBase64(text.trim())));
  const version = reader.number();
  if (version !== 4) throw new Error(`the page's data has version ${version}, its scripts read 4`);
  const about = JSON.parse(reader.text());
  // In the order of the columns: each reader continues where the last one stopped.
  const texts = reader.texts();
  const profile = {
    about,
    title: about.title,
    titled: Boolean(about.titled),
    command: about.command || '',
    difference: Boolean(about.difference),
    warnings: about.warnings || [],
    facts: about.facts || [],
    stacks: reader.number(),
    units: about.units,
    inputs: about.inputs,
    frames: readFrames(reader, texts, about.root),
  };
  readNodes(reader, profile);
  profile.time = about.time ? readTime(reader, profile) : null;
  profile.weights = profile.difference ? addLarger(profile) : profile.units;
  markStarts(profile);
  sumUp(profile);
  profile.opening = openingOf(profile);
  profile.hasSource = profile.frames.source.some(Boolean);
  if (profile.time) profile.facts.unshift(...timeFacts(profile.time));
  return profile;
}
