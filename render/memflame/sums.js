'use strict';
// sums.js - the amounts of each node in the kept stacks, its own and in total

/** Returns for each node whether its stack has all of `keep` and none of `drop` (flags per frame); null if all have. */
function keptNodes(profile, keep, drop) {
  if (!keep.length && !drop.length) return null;
  const { count, frame, parent } = profile;
  const kept = new Uint8Array(count);
  const wanted = (1 << keep.length) - 1;
  const has = new Int32Array(count);      // a bit for each array of keep; -1: dropped
  for (let i = 1; i < count; i++) {
    const f = frame[i];
    let bits = has[parent[i]];
    if (bits >= 0) {
      for (let k = 0; k < keep.length; k++) if (keep[k][f]) bits |= 1 << k;
      for (const dropped of drop) if (dropped[f]) bits = -1;
    }
    has[i] = bits;
    kept[i] = bits === wanted ? 1 : 0;
  }
  return kept;
}

/** The same for a difference, without stacks that have nothing after. */
function withoutVanished(profile, kept) {
  const [, , after] = profile.held;
  return Uint8Array.from(after, (amount, i) => (amount && (!kept || kept[i]) ? 1 : 0));
}

/** Sets self to `held` of the kept nodes, total to self with all descendants, whole to the sum of all held. */
function addUp(profile, held, kept) {
  const { count, parent } = profile;
  profile.self = kept ? held.map(amounts => amounts.map((amount, i) => (kept[i] ? amount : 0))) : held;
  profile.self.forEach((self, w) => profile.total[w].set(self));
  const [first, second, ...others] = profile.total;
  if (second) addPair(parent, first, second);
  for (const total of second ? others : [first]) for (let i = count - 1; i > 0; i--) total[parent[i]] += total[i];
  profile.whole = kept ? held.map(amounts => amounts.reduce((sum, amount) => sum + amount, 0)) : profile.total.map(total => total[0]);
}

/** Adds both amounts of each node to its parent's: in one loop, as reading parents takes as long as adding. */
function addPair(parent, first, second) {
  for (let i = parent.length - 1; i > 0; i--) {
    const to = parent[i];
    first[to] += first[i];
    second[to] += second[i];
  }
}

/** Whose code memory is allocated by: the package of each node's frame, or of its nearest shown caller. */
class Owners {
  constructor(profile, hidden) {
    const { count, frame, parent, frames } = profile;
    this.names = [...new Set(frames.package)];
    const numbers = new Map(this.names.map((name, n) => [name, n]));
    // Of each frame and node, the index into names, plus 1; 0: nobody's.
    const ofFrame = this.ofFrame = Uint16Array.from(frames.package, name => numbers.get(name) + 1);
    ofFrame[0] = 0;
    this.of = null;
    if (!hidden.includes(1)) return;
    const of = this.of = new Uint16Array(count);
    for (let i = 1; i < count; i++) of[i] = hidden[i] ? of[parent[i]] : ofFrame[frame[i]];
  }

  /** Returns a Map from package to its own amount, in one weight. */
  amounts(profile, weight) {
    const { of, ofFrame, names } = this;
    const { count, frame } = profile;
    const self = profile.self[weight];
    const sums = new Float64Array(names.length + 1);
    if (of) for (let i = 1; i < count; i++) sums[of[i]] += self[i];
    else for (let i = 1; i < count; i++) sums[ofFrame[frame[i]]] += self[i];
    return new Map(names.map((name, n) => [name, sums[n + 1]]).filter(([, amount]) => amount));
  }
}
