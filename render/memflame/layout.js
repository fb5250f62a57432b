'use strict';
// layout.js - the positions of boxes: rows of boxes, each within its parent's width

const MIN_WIDTH = 0.5;      // CSS pixels; thinner boxes are drawn as "N smaller"
const MAX_RESTS = 1000;
const REST_WIDTH = 140;     // a rest wider than two of these is divided, so that zooming into it helps

/**
 * Rows from a root through `zoom` to its visible descendants; `zoom` and its callers have the full width.
 * part: the visible part of that width, {from, to}, 0 to 1; boxes outside it are left out.
 */
class Layout {
  constructor(tree, zoom, width, limit, part = { from: 0, to: 1 }) {
    this.tree = tree;
    this.zoom = zoom;
    this.sight = width;
    this.width = width / (part.to - part.from);
    this.left = -part.from * this.width;
    this.rows = [];
    this.boxes = 0;
    this.cut = false;       // more rows exist, but `limit` boxes were exceeded
    for (let box = zoom; box; box = box.parent) {
      box.x = this.left;
      box.width = this.width;
      this.rows.unshift([box]);
    }
    this.above = this.rows.length - 1;    // rows of the zoomed box's callers
    this.addRows(limit);
  }

  addRows(limit) {
    const value = this.tree.value(this.zoom);
    if (!value) return;
    const scale = this.width / value;
    let row = this.rows[this.rows.length - 1];
    for (;;) {
      const next = [];
      for (const box of row) {
        if (!box.rest || box === this.zoom) this.placeChildren(box, scale, next);
      }
      if (!next.length) return;
      this.rows.push(next);
      this.boxes += next.length;
      row = next;
      if (this.boxes > limit) {
        this.cut = true;
        return;
      }
    }
  }

  placeChildren(box, scale, row) {
    const children = this.tree.childrenOf(box);
    let x = box.x;
    for (let i = 0; i < children.length; i++) {
      const child = children[i];
      const width = this.tree.value(child) * scale;
      if (x > this.sight) return;
      if (width < MIN_WIDTH || !child.group) {     // 0: of a first view, all that are
        this.placeRest(box, i, x, scale, row);
        return;
      }
      if (x + width >= 0) {
        child.x = x;
        child.width = width;
        row.push(child);
      }
      x += width;
    }
  }

  placeRest(box, from, x, scale, row) {
    const children = this.tree.childrenOf(box);
    const count = this.tree.countOf(children);
    let value = 0;
    for (let i = from; i < children.length; i++) value += this.tree.value(children[i]);
    const width = value * scale;
    if (width < MIN_WIDTH) return;
    const parts = Math.min(count - from, MAX_RESTS, Math.max(1, Math.floor(width / REST_WIDTH)));
    for (let k = 0; k < parts; k++) {
      const start = from + Math.floor((count - from) * k / parts);
      const stop = from + Math.floor((count - from) * (k + 1) / parts);
      const rest = this.tree.restOf(box, start, stop);
      rest.x = x;
      rest.width = this.tree.value(rest) * scale;
      if (x + rest.width >= 0 && x <= this.sight) row.push(rest);
      x += rest.width;
    }
  }
}

/** The rows from top to bottom, of one layout or of a sandwich's two. */
class Scene {
  /** halves: {callees} or {callers, callees}: Layouts. upward: flame, the root at the bottom. */
  constructor({ callers, callees }, upward) {
    this.upward = upward;
    this.isSandwich = Boolean(callers);
    // In a sandwich the function itself appears once, as the first row of the callees.
    const before = callers ? callers.rows.slice(1).reverse() : [];
    this.rows = before.concat(callees.rows);
    if (upward) this.rows.reverse();
    this.rows.forEach((row, y) => row.forEach(box => {
      box.row = y;
    }));
    if (callers) callers.rows[0][0].row = callees.rows[0][0].row;
    const layouts = callers ? [callers, callees] : [callees];
    this.boxes = layouts.reduce((sum, layout) => sum + layout.boxes, 0);
    this.cut = layouts.some(layout => layout.cut);
    /** The callers of the zoomed box. */
    this.above = new Set(layouts.flatMap(layout => layout.rows.slice(0, layout.above).map(row => row[0])));
  }

  /** If the root's row is out of sight, it is drawn at the edge: {row, y}; else null. */
  pinned(top, height) {
    if (this.isSandwich) return null;
    if (!this.upward) return top > 0 ? { row: 0, y: 0 } : null;
    const row = this.rows.length - 1;
    return (row + 1) * ROW > top + height ? { row, y: height - ROW } : null;
  }

  /** Whether a match calls the box. Computed once for each search. */
  isLit(box, search) {
    if (this.litBy !== search) {
      this.litBy = search;
      this.lit = new Set();
      // Callees follow in one direction, a sandwich's callers in the other.
      for (const rows of [this.rows, [...this.rows].reverse()]) {
        for (const other of rows.flat()) {
          if (other.parent && (this.lit.has(other.parent) || search.hits(other.parent))) this.lit.add(other);
        }
      }
    }
    return this.lit.has(box);
  }

  shows(box) {
    return (this.rows[box.row] || []).includes(box);
  }

  at(x, row) {
    const boxes = this.rows[row];
    if (!boxes) return null;
    let low = 0;
    let high = boxes.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (boxes[middle].x <= x) low = middle;
      else high = middle - 1;
    }
    const box = boxes[low];
    return box && x >= box.x && x < box.x + Math.max(box.width, 1) ? box : null;
  }

  /** The neighbour of a box: dx along its row, or dy towards its parent or its largest child. */
  neighbour(box, dx, dy) {
    if (dx) {
      const row = this.rows[box.row];
      return row[row.indexOf(box) + dx] || null;
    }
    const row = this.rows[box.row + dy] || [];
    return row.find(other => isChild(box, other) || isChild(other, box)) || null;
  }
}

function isChild(child, box) {
  if (box.rest) return Boolean(box.children) && box.children.includes(child);
  return child.parent === box || Boolean(child.parent && child.parent === box.twin);
}
