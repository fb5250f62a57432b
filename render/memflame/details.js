'use strict';
// details.js - the panel about one function: its figures, callers and callees, allocators and threads

const LISTED = 12;
const SOURCE_LINES = 60;

class Details {
  constructor(app) {
    this.app = app;
    this.element = byId('details');
  }

  update() {
    const { app } = this;
    if (app.state.details !== 'open') return;
    const box = app.selected || app.zoom;
    if (box === this.shown && app.tree === this.tree) return;
    this.shown = box;
    this.tree = app.tree;
    this.element.replaceChildren(...this.describe(box));
  }

  describe(box) {
    const { app } = this;
    const { grouping, profile } = app;
    const parts = [make('h2', {}, isolated(app.nameOf(box)))];
    const f = app.isCode(box) ? grouping.first[box.group] : 0;
    const place = box.rest ? '' : grouping.location(box.group);
    if (place) parts.push(make('div', { className: 'place' }, isolated(place)));
    if (profile.frames.module[f]) parts.push(make('div', { className: 'place' }, isolated(profile.frames.module[f])));
    if (f && profile.frames.package[f] !== OTHER) parts.push(make('div', {}, profile.frames.package[f]));
    if (f) parts.push(...this.source(box.group));
    parts.push(make('h3', {}, 'This box'), this.table(app.figuresOf(box)));
    const action = (text, run) => make('button', { type: 'button', onclick: run }, text);
    parts.push(make('div', { className: 'actions' },
      action('Copy name', () => copyText(app.fullNameOf(box))), action('Copy stack', () => copyText(app.stackOf(box).join('\n'))),
      ...(f ? [action('Callers and callees', () => app.sandwich(box))] : [])));
    if (f) parts.push(...this.everywhere(box));
    return parts;
  }

  /** The source code at the group's lines, each with its neighbours. */
  source(group) {
    const { grouping, profile: { frames } } = this.app;
    if (grouping.callsItself) return [];
    const own = new Set(grouping.members[group].map(f => frames.line[f]));
    const lines = new Map(grouping.members[group].flatMap(f => sourceLines(frames, f)));
    const sorted = [...lines].sort(([a], [b]) => a - b).slice(0, SOURCE_LINES);
    if (!sorted.length) return [];
    const indent = Math.min(...sorted.filter(([, text]) => text.trim()).map(([, text]) => text.search(/\S/)));
    const list = make('ol', { className: 'source' }, ...sorted.map(([number, text]) => {
      const item = make('li', { value: number, className: own.has(number) ? 'own' : '' }, make('code', {}, text.slice(indent) || ' '));
      return item;
    }));
    list.setAttribute('aria-label', 'Source code');
    return [list];
  }

  table(rows) {
    return make('table', {}, ...rows.map(([name, text]) => make('tr', {}, make('th', { scope: 'row' }, name), make('td', {}, text))));
  }

  /** The part about all calls of the function. */
  everywhere(box) {
    const { app } = this;
    const { tree, profile, grouping, state: { weight } } = app;
    const unit = profile.units[weight];
    const { callers, callees } = tree.sandwich(box.group);
    const value = tree.value(callees);
    const own = tree.selfOf(callees, weight);
    const parts = [make('h3', {}, 'Wherever it is called'), this.table([
      ['total', `${amountText(value, unit)}, ${shareText(value, profile.whole[weight])} of all`],
      ['self', `${amountText(own, unit)}, ${shareText(own, profile.whole[weight])} of all`],
    ])];
    for (const [title, root] of [['Callers', callers], ['Callees', callees]]) {
      const boxes = tree.childrenOf(root).flatMap(other => (grouping.isPackage(other.group) ? tree.childrenOf(other) : [other]))
        .sort((a, b) => tree.value(b) - tree.value(a));
      if (!boxes.length) continue;
      parts.push(make('h3', {}, `${title} (${countText(boxes.length)})`), make('table', {}, ...boxes.slice(0, LISTED).map(other =>
        make('tr', {}, make('td', {}, make('button', { type: 'button', onclick: () => app.sandwichOf(app.grouping.first[other.group]) }, isolated(app.labelOf(other).join(' ')))),
          make('td', {}, `${amountText(tree.value(other), unit)} ${shareText(tree.value(other), value)}`)))));
    }
    for (const [title, kind] of [['Allocators', KIND.ALLOCATOR], ['Threads', KIND.THREAD], ['Processes', KIND.PROCESS]]) {
      const amounts = this.heldByVirtual(callees.nodes.subarray(callees.from, callees.to), kind, weight);
      if (!amounts.length) continue;
      parts.push(make('h3', {}, title), this.table(amounts.slice(0, LISTED).map(([name, amount]) => [name, `${amountText(amount, unit)} ${shareText(amount, value)}`])));
    }
    return parts;
  }

  /** Returns [name, amount] of the threads, processes or allocators of the memory below these nodes, largest first. */
  heldByVirtual(nodes, kind, weight) {
    const { profile } = this.app;
    const { frames, frame, parent, end, total } = profile;
    if (!frames.kind.includes(kind)) return [];
    const amounts = new Map();
    const add = (node, amount) => {
      const name = frames.name[frame[node]];
      amounts.set(name, (amounts.get(name) || 0) + amount);
    };
    for (const node of nodes) {
      if (kind === KIND.ALLOCATOR) {
        for (let i = node; i < end[node]; i++) if (frames.kind[frame[i]] === kind) add(i, total[weight][i]);
      } else {
        let i = node;
        while (i > 0 && frames.kind[frame[i]] !== kind) i = parent[i];
        if (i > 0) add(i, total[weight][node]);
      }
    }
    return [...amounts].filter(([, amount]) => amount).sort((a, b) => b[1] - a[1]);
  }
}
