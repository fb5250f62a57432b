'use strict';
// tree.js - the call tree: its sums, views, searches and actions, and where its frames come from

Object.assign(SUITES, {
  /** Checks of every page that is not empty. */
  async any() {
    const { profile } = app;
    await check('the root holds the sum of the input', () => {
      equal(profile.total[0][0], EXPECT.total, 'total');
      equal(profile.self[0].reduce((a, b) => a + b, 0), EXPECT.total, 'sum of what nodes hold');
      equal(value(app.roots.callees), EXPECT.total, 'root');
    });
    for (const view of ['graph', 'inverted']) {
      for (const changes of [{}, { imports: 'show', startup: 'show' }, { native: 'hide' }, { group: 'function' }, { group: 'file' }, { recursion: 'collapse' }, { packages: 'show' }, { imported: 'hide' }, { direction: 'flame' }, { hide: ['e'] }]) {
        await check(`${view} ${JSON.stringify(changes)} keeps the total`, () => {
          reset({ view, ...changes });
          const root = app.roots.callees;
          equal(value(root), EXPECT.total, 'root');
          const drawn = app.scene.rows[app.scene.upward ? root.row - 1 : 1] || [];
          const self = app.tree.selfOf(root, 0);
          ok(self >= 0, 'the children hold more than the root');
          // Only boxes that are together thinner than half a pixel are left out.
          const missing = EXPECT.total - self - sum(drawn);
          ok(missing >= 0 && missing * app.graph.clientWidth <= EXPECT.total / 2 + 1e-6, `${missing} are not drawn`);
          if (!changes.hide && view === 'inverted' && changes.imports) equal(self, 0, 'own amount of the root');
          checkRows();
        });
      }
    }
    await check('boxes are drawn in their colours', () => {
      reset();
      const top = byId('canvas').getBoundingClientRect().height ? app.scene.rows[0][0] : null;
      ok(top, 'the canvas has no height');
      const wanted = rgbOf(app.fillOf(top));
      equal(String(pixel(app.graph.clientWidth / 2, 3)), String(wanted), 'root\'s colour');
    });
    await check('a link opens the same view', () => {
      reset({ view: 'inverted', group: 'function', label: 'location', direction: 'flame', search: 'a.c/ é%&', hide: ['x y', '^z+'], keep: ['.'], theme: 'dark' });
      equal(JSON.stringify(fromLink(location.hash, app.defaults)), JSON.stringify(app.state), 'state');
    });
    await check('nothing was blocked and no error was thrown', () => equal(errors.join('; '), '', 'errors'));
    reset();
  },

  /** The fixture of memflame.bats, with sums computed by hand. */
  async small() {
    await check('callees of hidden frames move to their callers, and equal siblings merge', () => {
      reset();
      equal(row(0), 'all 600', 'root');
      equal(row(1), 'main 535, other 65', 'first row');
      equal(row(2), 'work 360, load 125, load 50, malloc 65', 'main calls');
      reset({ imports: 'show' });
      equal(row(2), '_find_and_load 200, work 160, load 125, load 50, malloc 65', 'main calls with imports');
    });
    await check('what imports run can be left to the lines that import', () => {
      reset({ imported: 'hide' });
      equal(row(2), 'work 160, load 125, load 50, malloc 65', 'main calls');
      equal(app.tree.selfOf(named('main'), 0), 200, 'main itself');
      ok(byId('filters').textContent.includes('hidden: what imports run'), byId('filters').textContent);
      ok(document.querySelector('[data-toggle="imports"]').closest('label').textContent.includes('import machinery (h)'), 'menu');
    });
    await check('a box is a line, a function or a file', () => {
      reset({ group: 'function' });
      equal(row(2), 'work 360, load 175, malloc 65', 'by function');
      equal(app.grouping.location(named('load').group), '/srv/app.py:10, 11', 'lines of load');
      reset({ group: 'file' });
      equal(row(1), '/srv/app.py 535, other 65', 'by file');
      equal(row(2), '/srv/lib.py 360, /srv/io.py 150, /usr/malloc.c 65', 'second row by file');
    });
    await check('no filter changes the view', () => {
      reset({ view: 'inverted', direction: 'flame', tab: 'graph' });
      for (const change of [{ hide: ['malloc'] }, { keep: ['work'] }, { imports: 'show' }, { search: 'main' }, { packages: 'show' }, { weight: 0 }]) {
        app.go(change);
        equal(`${app.state.view} ${app.state.direction}`, 'inverted flame', JSON.stringify(change));
      }
    });
    await check('direct recursion can be one box', () => {
      reset();
      equal(row(3), 'work 60, read 100, read 50', 'below');
      reset({ recursion: 'collapse' });
      equal(row(3), 'read 100, read 50', 'below, collapsed');
      equal(app.tree.selfOf(named('work'), 0), 360, 'self of work');
    });
    await check('inverted: allocating functions first, their callers below', () => {
      reset({ view: 'inverted' });
      equal(row(1), 'work 360, read 150, malloc 65, load 25', 'allocating functions');
      equal(row(2), 'main 300, work 60, load 100, load 50, other 65, main 25', 'their callers');
      equal(row(3), 'main 60, main 100, main 50', 'and theirs');
    });
    await check('sandwich: all callers and callees of a function, nothing counted twice', () => {
      reset();
      app.select(named('work'));
      key('s');
      equal(app.state.view, 'sandwich', 'view');
      equal(row(0), 'main 360', 'callers');
      equal(row(1), 'work 360', 'the function');
      equal(row(2), 'work 60', 'callees');
      key('ArrowUp');
      equal(app.nameOf(app.selected), 'main', 'above');
      key('ArrowDown');
      key('ArrowDown');
      equal(`${app.nameOf(app.selected)} ${value(app.selected)}`, 'work 60', 'below');
      key('ArrowUp');
      key('ArrowUp');
      key('Enter');
      equal(app.state.zoom, '^main', 'zoom into a caller');
      equal(named('main').width, app.graph.clientWidth, 'its width');
      key('s');
      equal(app.nameOf(app.roots.callees), 'main', 'sandwich of the selected caller');
      equal(value(app.roots.callees), 535, 'it has all of main');
      key('Escape');
      equal(app.state.view, 'graph', 'view after Esc');
    });
    await check('a search sums each stack once', () => {
      reset();
      type('io\\.py');
      equal(byId('matches').textContent, '150 B, 25.0 % of all, 1 frame', 'io.py');
      type('^work');
      equal(byId('matches').textContent, '360 B, 60.0 % of all, 1 frame', 'work');
      type('LIB.py:3');
      equal(byId('matches').textContent, '360 B, 60.0 % of all, 1 frame', 'file and line, in any case');
      type('nowhere');
      equal(byId('matches').textContent, 'no match', 'nothing');
      type('(');
      equal(byId('matches').textContent, 'not a regular expression', 'half a regexp');
      equal(byId('search').getAttribute('aria-invalid'), 'true', 'marked');
      for (const view of ['inverted', 'graph']) {
        app.setView(view);
        type('io\\.py');
        equal(byId('matches').textContent, '150 B, 25.0 % of all, 1 frame', view);
      }
    });
    await check('matching frames can be hidden, and shown again', () => {
      reset();
      type('^load');
      byId('hide-matches').click();
      equal(row(2), 'work 360, read 150, malloc 65', 'load is hidden, its callees merge');
      byId('filters').querySelector('.chip:last-child').click();
      equal(row(2), 'work 360, load 125, load 50, malloc 65', 'load is back');
      app.select(named('read'));
      key('x');
      ok(!boxes().some(box => app.nameOf(box) === 'read'), 'read is still drawn');
      equal(value(app.roots.callees), 600, 'total');
    });
    await check('figures of a box: self, of all, of the view, of the parent', () => {
      reset();
      app.zoomTo(named('main'));
      equal(app.summaryOf(named('load')), '125 B · self 25 B · 20.8 % of all · 23.4 % of view · 23.4 % of parent', 'load');
      equal(byId('status').textContent, '535 B · self 0 B · 89.2 % of all · main (/srv/app.py:1)', 'the zoomed box is read out');
      app.panel.showTooltip(named('read'), 5, 5);
      ok(byId('tooltip').textContent.includes('/srv/io.py:5'), 'no source location in the tooltip');
      ok(byId('tooltip').getBoundingClientRect().width > 50, 'no tooltip');
      app.panel.showTooltip(null);
    });
    await check('a click zooms, Back returns', async () => {
      reset();
      const load = named('load');
      const frame = byId('canvas').getBoundingClientRect();
      const event = { clientX: frame.left + load.x + load.width / 2, clientY: frame.top + load.row * ROW + 5, bubbles: true };
      byId('canvas').dispatchEvent(new MouseEvent('mousemove', event));
      ok(!byId('tooltip').hidden, 'no tooltip under the mouse');
      byId('canvas').dispatchEvent(new MouseEvent('click', event));
      equal(app.nameOf(app.zoom), 'load', 'zoomed');
      equal(app.zoom.width, app.graph.clientWidth, 'its width');
      equal([...byId('trail').querySelectorAll('button')].map(b => b.textContent).join('>'), 'all>main>load', 'breadcrumb');
      equal(byId('trail').querySelector('[aria-current]').textContent, 'load', 'current crumb');
      await back();
      equal(app.state.zoom, '', 'Back');
      app.zoomTo(named('load'));
      byId('trail').querySelectorAll('button')[1].click();
      equal(app.nameOf(app.zoom), 'main', 'a crumb zooms out');
    });
  },

  /** The fixture "packages.folded" of memflame.bats. */
  async packages() {
    await check('a menu shows packages as boxes around the functions of one', () => {
      reset();
      equal(row(1), 'main 180, other 20', 'at first without');
      const toggle = document.querySelector('[data-toggle="packages"]');
      ok(!toggle.closest('label').hidden && toggle.closest('label').textContent.includes('packages · 3'), toggle.closest('label').textContent);
      toggle.click();
      equal(row(1), '[own code] 200', 'outermost');
      equal(row(2), 'main 180, other 20', 'its functions');
      equal(row(3), '[numpy] 130, [standard library] 50', 'where another package is called');
      equal(row(4), 'array 130, load 50', 'its functions');
      equal(row(5), 'call 100, [own code] 30', 'calls within a package, and out of it');
      equal(row(6), 'back 30', 'own code again');
      equal(app.fillOf(named('[numpy]')), app.fillOf(named('array')), 'colour');
      equal(app.labelOf(named('[numpy]')).join(), '[numpy],', 'label');
      toggle.click();
      equal(row(1), 'main 180, other 20', 'and not any more');
    });
    await check('inverted, the first boxes are the packages of the legend', () => {
      reset({ packages: 'show', view: 'inverted' });
      equal(row(1), '[numpy] 100, [own code] 50, [standard library] 50', 'packages');
      for (const box of app.scene.rows[1]) equal(value(box), app.packages.amounts.get(app.nameOf(box).slice(1, -1)), app.nameOf(box));
      equal(row(2), 'call 100, back 30, other 20, load 50', 'their functions');
      equal(row(3), 'array 100, [numpy] 30, [own code] 50', 'the callers of these');
    });
    await check('a sandwich, recursion, hidden frames and other boxes have packages, too', () => {
      reset({ packages: 'show' });
      app.select(named('array'));
      key('s');
      equal(`${row(0)}; ${row(1)}; ${row(2)}; ${row(3)}`, 'main 130; [own code] 130; array 130; call 100, [own code] 30', 'sandwich');
      reset({ packages: 'show', hide: ['^main'] });
      equal(row(1), '[numpy] 130, [standard library] 50, [own code] 20', 'main hidden');
      reset({ packages: 'show', group: 'file', recursion: 'collapse' });
      equal(row(2), '/srv/app.py 180, /srv/b.py 20', 'files');
      reset({ packages: 'show', group: 'package' });
      equal(row(1), 'own code 200', 'packages alone');
      equal(row(2), 'numpy 130, standard library 50', 'they call');
    });
    await check('a package can be zoomed into, kept, described and listed', () => {
      reset({ packages: 'show', details: 'open' });
      app.zoomTo(named('[numpy]'));
      equal(app.state.zoom, '[own code]/main/[numpy]', 'link');
      equal(app.nameOf(app.find(app.state.zoom)), '[numpy]', 'found again');
      ok(byId('details').textContent.includes('[numpy]') && byId('details').textContent.includes('130 B'), byId('details').textContent);
      key('x');
      equal(app.state.hide.length, 0, 'a package is no function to hide');
      key('s');
      equal(app.state.view, 'graph', 'nor one for a sandwich');
      app.panel.openBoxMenu(app.selected);
      equal([...byId('box-menu').children].map(item => item.textContent).join(), 'Zoom in,Details,Keep only its stacks,Direct recursion as one box, or not', 'menu');
      byId('box-menu').children[2].click();
      equal(`${app.state.only} ${value(app.roots.callees)}`, 'numpy 130', 'kept');
      reset({ packages: 'show', details: 'open' });
      app.select(named('array'));
      ok(byId('details').textContent.includes('Callers (1)main') && byId('details').textContent.includes('Callees (2)call'), byId('details').textContent);
      reset({ packages: 'show', tab: 'functions' });
      equal(byId('functions').querySelectorAll('tbody tr').length, 6, 'the functions are the same');
      reset({ packages: 'show' });
      ok(foldedOf(app).includes('[own code];main (/srv/app.py:1);[numpy];array (/v/lib/python3.11/site-packages/numpy/core.py:5);[own code];back (/srv/app.py:9) 30\n'), foldedOf(app));
    });
    reset();
  },

  /** Lines with a common beginning that does not end with a frame. */
  async prefixes() {
    await check('a line shares only whole frames with the previous line', () => {
      reset();
      equal(row(1), 'ab 29, abc 18', 'outermost');
      equal(row(2), 'cd 16, c 9, c 16, d 2', 'next');
      equal(row(3), 'd 8', 'innermost');
      equal(app.tree.selfOf(named('ab'), 0), 4, 'of ab itself');
    });
  },

  /** Names in EXPECT.native must be native code, those in EXPECT.python Python, whatever the input. */
  async native() {
    await check('native and Python frames have their own colours', () => {
      reset({ native: 'show', startup: 'show', colour: 'kind' });
      for (const [kind, names] of [[KIND.NATIVE, EXPECT.native], [KIND.PYTHON, EXPECT.python]]) {
        for (const name of names) {
          const box = named(name);
          equal(app.profile.frames.kind[app.grouping.first[box.group]], kind, `kind of ${name}`);
          equal(String(pixel(Math.round(box.x + box.width - 2), box.row * ROW + 1)), String(rgbOf(app.palette.kinds[kind])), `colour of ${name}`);
        }
      }
      equal(byId('legend').textContent, 'PythonC', 'legend');
    });
  },

  /** The fixture "mixed.lz4" of memflame.bats: the interpreter's C functions, Python, imports, a library. */
  async python_only() {
    const chip = text => [...byId('filters').children].find(other => other.textContent.startsWith(text));
    const names = () => boxes().map(box => app.nameOf(box)).join();
    await check('a page with C functions opens with Python\'s alone, and a chip tells how many it hides', () => {
      app.go({ ...app.defaults });
      equal(app.state.native, 'hide', 'state');
      equal(names(), 'all,main,<module>,load', 'no C function, no start-up, no import machinery');
      equal(value(app.roots.callees), EXPECT.total, 'total');
      ok(chip('Python only: 4 C frames hidden'), byId('filters').textContent);
      ok(chip('hidden: import machinery (2 frames)'), byId('filters').textContent);
    });
    await check('p shows all C functions but the interpreter\'s, then all; the chip does, too', () => {
      app.go({ ...app.defaults, imports: 'show' });
      app.focusGraph();
      key('p');
      equal(app.state.native, 'some', 'p');
      equal(names(), 'all,main,work,load,PyImport_ImportModuleLevelObject,_find_and_load,dlopen,<module>', 'without the interpreter');
      key('p');
      equal(app.state.native, 'show', 'p again');
      ok(names().includes('_PyEval_Vector') && !names().includes('_start'), names());
      app.go({ startup: 'show' });
      equal(app.nameOf(app.scene.rows[1][0]), '_start', 'start-up');
      app.go({ ...app.defaults });
      chip('Python only').click();
      equal(app.state.native, 'show', 'chip');
    });
    app.go({ ...app.defaults });
  },

  async labels() {
    await check('the first row has these labels', () => {
      reset();
      equal(app.scene.rows[1].map(box => app.labelOf(box)[0]).join('; '), EXPECT.labels, 'labels');
    });
  },

  async trace() {
    await check('the weights are bytes and allocations', () => {
      reset();
      equal(app.profile.units.join(), 'bytes,allocations', 'units');
      equal(app.profile.total[1][0], EXPECT.allocations, 'allocations');
      key('w');
      equal(value(app.roots.callees), EXPECT.allocations, 'root');
      equal(app.shortAmountOf(app.zoom), countText(EXPECT.allocations), 'label');
      equal(byId('weight').value, '1', 'menu');
      checkRows();
      key('w');
      equal(value(app.roots.callees), EXPECT.total, 'root');
      ok(app.summaryOf(app.zoom).includes(`${countText(EXPECT.allocations)} allocations`), app.summaryOf(app.zoom));
      app.panel.showTooltip(app.zoom, 9, 9);
      for (const text of [app.summaryOf(app.zoom), byId('tooltip').textContent]) ok(!/allocations[ ·]*[\d,]+ allocations/.test(text), text);
      app.panel.showTooltip(null);
      equal(byId('title').textContent.toLowerCase(), EXPECT.title, 'title');
      equal(document.title, (EXPECT.command && `${EXPECT.command}: `) + EXPECT.title, 'title of the document');
      equal(byId('command').textContent, EXPECT.command, 'command');
      if (!EXPECT.command) ok(!/script/.test(app.profile.frames.name.join() + document.title + JSON.stringify(app.profile.about)), 'a command line');
    });
  },
});
