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
  profile.self.forEach((self, w) => {
    const total = profile.total[w];
    total.set(self);
    for (let i = count - 1; i > 0; i--) total[parent[i]] += total[i];
  });
  profile.whole = kept ? held.map(amounts => amounts.reduce((sum, amount) => sum + amount, 0)) : profile.total.map(total => total[0]);
}

/** Returns a Map from package to the own amounts of its shown frames, in one weight. */
function heldByPackage(profile, hidden, weight) {
  const { count, frame, parent, frames } = profile;
  const self = profile.self[weight];
  const shown = new Int32Array(count);    // per node, itself or its nearest shown caller
  const byFrame = new Float64Array(frames.count);
  for (let i = 1; i < count; i++) {
    shown[i] = hidden[i] ? shown[parent[i]] : i;
    byFrame[frame[shown[i]]] += self[i];
  }
  const amounts = new Map();
  byFrame.forEach((amount, f) => {
    if (amount && f) amounts.set(frames.package[f], (amounts.get(frames.package[f]) || 0) + amount);
  });
  return amounts;
}
