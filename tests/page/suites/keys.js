'use strict';
// keys.js - the keyboard

Object.assign(SUITES, {
  /** The fixture of suite "small", with keys alone. */
  async keys() {
    await check('1, 2, 3 choose the tab, d the details, k keeps, x hides', () => {
      reset();
      for (const [letter, tab] of [['2', 'functions'], ['3', 'tree'], ['1', 'graph']]) {
        key(letter);
        equal(app.state.tab, tab, letter);
        equal(byId(tab).hidden, false, `${tab} is shown`);
        equal(document.querySelector(`[role="tab"][data-tab="${tab}"]`).getAttribute('aria-selected'), 'true', `tab of ${letter}`);
      }
      app.select(named('load'));
      key('d');
      ok(!byId('details').hidden && byId('details').textContent.startsWith('load'), byId('details').textContent);
      key('d');
      ok(byId('details').hidden, 'closed');
      key('k');
      equal(value(app.roots.callees), 175, 'k');
      reset();
      app.select(named('load'));
      key('x');
      ok(!boxes().some(box => app.nameOf(box) === 'load'), 'x');
    });
    await check('arrows, Enter, Backspace, Home, End', () => {
      reset();
      byId('canvas').focus();
      key('ArrowDown');
      equal(app.nameOf(app.selected), 'all', 'the first arrow selects the zoomed box');
      key('ArrowDown');
      equal(app.nameOf(app.selected), 'main', 'down');
      key('ArrowRight');
      equal(app.nameOf(app.selected), 'other', 'right');
      key('ArrowRight');
      equal(app.nameOf(app.selected), 'other', 'nothing further right');
      key('ArrowLeft');
      key('ArrowDown');
      key('ArrowRight');
      equal(app.fullNameOf(app.selected), 'load (/srv/app.py:10)', 'load');
      key('Enter');
      equal(app.nameOf(app.zoom), 'load', 'Enter');
      key('ArrowDown');
      equal(app.nameOf(app.selected), 'read', 'below');
      key('Backspace');
      equal(app.nameOf(app.zoom), 'main', 'Backspace');
      key('End');
      equal(`${app.nameOf(app.selected)} ${value(app.selected)}`, 'work 60', 'End');
      key('Home');
      equal(app.nameOf(app.selected), 'main', 'Home');
      key('Escape');
      equal(app.state.zoom, '', 'Esc');
      key('f');
      app.select(named('main'));
      key('ArrowUp');
      equal(app.nameOf(app.selected), 'work', 'in a flame, up goes to the callees');
      key('f');
    });
    await check('search, n and N, Esc', () => {
      reset();
      key('/');
      equal(document.activeElement, byId('search'), 'focus');
      type('read');
      key('Enter');
      equal(value(app.selected), 100, 'first match');
      app.focusGraph();
      key('n');
      equal(value(app.selected), 50, 'next match');
      ok(byId('status').textContent.startsWith('match 2 of 2: 50 B'), 'status');
      key('n');
      equal(value(app.selected), 100, 'around');
      key('N');
      equal(value(app.selected), 50, 'previous match');
      key('Escape');
      equal(app.state.search, '', 'Esc ends the search');
      key('/');
      type('read');
      key('i');
      equal(app.state.view, 'graph', 'letters in the search field are text');
      key('Escape');
      equal(document.activeElement, byId('canvas'), 'Esc leaves the field');
    });
    await check('i f g l h r t change the state, and their controls show it', () => {
      reset({ theme: 'light' });
      const shown = name => {
        const toggle = document.querySelector(`[data-toggle="${name}"]`);
        if (!toggle) return document.querySelector(`select[data-state="${name}"]`).value;
        const on = toggle.checked;
        return on ? toggle.dataset.on : CHOICES[name].find(choice => choice !== toggle.dataset.on);
      };
      for (const [letter, name, values] of [
        ['f', 'direction', ['flame', 'icicle']], ['g', 'group', ['function', 'file', 'package', 'line']], ['c', 'colour', ['kind', 'self', 'package']],
        ['l', 'label', ['function', 'location', 'module', 'full']], ['h', 'imports', ['show', 'hide']], ['r', 'recursion', ['collapse', 'show']],
      ]) {
        for (const wanted of values) {
          key(letter);
          equal(app.state[name], wanted, letter);
          equal(shown(name), wanted, `menu of ${letter}`);
        }
      }
      key('i');
      equal(document.querySelector('[data-view="inverted"]').getAttribute('aria-pressed'), 'true', 'button');
      key('i');
      key('t');
      equal(getComputedStyle(document.body).backgroundColor, 'rgb(20, 23, 27)', 'dark page');
      equal(String(pixel(app.graph.clientWidth - 2, app.graph.clientHeight - 3)), '20,23,27', 'dark canvas');
      key('t');
      equal(getComputedStyle(document.body).backgroundColor, 'rgb(255, 255, 255)', 'light page');
      equal(String(pixel(app.graph.clientWidth - 2, app.graph.clientHeight - 3)), '255,255,255', 'light canvas');
      key('?');
      ok(byId('help').open, 'help');
      equal(byId('keys').rows.length, KEYS.length, 'keys listed');
      byId('help').close();
    });
  },
});
