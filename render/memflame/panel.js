'use strict';
// panel.js - everything around the graph: figures, controls, breadcrumb, tooltip, menus, status, help

const CRUMBS = 8;
const DEEP = 200;           // rows; above that, collapsing recursion is offered
/** Stacks of the other phases of a recorded process: they hang under these two (plant.c). */
const NOT_THE_SCRIPT = '^\\[interpreter (?:start-up|shutdown)\\]$';
const SCRIPT_ALONE = 'only what the script allocated';

function byId(id) {
  return document.getElementById(id);
}

/** Makes an element with properties and children; strings are inserted as text, never as markup. */
function make(name, properties = {}, ...children) {
  const element = Object.assign(document.createElement(name), properties);
  element.append(...children);
  return element;
}

/** Wraps a name so that its direction does not affect the text around it. */
function isolated(text) {
  return make('bdi', {}, text);
}

function swatch(colour) {
  const element = make('i', { className: 'swatch' });
  element.style.background = colour;
  return element;
}

class Panel {
  constructor(app) {
    this.app = app;
    this.showAbout();
    this.bindControls();
    this.fillHelp();
  }

  // ---- header

  showAbout() {
    const { profile } = this.app;
    byId('command').replaceChildren(isolated(profile.command));
    byId('command').title = profile.command;
    byId('command').hidden = !profile.command;
    byId('help-difference').hidden = !profile.difference;
    byId('help-time').hidden = !profile.time;
    byId('warnings').replaceChildren(...profile.warnings.map(text => make('div', {}, text)));
    byId('warnings').hidden = !profile.warnings.length;
    byId('facts').replaceChildren(...profile.facts.map(([name, text]) => make('span', {}, `${name} `, make('b', {}, isolated(text)))));
    byId('facts').hidden = !profile.facts.length;
  }

  showFigures() {
    const { app } = this;
    const { profile } = app;
    const title = app.time ? app.time.title : profile.title;
    byId('title').textContent = profile.titled ? profile.title : title.charAt(0).toUpperCase() + title.slice(1);
    const amounts = profile.units.map((unit, w) => amountText(profile.total[w][0], unit));
    const stacks = app.time ? [] : [pluralText(profile.stacks, 'stack')];
    const [unit] = profile.units;
    const [, before, after] = profile.total.map(total => total[0]);
    const kept = profile.total[0][0] === profile.whole[0] ? '' : `, of ${amountText(profile.whole[0], unit)}`;
    byId('figures').replaceChildren(...profile.difference
      ? [make('b', {}, changeText(before, after, unit)), `: from ${amounts[1]} to ${amounts[2]}, ${stacks.join(', ')}${kept}`]
      : [make('b', {}, amounts[0]), ` in ${[...amounts.slice(1), ...stacks].join(', ')}${kept}`]);
  }

  showLegend() {
    const { app } = this;
    const { palette, profile, state, packages } = app;
    const plain = (colour, name) => make('span', {}, swatch(colour), name);
    const kinds = () => [...new Set(profile.frames.kind.subarray(1))].filter(kind => kind < KIND.PROCESS).sort((a, b) => (a || 9) - (b || 9));
    const { grew, shrank, none } = palette.changes;
    let entries;
    if (profile.difference) entries = [[grew[STEPS - 1], 'grew'], [shrank[STEPS - 1], 'shrank'], [none, 'below 0.5 %']].map(entry => plain(...entry));
    else if (state.colour === 'kind') entries = kinds().map(kind => plain(palette.kinds[kind], KIND_NAME[kind]));
    else if (state.colour === 'self') entries = [plain(palette.self[0], 'all from callees'), plain(palette.self[palette.self.length - 1], 'all its own')];
    else entries = packages.entries(state.only).map(([name, amount]) => this.legendEntry(name, amount, packages.fill(palette, name)));
    byId('legend').replaceChildren(...entries);
  }

  legendEntry(name, amount, colour) {
    const { app } = this;
    const { weight, only } = app.state;
    const unit = app.profile.units[weight];
    const text = [swatch(colour), `${name} ${unit === 'bytes' ? amountText(amount, unit) : countText(amount)}`];
    if (name === 'others') return make('span', {}, ...text);
    const button = make('button', { type: 'button', title: `Keep only the stacks with code of ${name}`, onclick: () => app.go({ only: only === name ? '' : name }) }, ...text);
    button.setAttribute('aria-pressed', String(only === name));
    return button;
  }

  // ---- controls

  bindControls() {
    const { app } = this;
    for (const button of document.querySelectorAll('[data-view]')) {
      button.onclick = () => app.setView(button.dataset.view);
    }
    for (const button of document.querySelectorAll('[role="tab"]')) {
      button.onclick = () => app.go({ tab: button.dataset.tab });
    }
    for (const box of document.querySelectorAll('[data-toggle]')) {
      box.onchange = () => app.cycle(box.dataset.toggle);
    }
    for (const select of document.querySelectorAll('select[data-state]')) {
      const name = select.dataset.state;
      select.onchange = () => app.choose(name, CHOICES[name].find(value => String(value) === select.value));
    }
    for (const button of document.querySelectorAll('[data-save]')) {
      button.onclick = () => {
        this.closeMenus();
        save(app, button.dataset.save);
      };
    }
    byId('weight').closest('label').hidden = app.profile.units.length < 2;
    byId('weight').replaceChildren(...app.profile.weights.map((name, w) => make('option', { value: w }, name)));
    byId('theme').onclick = () => app.toggleTheme();
    byId('help-button').onclick = () => this.toggleHelp();
    byId('previous').onclick = () => app.nextMatch(-1);
    byId('next').onclick = () => app.nextMatch(1);
    for (const list of ['hide', 'keep', 'drop']) byId(`${list}-matches`).onclick = () => app.addMatches(list);
    const search = byId('search');
    search.oninput = () => app.searchFor(search.value);
    search.onkeydown = event => this.searchKey(event);
  }

  /** Hides the controls that would have no effect on this page. */
  hideUseless() {
    const { profile } = this.app;
    const { frames, about: { kinds, mixed } } = profile;
    if (!profile.hasSource) document.querySelector('option[value="source"]').remove();
    byId('colour-label').hidden = profile.difference;
    byId('native-label').hidden = !mixed;
    const packages = new Set(frames.package.filter((name, f) => !isVirtual(frames.kind[f])));
    for (const [name, size] of [['imports', kinds[KIND.IMPORT]], ['imported', kinds[KIND.IMPORT] > 0], ['startup', profile.startup.includes(1)],
      ['processes', kinds[KIND.PROCESS]], ['threads', kinds[KIND.THREAD]], ['allocators', kinds[KIND.ALLOCATOR]], ['packages', packages.size],
      ['vanished', profile.difference], ['strip', profile.time]]) {
      const label = document.querySelector(`[data-toggle="${name}"]`).closest('label');
      label.hidden = !size;
      if (size > 1) label.append(` · ${countText(size)}`);
    }
  }

  searchKey(event) {
    const { app } = this;
    if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) app.addMatches('keep');
    else if (event.key === 'Enter' && event.altKey) app.addMatches('hide');
    else if (event.key === 'Enter') app.nextMatch(event.shiftKey ? -1 : 1);
    else if (event.key === 'Escape') {
      app.searchFor('');
      app.focusGraph();
    } else return;
    event.preventDefault();
    event.stopPropagation();
  }

  focusSearch() {
    byId('search').focus();
    byId('search').select();
  }

  /** Updates the controls from the state. */
  update() {
    const { app } = this;
    const { state } = app;
    for (const button of document.querySelectorAll('[data-view]')) button.setAttribute('aria-pressed', String(state.view === button.dataset.view));
    for (const button of document.querySelectorAll('[role="tab"]')) button.setAttribute('aria-selected', String(state.tab === button.dataset.tab));
    for (const box of document.querySelectorAll('[data-toggle]')) box.checked = state[box.dataset.toggle] === box.dataset.on;
    for (const select of document.querySelectorAll('select[data-state]')) select.value = String(state[select.dataset.state]);
    byId('strip-frame').hidden = state.strip === 'hide';
    if (byId('search').value !== state.search) byId('search').value = state.search;
    this.showFigures();
    this.showMatches();
    this.showTrail();
    this.showLegend();
  }

  showMatches() {
    const { search } = this.app;
    byId('search').setAttribute('aria-invalid', String(search.state === 'bad'));
    for (const id of ['previous', 'next']) byId(id).disabled = !search.frames;
    for (const id of ['hide-matches', 'keep-matches', 'drop-matches']) byId(id).disabled = !(search.frames || search.hiddenFrames);
    byId('matches').hidden = !search.source;
    byId('matches').textContent = this.matchText();
  }

  matchText() {
    const { search, profile, state: { weight } } = this.app;
    switch (search.state) {
      case 'bad': return 'not a regular expression';
      case 'pending': return 'searching …';
      case 'slow': return 'this expression takes too long';
    }
    const hidden = search.hiddenFrames ? `, ${pluralText(search.hiddenFrames, 'hidden frame')}` : '';
    if (!search.frames) return `no match${hidden ? ` shown${hidden}` : ''}`;
    const change = profile.difference ? `${changeText(search.amounts[1], search.amounts[2], profile.units[0])}, ` : '';
    return `${change}${amountText(search.amounts[weight], profile.units[weight])}, ${shareText(search.amounts[weight], profile.whole[weight])} of all, ${pluralText(search.frames, 'frame')}${hidden}`;
  }

  // ---- breadcrumb and filters

  showTrail() {
    const { app } = this;
    const way = [];
    for (let box = app.zoom; box; box = box.parent) way.unshift(box);
    const skipped = Math.max(0, way.length - CRUMBS);
    const shown = skipped ? [way[0], ...way.slice(skipped + 1)] : way;
    const crumbs = shown.map((box, i) => {
      const here = box === app.zoom;
      const crumb = make('button', { type: 'button', onclick: () => app.zoomTo(box) }, isolated(cutText(app.labelOf(box)[0], 200)));
      if (here) crumb.setAttribute('aria-current', 'location');
      return make('li', skipped && i === 1 ? { className: 'skipped', title: `${skipped} more between` } : {}, crumb);
    });
    byId('trail').replaceChildren(...crumbs);
    byId('filters').replaceChildren(...this.chips());
  }

  /** A button for each filter and each hidden kind of frame, which removes it. */
  chips() {
    const { app } = this;
    const { state, profile, matcher } = app;
    const { kinds, mixed, phases } = profile.about;
    const offer = (text, title, run) => make('button', { type: 'button', className: 'chip', title, onclick: run }, `${text}?`);
    const chip = (text, title, undo) => make('button', { type: 'button', className: 'chip', title, onclick: undo }, isolated(text), make('span', { ariaHidden: 'true' }, ' ×'));
    const imports = kinds[KIND.IMPORT];
    const chips = [];
    if (phases) {
      const others = state.drop.filter(pattern => pattern !== NOT_THE_SCRIPT);
      const isOnly = others.length < state.drop.length;
      chips.push(isOnly ? chip(SCRIPT_ALONE, 'Show what the interpreter\'s start and end allocated, too', () => app.choose('drop', others))
        : offer(SCRIPT_ALONE, 'Leave out what the interpreter\'s start and end allocated', () => app.choose('drop', [...state.drop, NOT_THE_SCRIPT])));
    }
    if (state.view === 'sandwich') chips.push(chip(`sandwich of ${app.nameOf(app.roots.callees)}`, 'Back to the graph (s)', () => app.setView('graph')));
    if (state.only) chips.push(chip(`only with ${state.only}`, 'Show all again', () => app.go({ only: '' })));
    if (mixed && state.native === 'hide') chips.push(chip(`Python only: ${countText(kinds[KIND.NATIVE])} C frames hidden`, 'Show the C functions (p)', () => app.choose('native', 'show')));
    if (mixed && state.native === 'some') chips.push(chip('the interpreter\'s C frames hidden', 'Show all C functions (p)', () => app.choose('native', 'show')));
    if (state.imports === 'hide' && imports) chips.push(chip(`hidden: import machinery (${pluralText(imports, 'frame')})`, 'Show these again (h)', () => app.choose('imports', 'show')));
    if (state.imported === 'hide') chips.push(chip('hidden: what imports run', 'Show these again', () => app.choose('imported', 'show')));
    if (state.recursion === 'collapse') chips.push(chip('recursion collapsed', 'Show every call (r)', () => app.choose('recursion', 'show')));
    else if (app.scene?.rows.length > DEEP) chips.push(offer('direct recursion as one box', `There are ${pluralText(app.scene.rows.length, 'row')} (r)`, () => app.choose('recursion', 'collapse')));
    for (const [list, words, back] of [['keep', 'only with', 'Show all again'], ['drop', 'without', 'Show these again'], ['hide', 'hidden:', 'Show these again']]) {
      for (const pattern of state[list]) {
        if (pattern === NOT_THE_SCRIPT) continue;
        const why = { bad: ' (not a regular expression)', slow: ' (takes too long)', pending: ' …' }[matcher.of(pattern)] || '';
        chips.push(chip(`${words} /${pattern}/${why}`, back, () => app.choose(list, state[list].filter(other => other !== pattern))));
      }
    }
    return chips;
  }

  // ---- tooltip, status, menus

  showTooltip(box, x, y) {
    const tooltip = byId('tooltip');
    tooltip.hidden = !box;
    if (!box) return;
    if (this.described !== box) tooltip.replaceChildren(...this.describe(box));
    this.described = box;
    const { offsetWidth: width, offsetHeight: height } = tooltip;
    const right = Math.max(4, Math.min(x + 14, innerWidth - width - 8));
    const below = y + 18 + height > innerHeight ? y - height - 10 : y + 18;
    tooltip.style.transform = `translate(${right}px, ${Math.max(4, below)}px)`;
  }

  describe(box) {
    const { app } = this;
    const { profile, grouping } = app;
    const parts = [make('strong', {}, isolated(box.rest ? app.nameOf(box) : shortName(app.nameOf(box))))];
    const location = box.rest ? '' : grouping.location(box.group);
    const module = box.rest || grouping.isPackage(box.group) ? '' : profile.frames.module[grouping.first[box.group]];
    if (location) parts.push(make('div', { className: 'place' }, isolated(location)));
    const source = box.rest ? '' : grouping.source(box.group);
    if (source) parts.push(make('code', {}, isolated(source)));
    if (module && module !== location) parts.push(make('div', { className: 'place' }, isolated(module)));
    const rows = app.figuresOf(box).map(([name, ...cells]) =>
      make('tr', {}, make('th', { scope: 'row' }, name), ...cells.map(cell => make('td', {}, cell))));
    parts.push(make('table', {}, ...rows));
    if (box.rest) parts.push(make('div', { className: 'place' }, 'too thin to be drawn at this zoom: click to see them'));
    return parts;
  }

  /** Shows a text in the status line, which screen readers announce. */
  say(text) {
    byId('status').textContent = text;
  }

  /** Puts the figures first, so that a long name does not cut them off. */
  sayBox(box, before = '') {
    const { app } = this;
    byId('status').replaceChildren(`${before}${app.summaryOf(box)} · `, isolated(app.fullNameOf(box)));
  }

  openBoxMenu(box, event) {
    if (!box) return;
    const { app } = this;
    const menu = byId('box-menu');
    const canvas = byId('canvas').getBoundingClientRect();
    app.select(box);
    const isCode = app.isCode(box);
    const items = [['Zoom in', () => app.zoomTo(box)],
      isCode && ['Callers and callees', () => app.sandwich(box)],
      !box.rest && ['Details', () => app.go({ details: 'open' })],
      isCode && ['Search for it', () => app.searchFor(app.patternOf(box))],
      box.parent && !box.rest && ['Keep only its stacks', () => app.addBox('keep', box)],
      isCode && ['Ignore its stacks', () => app.addBox('drop', box)],
      isCode && ['Hide it', () => app.addBox('hide', box)],
      !box.rest && ['Direct recursion as one box, or not', () => app.cycle('recursion')],
      isCode && ['Copy its name', () => copyText(app.fullNameOf(box))],
      isCode && ['Copy its stack', () => copyText(app.stackOf(box).join('\n'))],
    ].filter(Boolean);
    menu.replaceChildren(...items.map(([text, run]) => {
      const item = make('button', { type: 'button', onclick: () => { this.closeMenus(); run(); } }, text);
      item.setAttribute('role', 'menuitem');
      return item;
    }));
    menu.hidden = false;
    const x = event ? event.clientX : canvas.left + Math.max(0, box.x) + 10;
    const y = event ? event.clientY : canvas.top + box.row * ROW - app.graph.scrollTop + ROW;
    menu.style.left = `${Math.max(0, Math.min(x, innerWidth - menu.offsetWidth - 4))}px`;
    menu.style.top = `${Math.max(0, Math.min(y, innerHeight - menu.offsetHeight - 4))}px`;
    menu.onkeydown = keyed => {
      const step = { ArrowDown: 1, ArrowUp: -1 }[keyed.key];
      if (!step) return;
      const buttons = [...menu.children];
      buttons[(buttons.indexOf(document.activeElement) + step + buttons.length) % buttons.length].focus();
      keyed.preventDefault();
    };
    menu.firstChild.focus();
  }

  /** Closes all menus; returns whether one was open. */
  closeMenus() {
    const open = [...document.querySelectorAll('.menu[open]')];
    const menu = byId('box-menu');
    const wasOpen = open.length > 0 || !menu.hidden;
    for (const details of open) details.open = false;
    if (!menu.hidden) {
      menu.hidden = true;
      this.app.focusGraph();
    }
    return wasOpen;
  }

  // ---- help

  fillHelp() {
    byId('keys').replaceChildren(...KEYS.map(([key, help]) =>
      make('tr', {}, make('th', { scope: 'row' }, make('kbd', {}, key)), make('td', {}, help))));
    byId('help').onclick = event => {
      if (event.target === byId('help')) byId('help').close();
    };
    addEventListener('pointerdown', event => {
      if (!event.target.closest('.menu, #box-menu')) this.closeMenus();
    });
  }

  toggleHelp() {
    const help = byId('help');
    if (help.open) help.close();
    else help.showModal();
  }
}

async function copyText(text) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    const area = make('textarea', { value: text });
    document.body.append(area);
    area.select();
    document.execCommand('copy');
    area.remove();
  }
  app.panel.say('copied');
}
