'use strict';
// data.js - the page's packed columns, as typed arrays. pack.h describes them.

/**
 * The call tree, a "profile" everywhere: nodes depth first, node 0 is the root.
 *
 * title, command: texts; inverted: how to open; stacks: how many different ones
 * units: of each weight, 'bytes', 'allocations', ...; weights: what each is called
 * difference: of two inputs. Then the weights are the larger of both, before, and after
 * frames: {count, name: [], file: [], module: [], line, kind, text: []}
 * count: of nodes; per node: parent (the root's is -1), end (one past the last
 * node below), frame; and per weight, self (what it holds) and total (with all below)
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

  /** The hot loop: millions of numbers, most of them of one byte. */
  column(array) {
    const { bytes } = this;
    let { at } = this;
    for (let i = 0; i < array.length; i++) {
      let byte = bytes[at++];
      let value = byte & 127;
      for (let unit = 128; byte & 128; unit *= 128) {
        byte = bytes[at++];
        value += (byte & 127) * unit;
      }
      array[i] = value;
    }
    this.at = at;
    return array;
  }

  texts() {
    const count = this.number();
    const size = this.number();
    const text = new TextDecoder().decode(this.bytes.subarray(this.at, this.at + size));
    this.at += size;
    return text.split('\n', count);
  }
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
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('deflate-raw'));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

function readFrames(reader, texts) {
  const count = reader.number();
  const column = () => reader.column(new Int32Array(count));
  const named = () => Array.from(column(), number => texts[number]);
  return { count, name: named(), file: named(), module: named(), line: column(), kind: column(), text: [] };
}

function readNodes(reader, profile) {
  const count = profile.count = reader.number();
  const up = reader.column(new Int32Array(count));
  profile.frame = reader.column(new Int32Array(count));
  profile.self = profile.units.map(() => reader.column(new Float64Array(count)));
  const parent = profile.parent = new Int32Array(count);
  parent[0] = -1;
  for (let i = 1; i < count; i++) {
    let node = i - 1;
    for (let levels = up[i]; levels > 0; levels--) node = parent[node];
    parent[i] = node;
  }
}

/**
 * What a difference is drawn by: each stack as wide as the larger of its two sides. So what
 * vanished has a width, and what is new. What the three weights are called.
 */
function addLarger(profile) {
  const { units, self } = profile;
  const [before, after] = self;
  self.unshift(before.map((amount, i) => Math.max(amount, after[i])));
  units.unshift(units[0]);
  return ['larger', 'before', 'after'];
}

/** What follows from the columns: totals, and where each subtree ends. */
function sumUp(profile) {
  const { count, parent } = profile;
  const end = profile.end = new Int32Array(count);
  for (let i = count - 1; i >= 0; i--) {
    if (!end[i]) end[i] = i + 1;
    if (i && end[i] > end[parent[i]]) end[parent[i]] = end[i];
  }
  profile.total = profile.self.map(self => {
    const total = self.slice();
    for (let i = count - 1; i > 0; i--) total[parent[i]] += total[i];
    return total;
  });
}

/** From the text of the data element. */
async function readProfile(text) {
  const reader = new ColumnReader(await inflate(fromBase64(text.trim())));
  const version = reader.number();
  if (version !== 1) throw new Error(`the page's data has version ${version}, its scripts read 1`);
  const flags = reader.number();
  const texts = reader.texts();
  // In the columns' order: each reads on.
  const profile = {
    inverted: (flags & 1) === 1,
    difference: (flags & 2) === 2,
    title: texts[reader.number()],
    command: texts[reader.number()],
    stacks: reader.number(),
    units: Array.from({ length: reader.number() }, () => texts[reader.number()]),
    frames: readFrames(reader, texts),
  };
  readNodes(reader, profile);
  profile.weights = profile.difference ? addLarger(profile) : profile.units;
  sumUp(profile);
  return profile;
}
