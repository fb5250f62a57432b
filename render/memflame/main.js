'use strict';
// main.js - what is shown, and what happens when it changes
//
// All there is to show follows from `state` (link.js), which is the page's
// address: an action makes a new state, and show() derives tree, rows and
// controls from it. The selection alone is not part of it.

const BOX_LIMIT = 200000;   // of one layout, until one scrolls beyond
const TREE_STATE = ['group', 'weight', 'imports', 'hide', 'recursion'];

class App {
  constructor(profile) {
    this.profile = profile;
    this.defaults = { ...DEFAULTS, view: profile.inverted ? 'inverted' : 'graph' };
    this.importFrames = profile.frames.kind.reduce((sum, kind) => sum + (kind === KIND.IMPORT ? 1 : 0), 0);
    this.graph = byId('graph');
    this.painter = new Painter(byId('canvas'));
    this.state = null;
    this.selected = null;
    this.hovered = null;
    this.limit = BOX_LIMIT;
    this.systemDark = matchMedia('(prefers-color-scheme: dark)');
    this.panel = new Panel(this);
    this.bind();
    this.show(fromLink(location.hash, this.defaults));
  }

  bind() {
    const { graph } = this;
    addEventListener('popstate', () => this.show(fromLink(location.hash, this.defaults)));
    new ResizeObserver(() => this.arrange()).observe(graph);
    this.systemDark.onchange = () => this.show(this.state);
    graph.onscroll = () => this.scrolled();
    graph.onmousemove = event => this.hover(this.boxUnder(event), event);
    graph.onmouseleave = () => this.hover(null);
    graph.onclick = event => {
      const box = this.boxUnder(event);
      if (box) this.zoomTo(box);
    };
    bindKeys(this);
  }

  // ---- from state to picture

  /** A new state by an action: Back returns from it, unless it is one more letter of a search. */
  go(changes, { replace = false } = {}) {
    const state = { ...this.state, ...changes };
    const link = toLink(state, this.defaults);
    if (link !== toLink(this.state, this.defaults)) {
      try {
        history[replace ? 'replaceState' : 'pushState'](null, '', link);
      } catch { /* in a frame without an address: shown all the same */ }
    }
    this.show(state);
  }

  show(state) {
    const old = this.state;
    const changed = names => !old || names.some(name => String(old[name]) !== String(state[name]));
    const path = this.selected && this.linkOf(this.selected);
    this.state = this.checked(state);
    document.documentElement.style.colorScheme = state.theme;
    this.palette = this.isDark() ? PALETTES.dark : PALETTES.light;
    const replant = changed([...TREE_STATE, 'view', 'focus']);
    if (changed(['group'])) this.regroup();
    if (changed(['imports', 'hide'])) {
      this.hidden = hiddenFrames(this.profile.frames, state.imports === 'hide', state.hide);
    }
    if (replant) this.plant();
    if (changed([...TREE_STATE, 'search'])) {
      this.search = new Search(this.profile, this.grouping, this.hidden, state.search);
    }
    this.zoom = this.find(state.zoom);
    if (replant) this.selected = path && !changed(['view', 'focus', 'group']) ? this.find(path) : null;
    if (replant || changed(['zoom', 'direction'])) {
      this.limit = BOX_LIMIT;
      this.arrange();
    } else this.repaint();
    if (changed(['zoom', 'view', 'focus', 'direction'])) this.scrollToStart();
    this.panel.update();
  }

  /** A link may be of another page: a sandwich needs a frame there is, a weight needs to be carried. */
  checked(state) {
    const focus = Number(state.focus);
    if (state.view === 'sandwich' && !(Number.isInteger(focus) && focus > 0 && focus < this.profile.frames.count)) {
      Object.assign(state, { view: 'graph', focus: '', zoom: '' });
    }
    if (state.weight >= this.profile.units.length) state.weight = 0;
    return state;
  }

  regroup() {
    this.grouping = new Grouping(this.profile.frames, this.state.group);
    this.colours = new Colours(this.grouping);
  }

  plant() {
    const { view, weight, recursion, focus, group } = this.state;
    this.tree = new MergedTree(this.profile, {
      grouping: this.grouping,
      hidden: this.hidden,
      weight,
      // Files call themselves all the time: there a box under its like says nothing.
      recursion: recursion === 'collapse' || group === 'file',
    });
    this.roots = view === 'sandwich' ? this.tree.sandwich(this.grouping.of[Number(focus)])
      : { callers: null, callees: view === 'inverted' ? this.tree.invertedRoot() : this.tree.root() };
    this.hovered = null;
  }

  arrange() {
    const { roots, tree, zoom, graph } = this;
    const width = graph.clientWidth;
    const height = graph.clientHeight;
    if (!width || !height) return;
    const layout = root => new Layout(tree, this.rootOf(zoom) === root ? zoom : root, width, this.limit);
    this.scene = new Scene({
      callers: roots.callers && layout(roots.callers),
      callees: layout(roots.callees),
    }, this.state.direction === 'flame');
    // A flame stands on the ground.
    this.sky = this.scene.upward ? Math.max(0, height - this.scene.rows.length * ROW) : 0;
    byId('spacer').style.height = `${Math.max(0, this.scene.rows.length * ROW - height)}px`;
    this.painter.resize(width, height);
    this.paint();
  }

  paint() {
    if (this.scene) this.painter.paint(this, this.graph.scrollTop - this.sky);
  }

  repaint() {
    if (this.pending) return;
    this.pending = requestAnimationFrame(() => {
      this.pending = 0;
      this.paint();
    });
  }

  isDark() {
    const { theme } = this.state;
    return theme ? theme === 'dark' : this.systemDark.matches;
  }

  // ---- boxes

  rootOf(box) {
    while (box.parent) box = box.parent;
    return box;
  }

  linkOf(box) {
    return (this.rootOf(box) === this.roots.callers ? '^' : '') + this.tree.pathOf(box);
  }

  find(link) {
    const { callers, callees } = this.roots;
    return link.startsWith('^') && callers ? this.tree.find(callers, link.slice(1)) : this.tree.find(callees, link);
  }

  /** For the box itself: without its unit, if that is not bytes. */
  shortAmountOf(box) {
    const value = this.tree.value(box);
    if (this.profile.difference) return changeText(box.amounts[1], box.amounts[2], this.profile.units[0]);
    return this.profile.units[this.state.weight] === 'bytes' ? amountText(value, 'bytes') : countText(value);
  }

  nameOf(box) {
    return box.rest ? `${countText(box.rest.to - box.rest.from)} smaller` : this.grouping.name(box.group);
  }

  labelOf(box) {
    const name = this.nameOf(box);
    if (box.rest) return [name, ''];
    const place = this.grouping.shortLocation(box.group);
    const { label } = this.state;
    if (label === 'location' && place) return [place, ''];
    return [name, label === 'full' ? place : ''];
  }

  /** Rows of a table: what, how much, and its share of all, of what is in view, of the parent. */
  figuresOf(box) {
    const { profile, tree, zoom, state } = this;
    const { weight } = state;
    const value = tree.value(box);
    const rows = profile.difference ? this.changeRows(box) : profile.units.map((unit, w) => {
      const exact = unit === 'bytes' && box.amounts[w] >= 1000 ? ` (${countText(box.amounts[w])} bytes)` : '';
      return [w ? unit : 'total', amountText(box.amounts[w], unit) + (w ? '' : exact)];
    });
    if (!box.sources && !box.rest && !profile.difference) rows.splice(1, 0, ['self', amountText(tree.selfOf(box, 0), profile.units[0])]);
    rows.push(['of all', shareText(value, profile.total[weight][0])]);
    if (zoom.parent && box !== zoom && !this.scene.above.has(box)) rows.push(['of view', shareText(value, tree.value(zoom))]);
    if (box.parent && box.parent.parent) rows.push(['of parent', shareText(value, tree.value(box.parent))]);
    return rows;
  }

  /** What it was, what it is, and the difference; of itself too. */
  changeRows(box) {
    const { profile, tree } = this;
    const [unit] = profile.units;
    const [, before, after] = box.amounts;
    const part = before && before !== after ? ` (${after > before ? '+' : '−'}${shareText(Math.abs(after - before), before)})` : '';
    const fate = before === after ? '' : !before ? ', new' : !after ? ', vanished' : part;
    const rows = [['before', amountText(before, unit)], ['after', amountText(after, unit)],
      ['difference', changeText(before, after, unit) + fate]];
    if (!box.sources && !box.rest) {
      const [was, is] = [tree.selfOf(box, 1), tree.selfOf(box, 2)];
      rows.push(['self', `${amountText(was, unit)} → ${amountText(is, unit)}, ${changeText(was, is, unit)}`]);
    }
    return rows;
  }

  summaryOf(box) {
    const place = box.rest ? '' : this.grouping.location(box.group);
    const figures = this.figuresOf(box).map(([name, text]) => (name === 'total' ? text : /^of /.test(name) ? `${text} ${name}` : `${name} ${text}`));
    return [this.nameOf(box) + (place ? ` (${place})` : ''), ...figures].join(' · ');
  }

  boxUnder(event) {
    const frame = byId('canvas').getBoundingClientRect();
    const y = event.clientY - frame.top + this.graph.scrollTop - this.sky;
    return this.scene ? this.scene.at(event.clientX - frame.left, Math.floor(y / ROW)) : null;
  }

  // ---- selection

  hover(box, event) {
    if (box !== this.hovered) {
      this.hovered = box;
      this.graph.style.cursor = box ? 'pointer' : '';
      this.repaint();
    }
    this.panel.showTooltip(box, event && event.clientX, event && event.clientY);
  }

  select(box) {
    if (!box) return;
    this.selected = box;
    this.panel.showTooltip(null);
    this.scrollTo(box);
    this.panel.say(this.summaryOf(box));
    this.repaint();
  }

  move(dx, dy) {
    const { selected, scene } = this;
    this.select(selected && scene.shows(selected) ? scene.neighbour(selected, dx, dy) : this.zoom);
  }

  selectHeaviest() {
    const { tree, scene } = this;
    let box = this.zoom;
    for (let child = box; child && scene.shows(child); [child] = tree.childrenOf(box)) box = child;
    this.select(box);
  }

  nextMatch(step) {
    const { scene, search, selected } = this;
    const hits = scene.rows.flat().filter(box => search.hits(box));
    if (!hits.length) {
      this.panel.say(search.frames ? 'what matches is too thin to be drawn, or outside the zoom' : 'nothing matches');
      return;
    }
    const here = hits.indexOf(selected);
    const next = here < 0 ? (step > 0 ? 0 : hits.length - 1) : (here + step + hits.length) % hits.length;
    this.select(hits[next]);
    this.panel.say(`match ${next + 1} of ${hits.length} boxes · ${this.summaryOf(hits[next])}`);
  }

  scrollTo(box) {
    const { graph } = this;
    const top = box.row * ROW;
    if (top < graph.scrollTop) graph.scrollTop = top - ROW;
    else if (top + 2 * ROW > graph.scrollTop + graph.clientHeight) graph.scrollTop = top + 2 * ROW - graph.clientHeight;
  }

  /** The zoomed box in sight; of a sandwich, its function in the middle. */
  scrollToStart() {
    const { graph, scene, roots, zoom } = this;
    if (!scene) return;
    if (roots.callers) graph.scrollTop = roots.callees.row * ROW - graph.clientHeight / 2;
    else if (scene.upward) graph.scrollTop = (zoom.row + 3) * ROW - graph.clientHeight;
    else graph.scrollTop = Math.max(0, (zoom.row - 3) * ROW);
    this.paint();
  }

  scrolled() {
    const { graph, scene } = this;
    const atEnd = scene.upward ? graph.scrollTop < ROW : graph.scrollTop + graph.clientHeight > graph.scrollHeight - ROW;
    if (scene.cut && atEnd) {
      this.limit *= 4;
      this.arrange();
      if (scene.upward) graph.scrollTop += (this.scene.rows.length - scene.rows.length) * ROW;
    }
    this.panel.showTooltip(null);
    this.repaint();
  }

  focusGraph() {
    byId('canvas').focus();
  }

  // ---- actions

  zoomTo(box) {
    if (!box) return;
    this.go({ zoom: this.linkOf(box) });
    this.select(this.zoom);
  }

  escape() {
    const { state } = this;
    if (state.search) this.searchFor('');
    else if (this.zoom.parent) this.zoomTo(this.rootOf(this.zoom));
    else if (state.view !== this.defaults.view) this.setView(this.defaults.view);
  }

  searchFor(text) {
    this.go({ search: text }, { replace: true });
  }

  setView(view) {
    if (view === 'sandwich') this.sandwich();
    else this.go({ view, focus: '', zoom: '' });
  }

  sandwich() {
    const box = this.selected || this.zoom;
    if (!box.parent || box.rest) {
      this.panel.say('sandwich: first select the function whose callers and callees are to be shown');
      return;
    }
    this.go({ view: 'sandwich', focus: String(this.grouping.first[box.group]), zoom: '' });
    this.select(this.roots.callees);
  }

  toggleSandwich() {
    const { selected, state, roots } = this;
    const elsewhere = selected && selected.parent && selected.group !== roots.callees.group;
    if (state.view === 'sandwich' && !elsewhere) this.setView('graph');
    else this.sandwich();
  }

  choose(name, value) {
    const changes = { [name]: value };
    // Groups are numbered anew: a path has no meaning any more.
    if (name === 'group') changes.zoom = '';
    this.go(changes);
  }

  cycle(name) {
    const choices = name === 'weight' ? this.profile.units.map((_, w) => w) : CHOICES[name];
    const next = choices[(choices.indexOf(this.state[name]) + 1) % choices.length];
    this.choose(name, next);
    this.panel.say(`${name}: ${name === 'weight' ? this.profile.weights[next] : next}`);
  }

  hide(pattern) {
    if (pattern && !this.state.hide.includes(pattern)) this.go({ hide: [...this.state.hide, pattern], search: '' });
  }

  hideMatches() {
    if (this.search.frames) this.hide(this.search.source);
  }

  hideSelected() {
    const { selected, grouping } = this;
    if (!selected || !selected.parent || selected.rest) return;
    const name = literalPattern(grouping.name(selected.group));
    // As frameText() says it.
    this.hide(grouping.by === 'file' ? `\\(${name}[:)]` : `^${name}( \\(|$)`);
  }

  toggleTheme() {
    this.go({ theme: this.isDark() ? 'light' : 'dark' }, { replace: true });
  }
}

// ---- start

let app = null;

async function start() {
  const profile = await readProfile(byId('data').textContent);
  byId('data').remove();
  document.body.classList.add('ready');
  byId('empty').hidden = profile.total.some(total => total[0] > 0);
  app = new App(profile);
  app.started = performance.now();
}

start().catch(error => {
  byId('failure').textContent = `This page cannot be shown: ${error.message}`;
  byId('failure').hidden = false;
});
