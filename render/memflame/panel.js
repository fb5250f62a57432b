'use strict';
// panel.js - everything around the graph: figures, controls, the way to the zoomed box, tooltip, status, help

const CRUMBS = 8;

function byId(id) {
  return document.getElementById(id);
}

/** An element with properties and children; texts are texts, whatever is in them. */
function make(name, properties = {}, ...children) {
  const element = Object.assign(document.createElement(name), properties);
  element.append(...children);
  return element;
}

class Panel {
  constructor(app) {
    this.app = app;
    this.kinds = [...new Set(app.profile.frames.kind.subarray(1))].sort((a, b) => (a || 9) - (b || 9));    // that occur
    this.showFigures();
    this.bindControls();
    this.fillHelp();
  }

  // ---- figures

  showFigures() {
    const { profile } = this.app;
    byId('title').textContent = profile.title;
    byId('command').textContent = profile.command;
    byId('command').hidden = !profile.command;
    const amounts = profile.units.map((unit, w) => amountText(profile.total[w][0], unit));
    const stacks = `${countText(profile.stacks)} ${profile.stacks === 1 ? 'stack' : 'stacks'}`;
    const [unit] = profile.units;
    const [, before, after] = profile.total.map(total => total[0]);
    byId('figures').replaceChildren(...profile.difference
      ? [make('b', {}, changeText(before, after, unit)), `: from ${amounts[1]} to ${amounts[2]}, ${stacks}`]
      : [make('b', {}, amounts[0]), ` in ${[...amounts.slice(1), stacks].join(', ')}`]);
    byId('help-difference').hidden = !profile.difference;
  }

  showLegend() {
    const { palette, profile } = this.app;
    const { grew, shrank, none } = palette.changes;
    const entries = profile.difference ? [[grew[STEPS - 1], 'grew'], [shrank[STEPS - 1], 'shrank'], [none, 'no change']]
      : this.kinds.map(kind => [palette.kinds[kind][2], KIND_NAME[kind]]);
    byId('legend').replaceChildren(...entries.map(([colour, name]) => {
      const swatch = make('i');
      swatch.style.background = colour;
      return make('span', {}, swatch, name);
    }));
  }

  // ---- controls

  bindControls() {
    const { app } = this;
    for (const button of document.querySelectorAll('[data-view]')) {
      button.onclick = () => app.setView(button.dataset.view);
    }
    for (const button of document.querySelectorAll('[data-toggle]')) {
      button.onclick = () => app.cycle(button.dataset.toggle);
    }
    for (const select of document.querySelectorAll('select[data-state]')) {
      const name = select.dataset.state;
      select.onchange = () => app.choose(name, CHOICES[name].find(value => String(value) === select.value));
    }
    byId('weight').closest('label').hidden = app.profile.units.length < 2;
    byId('weight').replaceChildren(...app.profile.weights.map((name, w) => make('option', { value: w }, name)));
    byId('theme').onclick = () => app.toggleTheme();
    byId('help-button').onclick = () => this.toggleHelp();
    byId('previous').onclick = () => app.nextMatch(-1);
    byId('next').onclick = () => app.nextMatch(1);
    byId('hide-matches').onclick = () => app.hideMatches();
    const search = byId('search');
    search.oninput = () => app.searchFor(search.value);
    search.onkeydown = event => this.searchKey(event);
  }

  searchKey(event) {
    const { app } = this;
    if (event.key === 'Enter' && event.shiftKey) app.hideMatches();
    else if (event.key === 'Enter') app.nextMatch(1);
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

  /** Show what the controls are set to. */
  update() {
    const { app } = this;
    const { state } = app;
    for (const button of document.querySelectorAll('[data-view], [data-toggle]')) {
      const { view, toggle, on } = button.dataset;
      button.setAttribute('aria-pressed', String(toggle ? state[toggle] === on : state.view === view));
    }
    for (const select of document.querySelectorAll('select[data-state]')) select.value = String(state[select.dataset.state]);
    if (byId('search').value !== state.search) byId('search').value = state.search;
    this.showMatches();
    this.showTrail();
    this.showLegend();
  }

  showMatches() {
    const { search, profile, state } = this.app;
    const { weight } = state;
    const found = search.frames > 0;
    byId('search').setAttribute('aria-invalid', String(search.bad));
    for (const id of ['previous', 'next', 'hide-matches']) byId(id).disabled = !found;
    byId('matches').hidden = !search.source;
    byId('matches').textContent = search.bad ? 'no regular expression' : !search.active ? ''
      : !found ? 'no match'
        : `${profile.difference ? `${changeText(search.amounts[1], search.amounts[2], profile.units[0])}, ` : ''}`
          + `${amountText(search.amounts[weight], profile.units[weight])}, ${shareText(search.amounts[weight], profile.total[weight][0])} of all, `
          + `${countText(search.frames)} ${search.frames === 1 ? 'frame' : 'frames'}`;
  }

  // ---- the way here

  showTrail() {
    const { app } = this;
    const way = [];
    for (let box = app.zoom; box; box = box.parent) way.unshift(box);
    const skipped = Math.max(0, way.length - CRUMBS);
    const shown = skipped ? [way[0], ...way.slice(skipped + 1)] : way;
    const crumbs = shown.map((box, i) => {
      const here = box === app.zoom;
      const crumb = make('button', { type: 'button', onclick: () => app.zoomTo(box) }, app.nameOf(box));
      if (here) crumb.setAttribute('aria-current', 'location');
      return make('li', skipped && i === 1 ? { className: 'skipped', title: `${skipped} more between` } : {}, crumb);
    });
    byId('trail').replaceChildren(...crumbs);
    byId('filters').replaceChildren(...this.chips());
  }

  chips() {
    const { app } = this;
    const { state } = app;
    const chip = (text, title, undo) => make('button', { type: 'button', className: 'chip', title, onclick: undo }, text, make('span', { ariaHidden: 'true' }, ' ×'));
    const chips = state.hide.map(pattern =>
      chip(`hidden: /${pattern}/`, 'Show these again', () => app.choose('hide', state.hide.filter(other => other !== pattern))));
    if (state.imports === 'hide' && app.importFrames) {
      chips.unshift(chip(`hidden: import machinery (${countText(app.importFrames)} frames)`, 'Show these again (h)', () => app.choose('imports', 'show')));
    }
    if (state.recursion === 'collapse') {
      chips.push(chip('recursion collapsed', 'Show every call (r)', () => app.choose('recursion', 'show')));
    }
    if (state.view === 'sandwich') {
      chips.unshift(chip(`sandwich of ${app.nameOf(app.roots.callees)}`, 'Back to the graph (s)', () => app.setView('graph')));
    }
    return chips;
  }

  // ---- tooltip and status

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
    const parts = [make('strong', {}, app.nameOf(box))];
    const location = box.rest ? '' : grouping.location(box.group);
    const module = box.rest ? '' : profile.frames.module[grouping.first[box.group]];
    if (location) parts.push(make('div', { className: 'place' }, location));
    if (module && module !== location) parts.push(make('div', { className: 'place' }, module));
    const rows = app.figuresOf(box).map(([name, ...cells]) =>
      make('tr', {}, make('th', { scope: 'row' }, name), ...cells.map(cell => make('td', {}, cell))));
    parts.push(make('table', {}, ...rows));
    if (box.rest) parts.push(make('div', { className: 'place' }, 'too thin to be drawn at this zoom: click to see them'));
    return parts;
  }

  /** Read aloud too. */
  say(text) {
    byId('status').textContent = text;
  }

  // ---- help

  fillHelp() {
    byId('keys').replaceChildren(...KEYS.map(([key, help]) =>
      make('tr', {}, make('th', { scope: 'row' }, make('kbd', {}, key)), make('td', {}, help))));
    byId('help').onclick = event => {
      if (event.target === byId('help')) byId('help').close();
    };
  }

  toggleHelp() {
    const help = byId('help');
    if (help.open) help.close();
    else help.showModal();
  }
}
