'use strict';
// search.js - the frames that a regexp matches, and the memory of the stacks with such a frame

/** Returns a regexp from typed text; null if it is not valid. */
function toRegExp(source) {
  try {
    return source ? new RegExp(source, 'i') : null;
  } catch {
    return null;
  }
}

/** Returns a regexp that matches this text literally. */
function literalPattern(text) {
  return text.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&');
}

/** Whether matching could take more than quadratic time: the regexp repeats more than one part. */
function mayBacktrack(source) {
  const plain = source.replace(/\\./g, 'x').replace(/\[[^\]]*\]/g, 'x');
  return (plain.match(/[*+]|\{\d+,/g) || []).length > 1 || /\)[*+?{]/.test(plain) || /\\[1-9k]/.test(source);
}

const PATIENCE = 1000;      // ms for a regexp

const WORKER = `onmessage = ({ data: { texts, source } }) => {
  const test = new RegExp(source, 'i');
  postMessage(Uint8Array.from(texts, text => (test.test(text) ? 1 : 0)));
};`;

/** Frames that regexps match, cached. A regexp that could take forever runs in a worker, for a second at most. */
class Matcher {
  /** ready() is called when a worker has finished or was stopped. */
  constructor(frames, ready) {
    this.frames = frames;
    this.ready = ready;
    this.found = new Map();   // source -> Uint8Array per frame, 'bad', 'pending' or 'slow'
  }

  of(source) {
    if (!this.found.has(source)) {
      const pattern = toRegExp(source);
      if (!pattern) this.found.set(source, 'bad');
      else if (mayBacktrack(source)) this.findElsewhere(source);
      else this.found.set(source, this.match(pattern));
      if (this.found.size > 200) this.found.delete(this.found.keys().next().value);
    }
    return this.found.get(source);
  }

  /** Returns the arrays of those regexps whose results are known. */
  all(sources) {
    return sources.map(source => this.of(source)).filter(found => found instanceof Uint8Array);
  }

  match(pattern) {
    const { frames } = this;
    const matched = new Uint8Array(frames.count);
    for (let f = 1; f < frames.count; f++) if (pattern.test(frameText(frames, f))) matched[f] = 1;
    return matched;
  }

  findElsewhere(source) {
    this.found.set(source, 'pending');
    const texts = Array.from({ length: this.frames.count }, (_, f) => (f ? frameText(this.frames, f) : ''));
    const finish = found => {
      clearTimeout(timer);
      worker.terminate();
      URL.revokeObjectURL(url);
      this.found.set(source, found);
      this.ready();
    };
    const url = URL.createObjectURL(new Blob([WORKER], { type: 'text/javascript' }));
    const worker = new Worker(url);
    const timer = setTimeout(() => finish('slow'), PATIENCE);
    worker.onmessage = ({ data }) => {
      data[0] = 0;
      finish(data);
    };
    worker.onerror = () => finish('slow');
    worker.postMessage({ texts, source });
  }
}

class Search {
  /** hidden: a flag per node; frames of hidden nodes only are not found, but counted in hiddenFrames. */
  constructor(profile, grouping, hidden, matcher, source) {
    this.source = source;
    this.profile = profile;
    this.hidden = hidden;
    const found = source ? matcher.of(source) : null;
    this.state = typeof found === 'string' ? found : '';    // 'bad', 'pending', 'slow'
    this.active = found instanceof Uint8Array;
    this.frames = 0;
    this.hiddenFrames = 0;    // matching frames that are shown nowhere
    this.amounts = profile.units.map(() => 0);
    this.groups = new Uint8Array(grouping.count);
    if (!this.active) return;
    this.matched = found;
    this.addUp();
    const { of } = grouping;
    this.seen.forEach((seen, f) => {
      if (!found[f]) return;
      if (seen) {
        this.frames++;
        this.groups[of[f]] = 1;
      } else this.hiddenFrames++;
    });
  }

  /** Counts each stack once, at its outermost match, and lists the nodes that match. */
  addUp() {
    const { profile: { count, frame, end, total, frames }, hidden, matched, amounts } = this;
    const seen = this.seen = new Uint8Array(frames.count);
    const nodes = new Int32Array(count);
    let n = 0;
    let covered = 0;    // nodes before this one are counted
    for (let i = 1; i < count; i++) {
      const f = frame[i];
      if (!matched[f] || hidden[i]) continue;
      seen[f] = 1;
      nodes[n++] = i;
      if (i < covered) continue;
      for (let w = 0; w < total.length; w++) amounts[w] += total[w][i];
      covered = end[i];
    }
    this.nodes = nodes.subarray(0, n);
  }

  hits(box) {
    return this.active && box.group >= 0 && this.groups[box.group] === 1;
  }

  // ---- matches that are not drawn

  /** Whether a node or one below it matches. */
  isIn(node) {
    const { nodes } = this;
    let low = 0;
    for (let high = nodes.length; low < high;) {
      const middle = (low + high) >> 1;
      if (nodes[middle] < node) low = middle + 1;
      else high = middle;
    }
    return nodes[low] < this.profile.end[node];
  }

  /** For each node, whether it or a caller matches; computed when first needed. */
  get above() {
    const { profile: { count, parent }, nodes } = this;
    const above = new Uint8Array(count);
    for (const node of nodes) above[node] = 1;
    for (let i = 1; i < count; i++) above[i] |= above[parent[i]];
    Object.defineProperty(this, 'above', { value: above });
    return above;
  }

  /** Whether a box or a box beyond it matches. */
  holds(box) {
    if (!this.active || !this.frames) return false;
    if (box.matching && box.matching.search === this) return box.matching.share > 0;
    for (let k = box.from; k < box.to; k++) {
      const node = box.nodes[k];
      if (box.sources ? this.above[node] : this.isIn(node)) return true;
    }
    return false;
  }

  /** The share of a rest, 0 to 1, in boxes that contain a match. Cached in the box. */
  shareOf(rest, tree) {
    if (!this.active || !this.frames) return 0;
    if (!rest.matching || rest.matching.search !== this) {
      let matching = 0;
      for (const child of tree.childrenOf(rest)) if (this.holds(child)) matching += tree.value(child);
      rest.matching = { search: this, share: matching / (tree.value(rest) || 1) };
    }
    return rest.matching.share;
  }
}
