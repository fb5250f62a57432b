'use strict';
// source.js - source code that the trace contains

Object.assign(SUITES, {
  /** The trace of three lines in memflame.bats: one with neighbours, one without, one without source code. */
  async source() {
    const box = place => boxes().find(other => app.fullNameOf(other).endsWith(`${place})`));
    await check('labels can be lines of source code; without one, a box keeps its name', () => {
      reset({ label: 'source' });
      equal(app.labelOf(box('app.py:10')).join(' | '), 'main, "all"\\u202e | main', 'with its function');
      equal(app.labelOf(box('app.py:3'))[0], 'return read()', 'without blanks');
      equal(app.labelOf(box('app.py:4')).join(' | '), 'load | app.py:4', 'no source');
      equal(byId('show-menu').querySelector('option[value="source"]').textContent, 'source line', 'menu');
    });
    await check('the details show the line among its neighbours, and number them', () => {
      reset({ details: 'open' });
      app.select(box('app.py:10'));
      const list = byId('details').querySelector('.source');
      equal([...list.children].map(item => `${item.value}${item.className} ${item.textContent}`).join('\n'), '9 # <b>first</b>\n10own     main, "all"\\u202e\n11     if x:\n12             tab', 'lines');
      equal(byId('details').querySelectorAll('b').length, 0, 'markup');
      app.select(box('app.py:3'));
      equal(byId('details').querySelector('.source').textContent, 'return read()', 'a single line');
      app.select(box('app.py:4'));
      equal(byId('details').querySelector('.source'), null, 'none');
    });
    await check('a function\'s details show all its lines', () => {
      reset({ details: 'open', group: 'function' });
      app.select(named('load'));
      equal(byId('details').querySelector('.source').children.length, 1, 'lines');
      equal(app.grouping.source(named('load').group), '', 'no line is its label');
    });
    await check('the tooltip shows the line, and the search finds it', () => {
      reset();
      app.panel.showTooltip(box('app.py:3'), 9, 9);
      equal(byId('tooltip').querySelector('code').textContent, 'return read()', 'tooltip');
      app.panel.showTooltip(null);
      type('return read');
      equal(byId('matches').textContent.slice(0, 7), '1.00 kB', 'found');
      reset();
      app.addBox('hide', box('app.py:3'));
      ok(!boxes().some(other => app.nameOf(other) === 'load'), 'the pattern of a box matches its frame');
    });
    reset();
  },
});
