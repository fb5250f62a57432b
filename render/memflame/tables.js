'use strict';
// tables.js - the same figures without the graph: a table of functions, and the tree as rows

// ---- functions

/** Returns for each group its own amount and its total, per weight, in shown frames; recursion does not count twice. */
function heldByGroup(profile, grouping, hidden) {
  const { count, frame, parent, end, self, total } = profile;
  const zeros = () => self.map(() => new Float64Array(grouping.count));
  const own = zeros();
  const all = zeros();
  const shown = new Int32Array(count);
  const covered = new Int32Array(grouping.count);     // per group, nodes before this one are counted
  for (let i = 1; i < count; i++) {
    const node = shown[i] = hidden[i] ? shown[parent[i]] : i;
    const group = grouping.of[frame[node]];
    for (let w = 0; w < self.length; w++) own[w][group] += self[w][i];
    if (node !== i || i < covered[group]) continue;
    covered[group] = end[i];
    for (let w = 0; w < total.length; w++) all[w][group] += total[w][i];
  }
  return { own, all };
}

const COLUMNS = [
  ['name', 'Function', 'name'],
  ['self', 'Self', ''],
  ['selfShare', '%', ''],
  ['total', 'Total', ''],
  ['totalShare', '%', ''],
  ['count', 'Count', ''],
  ['place', 'Where', 'name'],
];
const ROWS = 300;

class FunctionTable {
  constructor(app) {
    this.app = app;
    this.sort = 'self';
    this.falling = true;
    this.limit = ROWS;
    this.element = byId('functions');
    this.element.onkeydown = event => this.key(event);
  }

  /** {group, self, total, count, name, place, where} of each group with memory, filtered by the search, sorted. */
  rows() {
    const { app, sort, falling } = this;
    const { grouping, profile, search, state: { weight } } = app;
    const { own, all } = heldByGroup(profile, grouping, app.hidden);
    const counts = profile.units.length > 1 && !profile.difference ? 1 : -1;
    const rows = [];
    for (let group = 1; group < grouping.count; group++) {
      if (!all[weight][group] || (search.active && !search.groups[group])) continue;
      rows.push({
        group,
        self: own[weight][group],
        total: all[weight][group],
        count: counts < 0 ? 0 : all[counts][group],
        name: grouping.shortName(group),
        place: grouping.location(group) || profile.frames.module[grouping.first[group]],
        where: this.where(group),
      });
    }
    const by = { selfShare: 'self', totalShare: 'total' }[sort] || sort;
    const order = by === 'name' || by === 'place' ? (a, b) => a[by].localeCompare(b[by]) : (a, b) => a[by] - b[by];
    return rows.sort((a, b) => (falling ? order(b, a) : order(a, b)) || b.total - a.total || a.group - b.group);
  }

  /** Its place, with a short path. */
  where(group) {
    const { grouping, profile: { frames } } = this.app;
    const f = grouping.first[group];
    const location = grouping.location(group);
    return location ? shortPath(frames.file[f], frames.root) + location.slice(frames.file[f].length) : shortPath(frames.module[f], '');
  }

  update() {
    const { app } = this;
    const { profile, state: { weight } } = app;
    const unit = profile.units[weight];
    const rows = this.rows();
    const whole = profile.whole[weight];
    const text = value => (unit === 'bytes' ? amountText(value, unit) : countText(value));
    const columns = COLUMNS.filter(([name]) => name !== 'count' || (profile.units.length > 1 && !profile.difference));
    const body = rows.slice(0, this.limit).map(row => {
      const cells = { self: text(row.self), selfShare: shareText(row.self, whole), total: text(row.total), totalShare: shareText(row.total, whole), count: countText(row.count), place: row.where };
      return make('tr', {}, ...columns.map(([name, , className]) => {
        if (name !== 'name') return make('td', { className, title: className ? row.place : '' }, isolated(cells[name]));
        const button = make('button', { type: 'button', title: 'Its callers and callees (Enter)', onclick: () => app.sandwichOf(app.grouping.first[row.group]) },
          swatch(app.colours.fill[row.group]), isolated(row.name));
        const head = make('th', { className }, button);
        head.scope = 'row';
        return head;
      }));
    });
    const table = make('table', {}, make('thead', {}, make('tr', {}, ...columns.map(column => this.head(...column)))), make('tbody', {}, ...body));
    table.setAttribute('aria-label', `${pluralText(rows.length, 'row')}, ${unit}`);
    const more = rows.length > this.limit ? [make('button', { type: 'button', className: 'more', onclick: () => this.showMore() }, `${countText(rows.length - this.limit)} more`)] : [];
    this.element.replaceChildren(table, ...more);
  }

  head(name, title, className) {
    const button = make('button', { type: 'button', onclick: () => this.sortBy(name) }, title === '%' ? '% of all' : title, name === this.sort ? (this.falling ? ' ▾' : ' ▴') : '');
    const head = make('th', { scope: 'col', className }, button);
    if (name === this.sort) head.setAttribute('aria-sort', this.falling ? 'descending' : 'ascending');
    return head;
  }

  sortBy(name) {
    this.falling = this.sort === name ? !this.falling : name !== 'name' && name !== 'place';
    this.sort = name;
    this.update();
    this.element.querySelector('[aria-sort] button').focus();
  }

  showMore() {
    this.limit *= 4;
    this.update();
  }

  /** Moves up and down from row to row. */
  key(event) {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!step) return;
    const buttons = [...this.element.querySelectorAll('tbody button')];
    const next = buttons[buttons.indexOf(document.activeElement) + step];
    if (next) next.focus();
    event.preventDefault();
    event.stopPropagation();
  }
}

// ---- the tree as rows

const TREE_ROW = 22;        // CSS pixels

class TreeTable {
  constructor(app) {
    this.app = app;
    this.element = byId('tree');
    this.grid = make('div', { tabIndex: 0 });
    this.grid.setAttribute('role', 'treegrid');
    this.grid.setAttribute('aria-label', 'Call tree. Right opens a row, Left closes it, Enter shows it in the graph.');
    this.element.append(this.grid);
    this.element.onscroll = () => this.draw();
    new ResizeObserver(() => this.draw()).observe(this.element);
    this.grid.onkeydown = event => this.key(event);
    this.open = new Set();
    this.tree = null;
  }

  update() {
    const { app } = this;
    if (this.tree !== app.tree || this.root !== app.zoom) {
      this.tree = app.tree;
      this.root = app.zoom;
      this.open = new Set();
      // Open rows as long as one child dominates.
      for (let box = this.root; box; [box] = app.tree.childrenOf(box)) {
        this.open.add(box);
        const [first, second] = app.tree.childrenOf(box);
        if (!first || (second && app.tree.value(second) > app.tree.value(first) / 20) || this.open.size > 60) break;
      }
      this.current = this.root;
    }
    this.list();
    this.draw();
  }

  /** Lists the rows, {box, level, size, at}, from the top; iteratively, as stacks can be deep. */
  list() {
    const { tree } = this.app;
    this.rows = [];
    const pending = [{ box: this.root, level: 1, size: 1, at: 1 }];
    while (pending.length) {
      const row = pending.pop();
      this.rows.push(row);
      if (!this.open.has(row.box)) continue;
      const children = tree.childrenOf(row.box);
      for (let i = children.length - 1; i >= 0; i--) pending.push({ box: children[i], level: row.level + 1, size: children.length, at: i + 1 });
    }
  }

  draw() {
    const { app, element, grid, rows } = this;
    if (!rows || element.hidden) return;
    const first = Math.max(0, Math.floor(element.scrollTop / TREE_ROW) - 20);
    const last = Math.min(rows.length, first + Math.ceil(element.clientHeight / TREE_ROW) + 40);
    grid.style.height = `${(rows.length + 1) * TREE_ROW}px`;
    grid.setAttribute('aria-rowcount', rows.length + 1);
    const head = make('div', { className: 'head' }, ...['Function', 'Total', '% of all', 'Self', 'Count'].filter(name => name !== 'Count' || this.hasCount).map(name => {
      const cell = make('span', {}, name);
      cell.setAttribute('role', 'columnheader');
      return cell;
    }));
    head.setAttribute('role', 'row');
    head.setAttribute('aria-rowindex', 1);
    head.style.position = 'sticky';
    grid.replaceChildren(head, ...rows.slice(first, last).map((row, i) => this.row(row, first + i)));
    const current = rows.findIndex(row => row.box === this.current);
    if (current >= first && current < last) grid.setAttribute('aria-activedescendant', `row-${current}`);
    else grid.removeAttribute('aria-activedescendant');
    this.drawn = app.tree;
  }

  get hasCount() {
    return this.app.profile.units.length > 1 && !this.app.profile.difference;
  }

  row({ box, level, size, at }, index) {
    const { app } = this;
    const { profile, tree, state: { weight } } = app;
    const unit = profile.units[weight];
    const text = value => (unit === 'bytes' ? amountText(value, unit) : countText(value));
    const hasChildren = tree.childrenOf(box).length > 0;
    const isOpen = this.open.has(box);
    const twist = make('span', { className: 'twist', ariaHidden: 'true', onclick: () => this.toggle(box) }, hasChildren ? (isOpen ? '▾' : '▸') : '');
    const name = make('span', {}, twist, box.group > 0 ? swatch(app.colours.fill[box.group]) : '', isolated(app.labelOf(box).join(' ').trim()));
    name.style.paddingLeft = `${Math.min(level - 1, 40) * 14 + 6}px`;
    const figures = [text(tree.value(box)), shareText(tree.value(box), profile.whole[weight]), box.sources ? '' : text(tree.selfOf(box, weight))];
    if (this.hasCount) figures.push(countText(box.amounts[1]));
    const row = make('div', { id: `row-${index}`, className: box === this.current ? 'current' : '', onclick: () => this.select(box), ondblclick: () => this.show(box) },
      name, ...figures.map(figure => make('span', {}, figure)));
    for (const cell of row.children) cell.setAttribute('role', 'gridcell');
    row.setAttribute('role', 'row');
    row.setAttribute('aria-level', level);
    row.setAttribute('aria-setsize', size);
    row.setAttribute('aria-posinset', at);
    row.setAttribute('aria-rowindex', index + 2);
    row.setAttribute('aria-selected', String(box === this.current));
    if (hasChildren) row.setAttribute('aria-expanded', String(isOpen));
    row.style.top = `${(index + 1) * TREE_ROW}px`;
    return row;
  }

  select(box) {
    this.current = box;
    this.app.selected = box;
    this.app.panel.sayBox(box);
    this.app.details.update();
    this.draw();
  }

  toggle(box) {
    if (!this.open.delete(box)) this.open.add(box);
    this.list();
    this.draw();
  }

  show(box) {
    this.app.go({ tab: 'graph' });
    this.app.zoomTo(box);
    this.app.focusGraph();
  }

  key(event) {
    const { rows, open } = this;
    const at = rows.findIndex(row => row.box === this.current);
    const { box } = rows[Math.max(at, 0)];
    let next = at;
    switch (event.key) {
      case 'ArrowDown': next = at + 1; break;
      case 'ArrowUp': next = at - 1; break;
      case 'Home': next = 0; break;
      case 'End': next = rows.length - 1; break;
      case 'ArrowRight':
        if (open.has(box)) next = at + 1;
        else if (this.app.tree.childrenOf(box).length) this.toggle(box);
        break;
      case 'ArrowLeft':
        if (open.has(box)) this.toggle(box);
        else next = rows.findIndex(row => row.box === box.parent);
        break;
      case 'Enter': this.show(box); break;
      default: return;
    }
    event.preventDefault();
    event.stopPropagation();
    if (event.key === 'Enter') return;
    const row = rows[Math.min(Math.max(next, 0), rows.length - 1)];
    this.select(row.box);
    const top = (Math.max(next, 0) + 1) * TREE_ROW;
    if (top < this.element.scrollTop + TREE_ROW) this.element.scrollTop = top - TREE_ROW;
    else if (top + TREE_ROW > this.element.scrollTop + this.element.clientHeight) this.element.scrollTop = top + TREE_ROW - this.element.clientHeight;
    this.draw();
  }
}
