'use strict';
// main.js - the application: its state, and everything derived from it
//
// The view follows from `state` (link.js), which is the page's address: an action
// makes a new state, and show() derives sums, tree, rows and controls from it. The
// selection, scrolling and stretching are not part of the state.

const BOX_LIMIT = 200000;   // of one layout, until the user scrolls further

/** The parts of the state that sums, hidden nodes and the tree are derived from. */
const TIME_STATE = ['mode', 'from', 'to'];
const SUM_STATE = [...TIME_STATE, 'keep', 'drop', 'only', 'vanished'];
const HIDDEN_STATE = ['imports', 'imported', 'native', 'startup', 'processes', 'threads', 'allocators', 'hide'];
const TREE_STATE = [...SUM_STATE, ...HIDDEN_STATE, 'group', 'weight', 'recursion', 'packages'];

class App {
  constructor(profile) {
    this.profile = profile;
    this.graph = byId('graph');
    this.painter = new Painter(byId('canvas'));
    this.selected = null;
    this.hovered = null;
    this.limit = BOX_LIMIT;
    this.part = { from: 0, to: 1 };     // the visible part of the width
    this.systemDark = matchMedia('(prefers-color-scheme: dark)');
    this.panel = new Panel(this);
    this.functions = new FunctionTable(this);
    this.rows = new TreeTable(this);
    this.details = new Details(this);
    this.time = profile.time ? new TimeStrip(this) : null;
    byId('time').hidden = !this.time;
    this.bind();
    this.load(profile);
  }

  /** Shows a profile: of a large page the first view, then the whole. Until then, nothing can be pressed. */
  load(profile) {
    this.profile = profile;
    this.defaults = { ...DEFAULTS, ...profile.opening };
    this.matcher = new Matcher(profile.frames, () => this.refresh());
    this.time?.load(profile);
    document.body.inert = Boolean(profile.smaller);
    if (!profile.smaller) this.panel.hideUseless();
    this.panel.say(profile.smaller ? 'Reading the rest …' : 'Click a box to zoom in; press ? for all keys.');
    this.state = null;
    this.open();
  }

  /** Shows what the page's address says. */
  open() {
    if (!this.state || !document.body.inert) this.show(fromLink(location.hash, this.defaults));
  }

  bind() {
    const { graph } = this;
    addEventListener('popstate', () => this.open());
    new ResizeObserver(() => {
      if (graph.clientWidth !== this.painter.width || graph.clientHeight !== this.painter.height) this.arrange();
    }).observe(graph);
    this.watchDensity();
    this.systemDark.onchange = () => this.show(this.state);
    graph.onscroll = () => this.scrolled();
    bindPointer(this);
    bindKeys(this);
    bindPrint(this);
  }

  /** Redraws when the window moves to a screen of another resolution. */
  watchDensity() {
    matchMedia(`(resolution: ${devicePixelRatio}dppx)`).addEventListener('change', () => {
      this.watchDensity();
      this.arrange();
      if (this.time) this.time.draw();
    }, { once: true });
  }

  // ---- from state to picture

  /** Changes the state by an action. Back returns from it, unless `replace` is set (each letter of a search). */
  go(changes, { replace = false } = {}) {
    const state = { ...this.state, ...changes };
    const link = toLink(state, this.defaults);
    if (link !== toLink(this.state, this.defaults)) {
      try {
        history[replace ? 'replaceState' : 'pushState'](null, '', link);
      } catch { /* a frame without an address: show the state anyway */ }
    }
    this.show(state);
  }

  /** Shows everything anew, as the result of a search has arrived. */
  refresh() {
    const { state } = this;
    this.state = null;
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
    this.derive(changed);
    if (replant) this.plant();
    if (changed([...TREE_STATE, 'search'])) {
      this.search = new Search(this.profile, this.grouping, this.hidden, this.matcher, state.search);
    }
    this.zoom = this.find(state.zoom);
    if (replant) this.selected = path && !changed(['view', 'focus', 'group']) ? this.find(path) : null;
    const moved = changed(['zoom', 'direction', 'view', 'focus', 'group']);
    if (moved) this.part = { from: 0, to: 1 };
    if (replant || moved || changed(['tab', 'details'])) {
      this.limit = BOX_LIMIT;
      this.showTab();
      if (!this.scene) this.panel.update();     // sets the height that is left for the graph
      this.arrange();
    } else this.repaint();
    if (changed(['zoom', 'view', 'focus', 'direction'])) this.scrollToStart();
    this.panel.update();
    this.time?.update();
    this.details.update();
    this.tableNeedsUpdate();
  }

  /** Recomputes sums, hidden nodes, groups and colours if the state they depend on has changed. */
  derive(changed) {
    const { profile, state, matcher } = this;
    const { frames } = profile;
    if (changed(SUM_STATE)) this.sum(state);
    if (changed(HIDDEN_STATE)) {
      this.hidden = hiddenNodes(profile, state, matcher.all(state.hide));
      this.owners = new Owners(profile, this.hidden);
    }
    if (changed([...HIDDEN_STATE, ...SUM_STATE, 'weight'])) this.sumPackages(changed([...HIDDEN_STATE, 'weight']));
    if (changed(['group'])) this.grouping = new Grouping(frames, state.group);
    if (changed([...HIDDEN_STATE, 'weight', 'group', 'colour']) || this.colours.palette !== this.palette) {
      this.colours = new Colours(this.grouping, this.packages, this.palette, state.colour);
    }
  }

  /** Ranks packages by the state the page opens with, so that colours stay the same while the user moves in time. */
  sumPackages(anew) {
    const { profile, time, state } = this;
    const sum = () => new Packages(profile.smaller ? new Map(profile.about.packages) : this.owners.amounts(profile, state.weight));
    const first = time && anew ? { ...state, mode: this.defaults.mode, from: '', to: '' } : state;
    const moved = TIME_STATE.some(name => first[name] !== state[name]);
    if (moved) addUp(profile, time.held(first), null);
    const ranked = anew ? sum() : this.packages;
    if (moved) this.sum(state);
    this.packages = moved || !anew ? sum() : ranked;
    this.packages.rank = ranked.rank;
  }

  sum(state) {
    const { profile, matcher, time } = this;
    const { frames } = profile;
    if (time) profile.held = time.held(state);
    const keep = matcher.all(state.keep).slice(0, 30);
    if (state.only) keep.push(Uint8Array.from(frames.package, name => (name === state.only ? 1 : 0)));
    const kept = keptNodes(profile, keep, matcher.all(state.drop));
    const gone = profile.difference && state.vanished === 'hide';
    addUp(profile, profile.held, gone ? withoutVanished(profile, kept) : kept);
  }

  /** A link may come from another page: resets a sandwich of a missing function, and a weight that does not exist. */
  checked(state) {
    if (state.view === 'sandwich' && !this.frameOf(state.focus)) Object.assign(state, { view: 'graph', focus: '', zoom: '' });
    if (state.weight >= this.profile.units.length) state.weight = 0;
    return state;
  }

  plant() {
    const { view, weight, recursion, focus } = this.state;
    this.tree = new MergedTree(this.profile, {
      grouping: this.grouping,
      hidden: this.hidden,
      weight,
      recursion: recursion === 'collapse' || this.grouping.callsItself,
      packages: this.state.packages === 'show',
    });
    this.roots = view === 'sandwich' ? this.tree.sandwich(this.grouping.of[this.frameOf(focus)])
      : { callers: null, callees: view === 'inverted' ? this.tree.invertedRoot() : this.tree.root() };
    this.hovered = null;
  }

  showTab() {
    const { tab } = this.state;
    document.body.dataset.tab = tab;
    for (const id of ['graph', 'functions', 'tree']) byId(id).hidden = tab !== id;
    byId('details').hidden = this.state.details !== 'open';
  }

  tableNeedsUpdate() {
    const { tab } = this.state;
    if (tab === 'functions') this.functions.update();
    if (tab === 'tree') this.rows.update();
  }

  arrange() {
    const { roots, tree, zoom, graph } = this;
    const width = graph.clientWidth;
    const height = graph.clientHeight;
    if (!width || !height) return;
    const layout = root => (this.rootOf(zoom) === root ? new Layout(tree, zoom, width, this.limit, this.part)
      : new Layout(tree, root, width, this.limit));
    this.scene = new Scene({
      callers: roots.callers && layout(roots.callers),
      callees: layout(roots.callees),
    }, this.state.direction === 'flame');
    // A flame graph grows from the bottom.
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

  /** The name of a function in a link: "load (/srv/app.py)". */
  frameName(f) {
    const { name, file } = this.profile.frames;
    return file[f] ? `${name[f]} (${file[f]})` : name[f];
  }

  /** Returns the first frame of that function, or else (its file may have moved) of that name; 0 if there is none. */
  frameOf(text) {
    const { frames } = this.profile;
    let alike = 0;
    for (let f = 1; text && f < frames.count; f++) {
      if (!text.startsWith(frames.name[f])) continue;
      if (this.frameName(f) === text) return f;
      if (text.startsWith(`${frames.name[f]} (`)) alike = alike || f;
    }
    return alike;
  }

  fillOf(box) {
    const { profile, palette, colours, state } = this;
    if (profile.difference) return changeFill(palette.changes, box.amounts[1], box.amounts[2], Math.max(profile.whole[1], profile.whole[2]));
    if (state.colour === 'self' && !box.sources) return selfFill(palette, this.tree.selfOf(box, state.weight), this.tree.value(box));
    return colours.fill[box.group];
  }

  boxUnder(event) {
    const frame = byId('canvas').getBoundingClientRect();
    const top = this.graph.scrollTop - this.sky;
    const y = event.clientY - frame.top;
    if (!this.scene) return null;
    const pinned = this.scene.pinned(top, this.painter.height);
    const row = pinned && y >= pinned.y && y < pinned.y + ROW ? pinned.row : Math.floor((y + top) / ROW);
    return this.scene.at(event.clientX - frame.left, row);
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
    this.panel.sayBox(box);
    this.details.update();
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

  /** Selects the next box that matches; zooms in if it is too thin to be drawn. */
  nextMatch(step) {
    const { search, selected } = this;
    const found = () => this.scene.rows.flat().filter(box => (box.rest ? search.shareOf(box, this.tree) > 0 : search.hits(box)));
    let boxes = found();
    if (!boxes.length && this.zoom.parent && search.frames) {
      this.zoomTo(this.rootOf(this.zoom));
      boxes = found();
    }
    if (!boxes.length) {
      this.panel.say(search.hiddenFrames ? 'only hidden frames match' : 'nothing matches');
      return;
    }
    const here = boxes.indexOf(selected);
    const next = here < 0 ? (step > 0 ? 0 : boxes.length - 1) : (here + step + boxes.length) % boxes.length;
    let box = boxes[next];
    for (let zooms = 0; box.rest && zooms < 40; zooms++) {
      this.zoomTo(box);
      const inside = this.scene.rows.flat().find(other => other !== this.zoom && !this.scene.above.has(other) && (other.rest ? search.shareOf(other, this.tree) > 0 : search.hits(other)));
      if (!inside) break;
      box = inside;
    }
    this.select(box);
    this.panel.sayBox(box, `match ${next + 1} of ${boxes.length}: `);
  }

  scrollTo(box) {
    const { graph } = this;
    const top = box.row * ROW;
    if (top < graph.scrollTop + ROW) graph.scrollTop = top - ROW;
    else if (top + 2 * ROW > graph.scrollTop + graph.clientHeight) graph.scrollTop = top + 2 * ROW - graph.clientHeight;
  }

  /** Scrolls to the zoomed box; in a sandwich, to its function, in the middle. */
  scrollToStart() {
    const { graph, scene, roots, zoom } = this;
    if (!scene) return;
    const top = graph.scrollTop;
    if (roots.callers) graph.scrollTop = roots.callees.row * ROW - graph.clientHeight / 2;
    else if (scene.upward) graph.scrollTop = (zoom.row + 3) * ROW - graph.clientHeight;
    else graph.scrollTop = Math.max(0, (zoom.row - 3) * ROW);
    if (graph.scrollTop !== top) this.paint();
  }

  scrolled() {
    const { graph, scene } = this;
    if (!scene) return;
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

  /** Changes the visible part of the zoomed box: `factor` times as wide, around `at` (0 to 1), moved by `by` widths. */
  stretch(factor, at = 0.5, by = 0) {
    const { from, to } = this.part;
    const width = Math.min(1, Math.max(1e-6, (to - from) * factor));
    const start = from + (to - from) * at - width * at + by * width;
    const begin = Math.min(1 - width, Math.max(0, start));
    this.part = { from: begin, to: begin + width };
    this.panel.showTooltip(null);
    this.arrange();
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
    else if (this.part.to - this.part.from < 1) this.stretch(1e9);
    else if (this.zoom.parent) this.zoomTo(this.rootOf(this.zoom));
    else if (state.view !== this.defaults.view) this.setView(this.defaults.view);
  }

  searchFor(text) {
    this.go({ search: text }, { replace: true });
  }

  setView(view) {
    if (view === 'sandwich') this.sandwich();
    else this.go({ tab: 'graph', view, focus: '', zoom: '' });
  }

  /** Whether a box is a place in the program: not everything, nor a rest, nor a package around others. */
  isCode(box) {
    return Boolean(box && box.parent) && !box.rest && !this.grouping.isPackage(box.group);
  }

  sandwich(box = this.selected || this.zoom) {
    if (!this.isCode(box)) {
      this.panel.say('sandwich: first select a function, to see its callers and callees');
      return;
    }
    this.sandwichOf(this.grouping.first[box.group]);
  }

  sandwichOf(frame) {
    this.go({ tab: 'graph', view: 'sandwich', focus: this.frameName(frame), zoom: '' });
    this.select(this.roots.callees);
  }

  toggleSandwich() {
    const { selected, state, roots } = this;
    const elsewhere = this.isCode(selected) && selected.group !== roots.callees.group;
    if (state.view === 'sandwich' && !elsewhere) this.setView('graph');
    else this.sandwich();
  }

  choose(name, value) {
    const changes = { [name]: value };
    // The boxes change, so the path has no meaning any more.
    if (name === 'group') changes.zoom = '';
    this.go(changes);
  }

  cycle(name) {
    const has = { weight: w => w < this.profile.units.length, label: label => label !== 'source' || this.profile.hasSource }[name];
    const choices = CHOICES[name].filter(has || (() => true));
    const next = choices[(choices.indexOf(this.state[name]) + 1) % choices.length];
    this.choose(name, next);
    this.panel.say(`${name}: ${name === 'weight' ? this.profile.weights[next] : next}`);
  }

  /** Adds a pattern to a list: 'hide', 'keep' or 'drop'. */
  add(list, pattern) {
    if (pattern && !this.state[list].includes(pattern)) this.go({ [list]: [...this.state[list], pattern], search: '' });
  }

  addMatches(list) {
    if (this.search.frames || this.search.hiddenFrames) this.add(list, this.search.source);
  }

  /** Returns a regexp for frameText() that matches a box's function in its file, or its file or package. */
  patternOf(box) {
    const { grouping, profile: { frames } } = this;
    const f = grouping.first[box.group];
    const [name, file, module] = [frames.name[f], frames.file[f], frames.module[f]].map(literalPattern);
    if (grouping.callsItself && file) return `\\(${file}[:)]`;
    return `^${name}${file ? ` \\(${file}[:)]` : module ? ` ${module}$` : '$'}`;
  }

  addBox(list, box = this.selected) {
    const { grouping, profile: { frames } } = this;
    const isPackage = box && !box.rest && (grouping.by === 'package' || grouping.isPackage(box.group));
    if (isPackage && list === 'keep') this.go({ only: frames.package[grouping.first[box.group]] });
    else if (this.isCode(box)) this.add(list, this.patternOf(box));
  }

  toggleTheme() {
    this.go({ theme: this.isDark() ? 'light' : 'dark' }, { replace: true });
  }
}
