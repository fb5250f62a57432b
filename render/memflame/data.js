'use strict';
// data.js - the page's packed columns, as typed arrays. pack.h describes them.

/** The call tree as it was packed: nodes depth first, the root is node 0. */
class Profile {
  constructor() {
    this.title = '';
    this.command = '';
    this.inverted = false;
    this.stacks = 0;
    this.units = [];      // of each weight: 'bytes', 'allocations', ...
    this.frames = null;   // {count, name: [], file: [], module: [], line, kind, text: []}
    this.count = 0;       // of nodes
    this.parent = null;   // Int32Array; the root's is -1
    this.end = null;      // Int32Array: one past the last node below
    this.frame = null;    // Int32Array
    this.self = [];       // per weight a Float64Array: what the node itself holds
    this.total = [];      // the same with all below it
  }
}

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
  if (!globalThis.DecompressionStream) throw new Error('this page needs a browser of 2023 or later');
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

/** The text of the page's data element to a Profile. */
async function readProfile(text) {
  const reader = new ColumnReader(await inflate(fromBase64(text.trim())));
  performance.mark('inflated');
  const version = reader.number();
  if (version !== 1) throw new Error(`the page's data has version ${version}, its scripts read 1`);
  const profile = new Profile();
  profile.inverted = reader.number() === 1;
  const texts = reader.texts();
  profile.title = texts[reader.number()];
  profile.command = texts[reader.number()];
  profile.stacks = reader.number();
  profile.units = Array.from({ length: reader.number() }, () => texts[reader.number()]);
  profile.frames = readFrames(reader, texts);
  readNodes(reader, profile);
  performance.mark('read');
  sumUp(profile);
  performance.mark('summed');
  return profile;
}
