'use strict';
// paint.js - paints the visible rows on a canvas, or by anything else that draws rectangles and texts (export.js)

const ROW = 20;             // CSS pixels
const PADDING = 4;
const FONT = '12px ui-monospace, Menlo, Consolas, monospace';

class Painter {
  constructor(canvas) {
    this.canvas = canvas;
    this.context = canvas.getContext('2d', { alpha: false });
    this.drawn = 0;         // boxes drawn by the last paint
  }

  resize(width, height) {
    const scale = this.scale = globalThis.devicePixelRatio || 1;
    const { canvas } = this;
    if (canvas.width !== Math.round(width * scale) || canvas.height !== Math.round(height * scale)) {
      canvas.width = Math.round(width * scale);
      canvas.height = Math.round(height * scale);
      canvas.style.width = `${width}px`;
      canvas.style.height = `${height}px`;
    }
    this.width = width;
    this.height = height;
  }

  /** view: App, or an object with its members and methods that painting uses (pictureOf() makes one). */
  paint(view, top) {
    const { context, scale } = this;
    this.view = view;
    context.setTransform(scale, 0, 0, scale, 0, 0);
    context.font = FONT;
    context.textBaseline = 'middle';
    context.direction = 'ltr';
    this.letter = context.measureText('0').width;
    context.fillStyle = view.palette.page;
    context.fillRect(0, 0, this.width, this.height);
    this.drawn = 0;
    const first = Math.max(0, Math.floor(top / ROW));
    const last = Math.min(view.scene.rows.length, Math.ceil((top + this.height) / ROW));
    for (let row = first; row < last; row++) {
      for (const box of view.scene.rows[row]) this.paintBox(box, row * ROW - top);
    }
    const pinned = view.scene.pinned(top, this.height);
    if (!pinned) return;
    context.fillStyle = view.palette.page;
    context.fillRect(0, pinned.y, this.width, ROW);
    for (const box of view.scene.rows[pinned.row]) this.paintBox(box, pinned.y);
  }

  paintBox(box, y) {
    const { context, scale, view } = this;
    const left = Math.max(-2, Math.round(box.x * scale) / scale);
    const right = Math.min(this.width + 2, Math.round((box.x + box.width) * scale) / scale);
    const width = Math.max(right - left - (right - left > 3 ? 1 : 0), 1 / scale);
    const look = this.lookOf(box);
    context.fillStyle = look.fill;
    context.fillRect(left, y, width, ROW - 1);
    if (look.share) this.tint(left, y, width, look.share);
    if (look.edge && width > 2) this.outline(left, y, width, look.edge, 1);
    if (box === view.hovered && width > 2) this.outline(left, y, width, view.palette.selected, 1);
    if (box === view.selected) this.outline(left, y, Math.max(width, 3), view.palette.selected, 2);
    if (width > 3 * this.letter + 2 * PADDING) this.paintLabel(box, Math.max(left, 0) + PADDING, y, width + Math.min(left, 0) - 2 * PADDING, look);
    this.drawn++;
  }

  /** Tints the part of a rest that contains matches. */
  tint(x, y, width, share) {
    const { context, view } = this;
    context.fillStyle = view.palette.match.fill;
    context.fillRect(x, y, Math.max(2, width * share), ROW - 1);
  }

  outline(x, y, width, colour, thickness) {
    const { context } = this;
    context.strokeStyle = colour;
    context.lineWidth = thickness;
    context.strokeRect(x + thickness / 2, y + thickness / 2, width - thickness, ROW - 1 - thickness);
  }

  lookOf(box) {
    const { palette, search, scene, tree } = this.view;
    if (box.rest) {
      const share = search.shareOf(box, tree);
      return share ? { ...palette.rest, share, edge: palette.match.edge, text: palette.match.text } : palette.rest;
    }
    if (search.hits(box)) return palette.match;
    if (box.twin) return palette.focus;
    if (scene.above.has(box) || (search.active && !scene.isLit(box, search))) return palette.dim;
    return { fill: this.view.fillOf(box), text: palette.text, quiet: palette.quiet };
  }

  /** Paints the name, then if there is room the place and, at the right, the amount. */
  paintLabel(box, x, y, room, look) {
    const { context, view } = this;
    const middle = y + ROW / 2;
    const [name, place] = view.labelOf(box);
    const shown = this.fit(name, room);
    context.fillStyle = look.text;
    context.fillText(shown, x, middle);
    let used = this.widthOf(shown) + this.letter;
    context.fillStyle = look.quiet || look.text;
    const where = place && shown === name && room - used > 4 * this.letter ? this.fit(place, room - used) : '';
    if (where) {
      context.fillText(where, x + used, middle);
      used += this.widthOf(where) + this.letter;
    }
    const amount = view.shortAmountOf(box);
    const wide = this.widthOf(amount);
    if (amount && shown === name && where === place && room - used > wide + 2 * this.letter) {
      context.fillText(amount, x + room - wide, middle);
    }
  }

  /** ASCII letters all have the same width; other characters are measured. */
  widthOf(text) {
    return /^[ -~…]*$/.test(text) ? text.length * this.letter : this.context.measureText(text).width;
  }

  fit(text, room) {
    // Cut to that many letters first: measuring a name of thousands of letters takes long.
    let letters = Math.floor(room / this.letter);
    if (text.length <= letters && this.widthOf(text) <= room) return text;
    for (;;) {
      const shown = cutText(text, Math.max(letters, 1));
      const width = this.widthOf(shown);
      if (width <= room || letters <= 1) return shown;
      letters = Math.min(letters - 1, Math.floor(letters * room / width));
    }
  }
}
