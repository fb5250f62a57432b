'use strict';
// export.js - the current view on paper and in files

const PAPER_WIDTH = 1400;   // of pictures and prints, CSS pixels
const PICTURE_BOXES = 20000;
const SVG = ['http:', '', 'www.w3.org', '2000', 'svg'].join('/');     // a namespace, not an address

function escapeXml(text) {
  return text.replace(/[&<>"\u0000-\u001f]/g, c => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' }[c] || ' '));
}

/** The part of a canvas's context that Painter needs, writing SVG. */
class SvgContext {
  constructor() {
    this.parts = [];
    this.fillStyle = this.strokeStyle = '';
    this.lineWidth = 1;
  }

  setTransform() {}

  measureText(text) {
    return { width: text.length * 7.2 };
  }

  fillRect(x, y, width, height) {
    this.parts.push(`<rect x="${+x.toFixed(2)}" y="${+y.toFixed(2)}" width="${+width.toFixed(2)}" height="${+height.toFixed(2)}" fill="${this.fillStyle}"/>`);
  }

  strokeRect(x, y, width, height) {
    if (width > 0) this.parts.push(`<rect x="${+x.toFixed(2)}" y="${+y.toFixed(2)}" width="${+width.toFixed(2)}" height="${+height.toFixed(2)}" fill="none" stroke="${this.strokeStyle}" stroke-width="${this.lineWidth}"/>`);
  }

  fillText(text, x, y) {
    this.parts.push(`<text x="${+x.toFixed(2)}" y="${+(y + 4).toFixed(2)}" fill="${this.fillStyle}">${escapeXml(text)}</text>`);
  }
}

/** The whole current view with all its rows, in light colours. */
function pictureOf(app) {
  const { roots, tree, zoom, profile } = app;
  const layout = root => new Layout(tree, app.rootOf(zoom) === root ? zoom : root, PAPER_WIDTH, PICTURE_BOXES);
  const scene = new Scene({ callers: roots.callers && layout(roots.callers), callees: layout(roots.callees) }, app.state.direction === 'flame');
  const view = Object.create(app, {
    scene: { value: scene },
    palette: { value: PALETTES.light },
    colours: { value: new Colours(app.grouping, app.packages, PALETTES.light, app.state.colour) },
    selected: { value: null },
    hovered: { value: null },
  });
  const painter = Object.create(Painter.prototype);
  painter.context = new SvgContext();
  painter.scale = 1;
  painter.width = PAPER_WIDTH;
  painter.height = scene.rows.length * ROW;
  const head = 26;
  painter.paint(view, 0);
  app.arrange();      // restore the boxes' positions on the screen
  const [amount] = profile.units.map((unit, w) => amountText(profile.total[w][0], unit));
  const title = [byId('title').textContent, profile.difference ? byId('figures').textContent : amount, byId('when').textContent, profile.command].filter(Boolean).join(' · ');
  return `<svg xmlns="${SVG}" viewBox="0 0 ${PAPER_WIDTH} ${painter.height + head}" width="${PAPER_WIDTH}" height="${painter.height + head}" font-family="ui-monospace, Menlo, Consolas, monospace" font-size="12">`
    + `<rect width="100%" height="100%" fill="#fff"/><text x="4" y="17" font-weight="bold">${escapeXml(cutText(title, 190))}</text>`
    + `<g transform="translate(0 ${head})">${painter.context.parts.join('')}</g></svg>`;
}

/** The table of functions, with all rows and exact numbers. */
function csvOf(app) {
  const { profile, grouping } = app;
  const quoted = text => `"${String(text).replace(/"/g, '""')}"`;
  const unit = profile.units[app.state.weight];
  const rows = app.functions.rows().map(row => [quoted(grouping.name(row.group)), quoted(row.place), row.self, row.total, row.count]);
  return [['function', 'place', `self ${unit}`, `total ${unit}`, 'allocations'].map(quoted), ...rows].map(row => row.join(',')).join('\n') + '\n';
}

/** The current tree from the zoomed box on, one line per stack. */
function foldedOf(app) {
  const { tree, zoom, state: { weight } } = app;
  const label = box => app.fullNameOf(box).replace(/[;\\]/g, c => `\\x${c.charCodeAt(0).toString(16)}`);
  const lines = [];
  const pending = [[zoom, zoom.parent ? label(zoom) : '']];
  while (pending.length) {
    const [box, path] = pending.pop();
    const self = box.sources ? 0 : tree.selfOf(box, weight);
    const children = tree.childrenOf(box);
    if (path && (self || (box.sources && !children.length))) lines.push(`${path} ${box.sources ? tree.value(box) : self}`);
    else if (!path && self) lines.push(`[hidden] ${self}`);
    for (const child of children) pending.push([child, path ? `${path};${label(child)}` : label(child)]);
  }
  return lines.map(line => `${line}\n`).join('');
}

function download(name, parts, type) {
  const url = URL.createObjectURL(parts instanceof Blob ? parts : new Blob([parts], { type }));
  const link = make('a', { href: url, download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 10000);
}

function save(app, what) {
  switch (what) {
    case 'svg': download('memory.svg', pictureOf(app), 'image/svg+xml'); break;
    case 'csv': download('memory.csv', csvOf(app), 'text/csv'); break;
    case 'folded': download('memory.folded', foldedOf(app), 'text/plain'); break;
    case 'png': byId('canvas').toBlob(blob => download('memory.png', blob)); break;
    case 'print': print(); break;
  }
}

/** Prints the whole view, not only the part visible in the window. */
function bindPrint(app) {
  addEventListener('beforeprint', () => {
    const picture = new DOMParser().parseFromString(pictureOf(app), 'image/svg+xml');
    byId('paper').replaceChildren(document.importNode(picture.documentElement, true));
    document.documentElement.style.colorScheme = 'light';
  });
  addEventListener('afterprint', () => {
    byId('paper').replaceChildren();
    document.documentElement.style.colorScheme = app.state.theme;
  });
}
