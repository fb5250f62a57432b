'use strict';
// tree.js - one merged tree for every view, made only as far as it is needed
//
// A box represents many nodes of the profile: those whose paths are equal once
// hidden frames are left out and frames are grouped, by function for example. Its
// children are made when first needed, by grouping the children (going down) or
// the callers (going up) of those nodes. So hiding other frames, or changing the
// direction, needs only a new root.

class Box {
  constructor(parent, group) {
    this.parent = parent;
    this.group = group;     // of the Grouping; -1: the rest of its parent's children
    this.amounts = [0, 0, 0, 0];    // per weight
    this.nodes = null;      // Int32Array: its nodes of the profile are from `from` to before `to`
    this.sources = null;    // going up: for each of those, the node whose amount it carries
    this.from = 0;
    this.to = 0;
    this.amountOf = null;   // going up: per weight, the profile's self or total
    this.children = null;
    this.rest = null;       // {from, to}: of the parent's children
    this.twin = null;       // sandwich: the function's box in the other half
    this.x = 0;             // set by Layout, as width; row is set by Scene
    this.width = 0;
    this.row = 0;
  }
}

class MergedTree {
  /**
   * options: grouping (Grouping), hidden (a flag per node), weight (index into the profile's
   * weights), recursion (true: direct recursion is merged into one box), packages (true: where a
   * function calls one of another package, there is a box for that package between them)
   */
  constructor(profile, options) {
    Object.assign(this, options);
    this.profile = profile;
    this.slot = new Int32Array(this.grouping.count).fill(-1);
    this.scratch = { nodes: new Int32Array(1024), sources: new Int32Array(1024) };
    this.numbers = new Int32Array(1024);
    this.boxes = [];        // merge()'s, as many as it says
    this.pool = null;       // the nodes of boxes, many boxes to an array
    this.used = 0;
  }

  value(box) {
    return box.amounts[this.weight];
  }

  // ---- roots

  /** Everything, outermost frames first. */
  root() {
    const box = this.all();
    box.nodes = Int32Array.of(0);
    box.to = 1;
    return box;
  }

  /** Everything, allocating functions first, their callers below. */
  invertedRoot() {
    const { profile, scratch } = this;
    const box = this.all();
    const amount = profile.self[this.weight];
    let n = 0;
    for (let i = 1; i < profile.count; i++) {
      if (!amount[i]) continue;
      const node = this.visibleFrom(i, -1);
      if (node > 0) n = this.note(n, node, i);
    }
    box.amountOf = profile.self;
    box.children = this.merge(box, scratch.nodes, scratch.sources, 0, n);
    return box;
  }

  /** One function: {callers, callees}, two boxes of it, whose children are its callers and its callees. */
  sandwich(group) {
    const { profile, grouping } = this;
    const found = [];
    for (let i = 1; i < profile.count;) {
      const here = grouping.of[profile.frame[i]] === group;
      if (here) found.push(i);
      i = here ? profile.end[i] : i + 1;
    }
    const callees = new Box(null, group);
    const callers = new Box(null, group);
    callees.nodes = callers.nodes = callers.sources = Int32Array.from(found);
    callees.to = callers.to = found.length;
    callers.amountOf = profile.total;
    callees.amounts = profile.total.map(total => found.reduce((sum, node) => sum + total[node], 0));
    callers.amounts = callees.amounts;
    callers.twin = callees;
    callees.twin = callers;
    return { callers, callees };
  }

  all() {
    const box = new Box(null, this.grouping.of[0]);
    box.amounts = this.profile.total.map(total => total[0]);
    return box;
  }

  // ---- children

  /** The boxes of the next level, largest first. Empty ones are left out. */
  childrenOf(box) {
    if (!box.children) {
      box.children = box.rest ? this.childrenOf(box.parent).slice(box.rest.from, box.rest.to)
        : this.grouping.isPackage(box.group) ? this.merge(box, box.nodes, box.sources, box.from, box.to)
        : box.sources ? this.callersOf(box) : this.calleesOf(box);
    }
    return box.children;
  }

  /** Makes one box of some of a box's children that are too thin to be drawn. */
  restOf(box, from, to) {
    const rest = new Box(box, -1);
    rest.rest = { from, to };
    for (const child of this.childrenOf(box).slice(from, to)) {
      for (let w = 0; w < this.profile.units.length; w++) rest.amounts[w] += child.amounts[w];
    }
    return rest;
  }

  /** The number of children; in a first view, the last box may represent many. */
  countOf(children) {
    const last = children[children.length - 1];
    return children.length - 1 + (this.profile.smaller && last.group === 0 ? this.profile.smaller[last.nodes[last.from]] : 1);
  }

  calleesOf(box) {
    const { end, total } = this.profile;
    const amount = total[this.weight];
    let n = 0;
    for (let k = box.from; k < box.to; k++) {
      const node = box.nodes[k];
      // Nodes are in depth-first order: step into a hidden node, and over the descendants of a shown one.
      for (let i = node + 1; i < end[node];) {
        if (this.isTransparent(i, box.group)) {
          i++;
          continue;
        }
        if (amount[i]) n = this.note(n, i, i);
        i = end[i];
      }
    }
    return this.merge(box, this.scratch.nodes, null, 0, n);
  }

  callersOf(box) {
    const { parent } = this.profile;
    let n = 0;
    for (let i = box.from; i < box.to; i++) {
      const node = this.visibleFrom(parent[box.nodes[i]], box.group);
      if (node > 0) n = this.note(n, node, box.sources[i]);
    }
    return this.merge(box, this.scratch.nodes, this.scratch.sources, 0, n);
  }

  isTransparent(node, group) {
    return this.hidden[node] === 1 || (this.recursion && this.grouping.of[this.profile.frame[node]] === group);
  }

  /** Returns this node or its nearest shown caller; 0 if there is none. */
  visibleFrom(node, group) {
    const { parent } = this.profile;
    while (node > 0 && this.isTransparent(node, group)) node = parent[node];
    return node;
  }

  note(n, node, source) {
    const { scratch } = this;
    if (n === scratch.nodes.length) {
      for (const name of ['nodes', 'sources']) {
        const longer = new Int32Array(2 * n);
        longer.set(scratch[name]);
        scratch[name] = longer;
      }
    }
    scratch.nodes[n] = node;
    scratch.sources[n] = source;
    return n + 1;
  }

  /** Returns an array for n numbers, valid until the next call. */
  numbersFor(n) {
    if (n > this.numbers.length) this.numbers = new Int32Array(2 * n);
    return this.numbers;
  }

  /** Returns where n numbers fit into the pool. Thousands of small arrays would take most of the time. */
  room(n) {
    if (!this.pool || this.used + n > this.pool.length) {
      this.pool = new Int32Array(Math.max(n, 1 << 16));
      this.used = 0;
    }
    const at = this.used;
    this.used += n;
    return at;
  }

  /** Makes one box per group of the nodes between `from` and `to`; without sources (going down) nodes carry their totals. */
  merge(parent, nodes, sources, from, to) {
    const { slot, weight, grouping, boxes } = this;
    const { of, packageOf } = grouping;
    const { frame, total } = this.profile;
    // Below a function, those of other packages are in a box of their package.
    const here = this.packages && !grouping.isPackage(parent.group) ? packageOf[parent.group] : null;
    const numbers = this.numbersFor(to - from);
    const amountOf = sources ? parent.amountOf : total;
    const carriers = sources || nodes;
    let count = 0;
    for (let i = from; i < to; i++) {
      let group = of[frame[nodes[i]]];
      if (here !== null && packageOf[group] >= 0 && packageOf[group] !== here) group = packageOf[group];
      if (slot[group] < 0) {
        slot[group] = count;
        boxes[count++] = new Box(parent, group);
      }
      numbers[i - from] = slot[group];
      boxes[slot[group]].to++;
    }
    const at = this.room((to - from) * (sources ? 2 : 1));
    const { pool } = this;
    const own = sources && pool.subarray(to - from);      // sources have the places after those of the nodes
    let next = at;
    for (let k = 0; k < count; k++) {
      const box = boxes[k];
      const size = box.to;
      box.nodes = pool;
      if (sources) box.sources = own;
      box.amountOf = sources ? amountOf : null;
      box.from = box.to = next;
      next += size;
    }
    const [first, second, third, fourth] = amountOf;
    for (let i = from; i < to; i++) {
      const box = boxes[numbers[i - from]];
      pool[box.to] = nodes[i];
      if (sources) own[box.to] = sources[i];
      box.to++;
      box.amounts[0] += first[carriers[i]];
      if (second) box.amounts[1] += second[carriers[i]];
      if (third) {
        box.amounts[2] += third[carriers[i]];
        box.amounts[3] += fourth[carriers[i]];
      }
    }
    let shown = 0;
    for (let k = 0; k < count; k++) {
      slot[boxes[k].group] = -1;
      if (boxes[k].amounts[weight] > 0) boxes[shown++] = boxes[k];
    }
    const children = boxes.slice(0, shown);     // an array that has grown has room for more: half of all memory here
    // Group 0: in a first view, the boxes that are too thin.
    return shown > 1 ? children.sort((a, b) => !a.group - !b.group || b.amounts[weight] - a.amounts[weight] || a.group - b.group) : children;
  }

  // ---- amounts and paths

  /** A box's amount that none of its children has, in one weight. */
  selfOf(box, weight) {
    return this.childrenOf(box).reduce((left, child) => left - child.amounts[weight], box.amounts[weight]);
  }

  /**
   * Returns a box's path from its root for a link. It consists of names, so that it also works in the
   * page of another recording. "name~2" is the second largest child of that name, "~3-9" a rest.
   */
  pathOf(box) {
    const steps = [];
    for (; box.parent; box = box.parent) {
      steps.push(box.rest ? `~${box.rest.from}-${box.rest.to}` : this.stepOf(box));
    }
    return steps.reverse().join('/');
  }

  stepOf(box) {
    const name = this.grouping.name(box.group);
    const alike = this.childrenOf(box.parent).filter(other => this.grouping.name(other.group) === name);
    const number = alike.findIndex(other => other.group === box.group);
    return escapeStep(name) + (number > 0 ? `~${number + 1}` : '');
  }

  /** Returns the box at that path, or the last existing one along it. */
  find(root, path) {
    let box = root;
    for (const step of path ? path.split('/') : []) {
      const next = this.step(box, step);
      if (!next) break;
      box = next;
    }
    return box;
  }

  step(box, step) {
    const range = step.match(/^~(\d+)-(\d+)$/);
    if (!range) {
      const [, name, number] = step.match(/^([^~]*)(?:~(\d+))?$/) || [];
      if (name === undefined) return null;
      const alike = this.childrenOf(box).filter(child => escapeStep(this.grouping.name(child.group)) === name);
      return alike[(number || 1) - 1] || alike[0];
    }
    const from = Number(range[1]);
    const to = Math.min(Number(range[2]), this.childrenOf(box).length);
    return from < to ? this.restOf(box, from, to) : null;
  }
}

/** Escapes the characters in a name that have a meaning in a path. */
function escapeStep(name) {
  return name.replace(/[%/~]/g, c => `%${c.charCodeAt(0).toString(16)}`);
}
