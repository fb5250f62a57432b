'use strict';
// faults.js - former faults, hostile names, empty input

Object.assign(SUITES, {
  /** Former faults, with the names and files of "faults.folded" in tests/memflame.bats. */
  async faults() {
    await check('Escape closes the help, and other keys have no effect while it is open', () => {
      reset();
      key('?');
      ok(byId('help').open, 'open');
      for (const name of ['i', 'w', 'r', 'x', 'Backspace']) key(name);
      equal(toLink(app.state, { ...app.defaults, native: 'show' }), '#', 'state');
      const escape = new KeyboardEvent('keydown', { key: 'Escape', bubbles: true, cancelable: true });
      document.activeElement.dispatchEvent(escape);
      ok(!escape.defaultPrevented, 'Escape is kept from the dialog');
      key('?');
      ok(!byId('help').open, 'still open');
    });
    await check('with a name of 2,000 letters the figures in tooltip and footer stay visible', () => {
      reset();
      const box = boxes().find(other => app.nameOf(other).length > 2000);
      app.panel.showTooltip(box, 300, 300);
      const tip = byId('tooltip').getBoundingClientRect();
      const last = [...byId('tooltip').querySelectorAll('tr')].pop().getBoundingClientRect();
      ok(last.height > 0 && last.bottom <= tip.bottom && tip.bottom <= innerHeight, `figures end at ${last.bottom}, the tooltip at ${tip.bottom}`);
      app.panel.showTooltip(null);
      app.select(box);
      ok(byId('status').textContent.startsWith('7.00 kB (7,000 bytes) · self 7.00 kB · 28.0 % of all'), byId('status').textContent.slice(0, 60));
      ok(app.labelOf(box)[0].length < 120, 'template arguments are not folded');
    });
    await check('x hides only the function of that file', () => {
      reset();
      app.select(boxes().find(box => app.fullNameOf(box) === 'run (/srv/b.py:2)'));
      key('x');
      ok(!boxes().some(box => app.fullNameOf(box).startsWith('run (/srv/b.py')), 'it is still there');
      ok(boxes().some(box => app.fullNameOf(box) === 'run (/srv/a.py:1)'), 'its namesake is gone');
    });
    await check('characters that override the direction of text are escaped, and names are isolated', () => {
      reset();
      const box = boxes().find(other => app.nameOf(other).includes('dirt'));
      equal(app.nameOf(box), '\\u202edirt\\u2066y', 'name');
      app.select(box);
      equal(byId('status').querySelector('bdi').textContent, app.fullNameOf(box), 'isolated in the footer');
      app.panel.showTooltip(box, 9, 9);
      ok(byId('tooltip').querySelector('strong > bdi'), 'isolated in the tooltip');
      app.panel.showTooltip(null);
    });
    await check('files whose paths have a long common beginning can be distinguished', () => {
      reset({ group: 'file' });
      const labels = boxes().map(box => app.labelOf(box)[0]);
      ok(labels.includes('numpy/core/one.py') && labels.includes('numpy/core/two.py') && labels.includes('json/decoder.py') && labels.includes('a.py'), labels.join());
    });
    await check('<module> is shown as the module\'s name', () => {
      reset();
      equal(app.labelOf(boxes().find(box => app.fullNameOf(box).includes('json/__init__')))[0], 'json', 'label');
    });
    await check('own code, packages and the standard library have different colours, even in grey', () => {
      for (const theme of ['light', 'dark']) {
        reset({ theme });
        const fill = name => app.fillOf(boxes().find(box => app.fullNameOf(box).includes(name)));
        const fills = [fill('/srv/a.py'), fill('numpy/core/one.py'), fill('pandas/x.py'), fill('json/decoder')];
        equal(new Set(fills).size, 4, 'fills');
        equal(fill('/srv/a.py'), app.palette.own, 'own code');
        const { own, packages } = app.palette;
        for (const [a, b] of [[own, packages[0]], [own, packages[1]], [packages[0], packages[1]], [packages[1], packages[2]]]) {
          const [x, y] = [rgbOf(a), rgbOf(b)];
          ok(Math.hypot(...x.map((c, k) => c - y[k])) > 40, `${a} and ${b} look alike`);
        }
        ok(contrast(packages[0], packages[1]) > 1.15, `${contrast(packages[0], packages[1])} in grey`);
      }
    });
    await check('the legend names packages and bytes, and keeps the stacks of one', () => {
      reset();
      const entry = name => [...byId('legend').querySelectorAll('button')].find(button => button.textContent.startsWith(name));
      equal(entry('numpy').textContent, 'numpy 9.00 kB', 'entry');
      entry('numpy').click();
      equal(value(app.roots.callees), 9000, 'kept');
      equal(entry('numpy').getAttribute('aria-pressed'), 'true', 'pressed');
      ok(byId('figures').textContent.includes('9.00 kB') && byId('figures').textContent.includes('of '), byId('figures').textContent);
      byId('filters').querySelector('.chip').click();
      equal(value(app.roots.callees), EXPECT.total, 'all again');
    });
    await check('a regexp that backtracks forever does not stop the page', async () => {
      reset();
      type('(\\w+\\s?)+$');
      equal(byId('matches').textContent, 'searching …', 'at first');
      for (let i = 0; i < 200 && app.search.state === 'pending'; i++) await pause(50);
      ok(app.search.state === 'slow' || app.search.active, app.search.state);
      reset();
      // The browser's clock is virtual here, so a timeout would expire before the worker has run.
      const timeout = globalThis.setTimeout;
      globalThis.setTimeout = (run, ms) => (ms === PATIENCE ? 0 : timeout(run, ms));
      type('numpy.*tw+o');
      for (let i = 0; i < 2000 && app.search.state === 'pending'; i++) await new Promise(resume => { const { port1, port2 } = new MessageChannel(); port1.onmessage = resume; port2.postMessage(0); });
      for (let i = 0; i < 100 && app.search.state === 'pending'; i++) await pause(50);
      globalThis.setTimeout = timeout;
      equal(byId('matches').textContent.slice(0, 7), '4.00 kB', 'a regexp that ends finds its matches');
      reset({ hide: ['['] });
      ok(byId('filters').textContent.includes('not a regular expression'), byId('filters').textContent);
    });
    await check('a match is filled and outlined, not marked by its hue alone', () => {
      reset();
      type('one\\.py');
      const box = boxes().find(other => app.fullNameOf(other).includes('one.py'));
      const look = app.painter.lookOf(box);
      equal(String(pixel(box.x, box.row * ROW + 9)), String(rgbOf(look.edge)), 'edge');
      equal(String(pixel(box.x + 2, box.row * ROW + 2)), String(rgbOf(look.fill)), 'fill');
      ok(look.edge !== look.fill && contrast(look.edge, look.fill) > 2, 'they look alike');
      const other = app.painter.lookOf(boxes().find(one => app.fullNameOf(one).includes('two.py')));
      equal(other.fill, app.palette.dim.fill, 'others are dimmed');
    });
    await check('Keep and Ignore keep the stacks with a match, and those without', () => {
      reset();
      type('one\\.py');
      byId('search').dispatchEvent(new KeyboardEvent('keydown', { key: 'Enter', ctrlKey: true, bubbles: true, cancelable: true }));
      equal(value(app.roots.callees), 5000, 'kept');
      reset();
      type('one\\.py');
      byId('drop-matches').click();
      equal(value(app.roots.callees), EXPECT.total - 5000, 'ignored');
      equal(app.profile.whole[0], EXPECT.total, 'whole');
    });
    await check('Ctrl+F goes to the search box, Shift+Enter to the previous match', () => {
      reset();
      key('f', { ctrlKey: true });
      equal(document.activeElement, byId('search'), 'focus');
      type('run');
      key('Enter');
      const first = app.selected;
      key('Enter', { shiftKey: true });
      ok(app.selected !== first && app.search.hits(app.selected), 'another match');
    });
    reset();
  },

  async hostile() {
    await check('labels and title are text, whatever they contain', () => {
      reset({ imports: 'show' });
      equal(document.querySelectorAll('img, iframe, svg, b.evil').length, 0, 'elements made by labels');
      equal(globalThis.evil, undefined, 'scripts run by labels');
      const texts = app.profile.frames.name.join('\n');
      for (const name of EXPECT.names) ok(texts.includes(name), `no frame is called ${name}`);
      const made = () => document.querySelectorAll('img, iframe, svg, b.evil').length;
      for (const box of boxes()) {
        app.select(box);
        app.panel.showTooltip(box, 9, 9);
        equal(made(), 0, `elements made by the tooltip of ${app.nameOf(box)}`);
        app.zoomTo(box);
        equal(made(), 0, `elements made by the breadcrumb of ${app.nameOf(box)}`);
        app.zoomTo(app.roots.callees);
      }
      app.searchFor('<img');
      app.addMatches('hide');
      equal(made(), 0, 'elements made by a chip');
      app.panel.showTooltip(null);
      equal(byId('title').textContent, EXPECT.title, 'title');
      equal(document.title, EXPECT.title, 'document title');
    });
    await pause(100);
    await check('none of them ran or loaded anything', () => {
      equal(globalThis.evil, undefined, 'scripts run by labels');
      equal(errors.join('; '), '', 'errors');
    });
  },

  async empty() {
    await check('an empty page says so, and takes every key', () => {
      ok(!byId('empty').hidden, 'it does not say so');
      equal(app.scene.rows.length, 1, 'rows');
      for (const [name] of [...KEYS, ...Object.entries(ARROWS)]) key(name);
      byId('help').close();
      type('x');
      equal(errors.join('; '), '', 'errors');
    });
  },
});
