'use strict';
// search.js - which frames a regexp matches, and what the stacks with such a frame hold

class Search {
  /** hidden: frames that are looked through are not found either. */
  constructor(profile, grouping, hidden, source) {
    this.source = source;
    this.pattern = toRegExp(source);
    this.bad = Boolean(source) && !this.pattern;
    this.active = Boolean(this.pattern);
    this.frames = 0;
    this.amounts = profile.units.map(() => 0);
    this.groups = new Uint8Array(grouping.count);
    if (!this.active) return;
    const matched = this.match(profile.frames, hidden);
    this.addUp(profile, matched);
    matched.forEach((hit, f) => {
      if (hit) this.groups[grouping.of[f]] = 1;
    });
  }

  match(frames, hidden) {
    const matched = new Uint8Array(frames.count);
    for (let f = 1; f < frames.count; f++) {
      if (!hidden[f] && this.pattern.test(frameText(frames, f))) {
        matched[f] = 1;
        this.frames++;
      }
    }
    return matched;
  }

  /** The outermost match of a stack counts for all below it: nothing is counted twice. */
  addUp(profile, matched) {
    const { count, frame, end, total } = profile;
    for (let i = 1; i < count;) {
      if (!matched[frame[i]]) {
        i++;
        continue;
      }
      for (let w = 0; w < total.length; w++) this.amounts[w] += total[w][i];
      i = end[i];
    }
  }

  hits(box) {
    return this.active && box.group >= 0 && this.groups[box.group] === 1;
  }
}
