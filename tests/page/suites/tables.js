'use strict';
// tables.js - tables, details, and views saved as files or printed

Object.assign(SUITES, {
  /** The fixture of memflame.bats, saved as files and printed. */
  async saved() {
    await check('a picture has all boxes of the view, whatever part the window shows', () => {
      reset({ theme: 'dark' });
      const picture = new DOMParser().parseFromString(pictureOf(app), 'image/svg+xml');
      equal(picture.querySelector('parsererror'), null, 'XML');
      const texts = [...picture.querySelectorAll('text')].map(text => text.textContent);
      for (const name of ['main', 'work', 'load', 'malloc']) ok(texts.includes(name), `${name}: ${texts.join()}`);
      ok(picture.querySelector('rect').getAttribute('fill') === '#fff', 'not light');
      equal(byId('canvas').style.width, `${app.graph.clientWidth}px`, 'the page is as it was');
    });
    await check('folded lines of the view have its total, and equal the input', () => {
      reset({ imports: 'show' });
      const lines = foldedOf(app).split('\n').filter(Boolean);
      equal(lines.reduce((total, line) => total + Number(line.replace(/.* /, '')), 0), EXPECT.total, 'total');
      ok(lines.includes('main (/srv/app.py:1);load (/srv/app.py:10) 25'), lines.join('\n'));
    });
    await check('the functions as CSV', () => {
      reset({ group: 'function' });
      ok(csvOf(app).includes('"work","/srv/lib.py:3",360,360,0'), csvOf(app));
    });
    await check('the canvas as PNG', async () => {
      reset();
      const saved = download;
      const [name, blob] = await new Promise(resume => {
        globalThis.download = (...file) => resume(file);
        save(app, 'png');
      });
      globalThis.download = saved;
      equal(`${name} ${blob.type}`, 'memory.png image/png', 'file');
      ok(blob.size > 1000, `${blob.size} bytes`);
    });
    await check('the whole view is printed, in light colours', () => {
      reset({ theme: 'dark' });
      dispatchEvent(new Event('beforeprint'));
      ok(byId('paper').querySelector('svg'), 'no picture');
      equal(document.documentElement.style.colorScheme, 'light', 'colours');
      dispatchEvent(new Event('afterprint'));
      equal(byId('paper').children.length, 0, 'left over');
      equal(document.documentElement.style.colorScheme, 'dark', 'colours after');
    });
    reset();
  },

  async tables() {
    await check('functions: self and total, nothing counted twice, sorted, found, opened', () => {
      reset({ tab: 'functions', group: 'function' });
      const rows = () => [...byId('functions').querySelectorAll('tbody tr')].map(tr => [...tr.cells].slice(0, 4).map(cell => cell.textContent).join(' '));
      equal(rows().join(', '), 'work 360 B 60.0 % 360 B, read 150 B 25.0 % 150 B, malloc 65 B 10.8 % 65 B, load 25 B 4.2 % 175 B, main 0 B 0 % 535 B, other 0 B 0 % 65 B', 'rows');
      equal(byId('functions').querySelector('[aria-sort]').getAttribute('aria-sort'), 'descending', 'sorted');
      byId('functions').querySelectorAll('thead button')[3].click();
      ok(rows()[0].startsWith('main'), rows()[0]);
      type('io\\.py');
      equal(rows().length, 1, 'filtered');
      byId('functions').querySelector('tbody button').click();
      equal(`${app.state.view} ${app.state.tab} ${app.nameOf(app.roots.callees)}`, 'sandwich graph read', 'opened');
    });
    await check('the tree: rows with levels, opened and closed by keys', () => {
      reset({ tab: 'tree' });
      const { grid } = app.rows;
      const rows = () => [...grid.querySelectorAll('[aria-level]')].map(row => `${row.getAttribute('aria-level')} ${row.getAttribute('aria-expanded')} ${row.children[0].textContent.replace(/[▾▸]/, '').trim()} ${row.children[1].textContent}`);
      ok(rows()[0].startsWith('1 true all 600 B'), rows().join());
      grid.focus();
      key('ArrowDown');
      const closed = rows().length;
      key('ArrowRight');
      ok(rows().length > closed, 'opened');
      ok(rows().some(row => /^3 false work .*360 B/.test(row)), rows().join('\n'));
      ok(byId(grid.getAttribute('aria-activedescendant')).textContent.includes('main'), 'the current row is announced');
      key('ArrowLeft');
      equal(rows().length, closed, 'closed');
      key('Enter');
      equal(`${app.state.tab} ${app.nameOf(app.zoom)}`, 'graph main', 'shown in the graph');
    });
    await check('details: a function wherever it is called, its callers and callees', () => {
      reset({ details: 'open' });
      app.select(named('work'));
      const text = byId('details').textContent;
      ok(text.includes('Callers (1)') && text.includes('main') && text.includes('360 B, 60.0 % of all'), text);
    });
    reset();
  },
});
