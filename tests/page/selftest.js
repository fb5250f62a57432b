'use strict';
// selftest.js - appended to a page by tests/memflame.bats: checks what the page shows, and says so in the document
//
// EXPECT, from a script before this one: {total, suites: [names]}. The result is
// JSON in <script id="selftest">: {passed: [...], failed: [...], figures: {...}}.

const passed = [];
const failed = [];
const figures = {};
const errors = [];
addEventListener('error', event => errors.push(String(event.message)));
addEventListener('unhandledrejection', event => errors.push(String(event.reason)));
addEventListener('securitypolicyviolation', event => errors.push(`blocked: ${event.blockedURI}`));

// ------------------------------------------------------------ tools

function equal(found, wanted, what) {
  if (found !== wanted) throw new Error(`${what}: ${JSON.stringify(found)} instead of ${JSON.stringify(wanted)}`);
}

function ok(condition, what) {
  if (!condition) throw new Error(what);
}

async function check(sentence, test) {
  try {
    await test();
    passed.push(sentence);
  } catch (error) {
    failed.push(`${sentence}: ${error.message}`);
  }
}

function key(name, options = {}) {
  const target = document.activeElement || document.body;
  target.dispatchEvent(new KeyboardEvent('keydown', { key: name, bubbles: true, cancelable: true, ...options }));
}

function type(text) {
  byId('search').value = text;
  byId('search').dispatchEvent(new Event('input', { bubbles: true }));
}

/** Back to how the page opens, C functions shown. */
function reset(changes = {}) {
  app.selected = null;
  app.go({ ...app.defaults, native: 'show', ...changes });
  app.focusGraph();
}

function boxes() {
  return app.scene.rows.flat();
}

function named(name, row) {
  const found = (row === undefined ? boxes() : app.scene.rows[row]).find(box => app.nameOf(box) === name);
  ok(found, `no box is called ${name}`);
  return found;
}

const value = box => app.tree.value(box);
const sum = list => list.reduce((total, box) => total + value(box), 0);

/** "name value" of each box of a row. */
function row(n) {
  return (app.scene.rows[n] || []).map(box => `${app.nameOf(box)} ${value(box)}`).join(', ');
}

/** What is drawn of each box adds up to it, within its edges, in order. */
function checkRows() {
  const rows = app.scene.upward ? [...app.scene.rows].reverse() : app.scene.rows;
  rows.forEach((list, y) => {
    let x = -1e-6;
    for (const box of list) {
      ok(box.x >= x - 1e-6, `row ${y}: boxes overlap`);
      x = box.x + box.width;
      ok(box.width >= 0 && x <= app.graph.clientWidth + 1e-3, `row ${y}: a box leaves the page`);
    }
  });
  for (const box of boxes()) {
    if (!box.rest) ok(sum(app.tree.childrenOf(box)) <= value(box) + 1e-6, `${app.nameOf(box)} has less than its children`);
  }
}

/** Of what is to be seen in the next frame. */
function pixel(x, y) {
  app.paint();
  const scale = devicePixelRatio || 1;
  return [...app.painter.context.getImageData(Math.round(x * scale), Math.round(y * scale), 1, 1).data].slice(0, 3);
}

function rgbOf(colour) {
  const canvas = document.createElement('canvas');
  canvas.width = canvas.height = 1;
  const context = canvas.getContext('2d');
  context.fillStyle = colour;
  context.fillRect(0, 0, 1, 1);
  return [...context.getImageData(0, 0, 1, 1).data].slice(0, 3);
}

function luminance(rgb) {
  const [r, g, b] = rgb.map(c => (c / 255 <= 0.04045 ? c / 255 / 12.92 : ((c / 255 + 0.055) / 1.055) ** 2.4));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

function contrast(a, b) {
  const [high, low] = [luminance(rgbOf(a)), luminance(rgbOf(b))].sort((x, y) => y - x);
  return (high + 0.05) / (low + 0.05);
}

const pause = milliseconds => new Promise(resume => setTimeout(resume, milliseconds));

async function back() {
  const done = new Promise(resume => addEventListener('popstate', resume, { once: true }));
  history.back();
  await done;
}

// ------------------------------------------------------------ suites

const SUITES = {
  /** What holds of every page with something in it. */
  async any() {
    const { profile } = app;
    await check('the root holds the sum of the input', () => {
      equal(profile.total[0][0], EXPECT.total, 'total');
      equal(profile.self[0].reduce((a, b) => a + b, 0), EXPECT.total, 'sum of what nodes hold');
      equal(value(app.roots.callees), EXPECT.total, 'root');
    });
    for (const view of ['graph', 'inverted']) {
      for (const changes of [{}, { imports: 'show', startup: 'show' }, { native: 'hide' }, { group: 'function' }, { group: 'file' }, { recursion: 'collapse' }, { direction: 'flame' }, { hide: ['e'] }]) {
        await check(`${view} ${JSON.stringify(changes)} keeps the total`, () => {
          reset({ view, ...changes });
          const root = app.roots.callees;
          equal(value(root), EXPECT.total, 'root');
          const drawn = app.scene.rows[app.scene.upward ? root.row - 1 : 1] || [];
          const self = app.tree.selfOf(root, 0);
          ok(self >= 0, 'the children hold more than the root');
          // Only what is thinner than half a pixel altogether is not drawn.
          const missing = EXPECT.total - self - sum(drawn);
          ok(missing >= 0 && missing * app.graph.clientWidth <= EXPECT.total / 2 + 1e-6, `${missing} are not drawn`);
          if (!changes.hide && view === 'inverted' && changes.imports) equal(self, 0, 'nobody\'s');
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

  /** The fixture of memflame.bats, sums by hand. */
  async small() {
    await check('hidden frames are looked through, and equal siblings merge', () => {
      reset();
      equal(row(0), 'all 600', 'root');
      equal(row(1), 'main 535, other 65', 'first row');
      equal(row(2), 'work 360, load 125, load 50, malloc 65', 'main calls');
      reset({ imports: 'show' });
      equal(row(2), '_find_and_load 200, work 160, load 125, load 50, malloc 65', 'main calls with imports');
    });
    await check('a box is a line, a function or a file', () => {
      reset({ group: 'function' });
      equal(row(2), 'work 360, load 175, malloc 65', 'by function');
      equal(app.grouping.location(named('load').group), '/srv/app.py:10, 11', 'lines of load');
      reset({ group: 'file' });
      equal(row(1), '/srv/app.py 535, other 65', 'by file');
      equal(row(2), '/srv/lib.py 360, /srv/io.py 150, /usr/malloc.c 65', 'second row by file');
    });
    await check('direct recursion can be one box', () => {
      reset();
      equal(row(3), 'work 60, read 100, read 50', 'below');
      reset({ recursion: 'collapse' });
      equal(row(3), 'read 100, read 50', 'below, collapsed');
      equal(app.tree.selfOf(named('work'), 0), 360, 'self of work');
    });
    await check('inverted: what allocates first, its callers below', () => {
      reset({ view: 'inverted' });
      equal(row(1), 'work 360, read 150, malloc 65, load 25', 'who allocates');
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
      equal(byId('matches').textContent, 'no regular expression', 'half a regexp');
      equal(byId('search').getAttribute('aria-invalid'), 'true', 'marked');
      for (const view of ['inverted', 'graph']) {
        app.setView(view);
        type('io\\.py');
        equal(byId('matches').textContent, '150 B, 25.0 % of all, 1 frame', view);
      }
    });
    await check('what matches can be hidden, and shown again', () => {
      reset();
      type('^load');
      byId('hide-matches').click();
      equal(row(2), 'work 360, read 150, malloc 65', 'load is looked through, its callees merge');
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

  /** Lines that begin alike, but not by whole frames. */
  async prefixes() {
    await check('frames of the line before are taken over only whole', () => {
      reset();
      equal(row(1), 'ab 29, abc 18', 'outermost');
      equal(row(2), 'cd 16, c 9, c 16, d 2', 'next');
      equal(row(3), 'd 8', 'innermost');
      equal(app.tree.selfOf(named('ab'), 0), 4, 'of ab itself');
    });
  },

  /** The same fixture by keys alone. */
  async keys() {
    await check('arrows, Enter, Backspace, Home, End', () => {
      reset();
      byId('canvas').focus();
      key('ArrowDown');
      equal(app.nameOf(app.selected), 'all', 'the first arrow selects what is zoomed');
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
      equal(app.nameOf(app.selected), 'work', 'up in a flame is towards the callees');
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
    await check('i f g l h r t cycle what their controls show', () => {
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

  /** A name in EXPECT.native is of native code, one in EXPECT.python is Python, wherever the page has it from. */
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

  /** The fixture "diff.folded" of memflame.bats. */
  async difference() {
    const fillOf = name => {
      const box = named(name);
      return String(pixel(Math.round(box.x + box.width / 2), box.row * ROW + 1));
    };
    await check('a box is as wide as the larger side of its stacks: what vanished is there', () => {
      reset();
      equal(row(0), 'all 287', 'root');
      equal(row(1), 'main 280, same 7', 'first row');
      equal(row(2), 'load 160, old 50, less 40, new 30', 'main calls');
      equal(byId('figures').textContent, '+10 B: from 197 B to 207 B, 5 stacks', 'figures');
    });
    await check('colours: grew, shrank, no change, by how much; the legend tells them', () => {
      for (const theme of ['light', 'dark']) {
        reset({ theme });
        const { grew, shrank, none } = app.palette.changes;
        equal(fillOf('load'), String(rgbOf(grew[3])), `${theme}: from 100 to 160, of 207`);
        equal(fillOf('new'), String(rgbOf(grew[2])), `${theme}: new, 30`);
        equal(fillOf('old'), String(rgbOf(shrank[2])), `${theme}: vanished, 50`);
        equal(fillOf('less'), String(rgbOf(shrank[2])), `${theme}: from 40 to 10`);
        equal(fillOf('main'), String(rgbOf(grew[1])), `${theme}: from 190 to 200`);
        equal(fillOf('same'), String(rgbOf(none)), `${theme}: no change`);
        equal(byId('legend').textContent, 'grewshrankbelow 0.5 %', 'legend');
      }
    });
    await check('growth and shrinkage are told apart by who sees no red, no green or no blue', () => {
      // Viénot, Brettel and Mollon 1999 for the first two; of the third the blue is left out.
      const seen = { red: ([r, g, b]) => [0.11 * r + 0.89 * g, 0.11 * r + 0.89 * g, b], green: ([r, g, b]) => [0.29 * r + 0.71 * g, 0.29 * r + 0.71 * g, b], blue: ([r, g]) => [r, g, g] };
      for (const palette of Object.values(PALETTES)) {
        for (const see of Object.values(seen)) {
          const [up, down] = [palette.changes.grew, palette.changes.shrank].map(fills => see(rgbOf(fills[STEPS - 1])));
          ok(Math.hypot(...up.map((c, i) => c - down[i])) > 40, `${up} and ${down} look alike`);
        }
      }
    });
    await check('labels, tooltip and status tell before, after and the difference', () => {
      reset();
      equal(app.shortAmountOf(named('load')), '+60 B', 'label');
      equal(app.shortAmountOf(named('less')), '−30 B', 'label of what shrank');
      const told = name => {
        app.panel.showTooltip(named(name), 9, 9);
        return byId('tooltip').textContent;
      };
      ok(told('load').includes('before100 Bafter160 Bdifference+60 B (+60.0 %)'), byId('tooltip').textContent);
      ok(told('old').includes('before50 Bafter0 Bdifference−50 B, vanished'), byId('tooltip').textContent);
      ok(told('new').includes('difference+30 B, new'), byId('tooltip').textContent);
      ok(told('same').includes('differenceno change'), byId('tooltip').textContent);
      app.panel.showTooltip(null);
      app.select(named('less'));
      ok(byId('status').textContent.includes('before 40 B · after 10 B · difference −30 B (−75.0 %)'), byId('status').textContent);
    });
    await check('the width is one side alone, if one likes', () => {
      reset();
      key('w');
      equal(row(2), 'load 100, old 50, less 40', 'before');
      key('w');
      equal(row(2), 'load 160, new 30, less 10', 'after');
      equal([...byId('weight').options].map(option => option.textContent).join(), 'larger,before,after', 'menu');
      key('w');
      equal(app.state.weight, 0, 'and back');
    });
    await check('search, zoom and inverted work as on every page', () => {
      reset();
      app.zoomTo(named('main'));
      equal(row(1), 'main 280', 'zoomed');
      reset();
      key('/');
      type('^l');
      equal(byId('matches').textContent, '+30 B, 200 B, 69.7 % of all, 2 frames', 'matches');
      reset({ view: 'inverted' });
      equal(row(1), 'load 160, old 50, less 40, new 30, same 7', 'inverted');
      equal(changeText(...named('old').amounts.slice(1), 'bytes'), '−50 B', 'inverted difference');
    });
    reset();
  },

  /** Faults that were: names and files of tests/memflame.bats, "faults.folded". */
  async faults() {
    await check('Escape closes the help, and keys do not act through it', () => {
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
    await check('a name of 2,000 letters leaves the figures of tooltip and footer in sight', () => {
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
    await check('x hides the function of that file alone', () => {
      reset();
      app.select(boxes().find(box => app.fullNameOf(box) === 'run (/srv/b.py:2)'));
      key('x');
      ok(!boxes().some(box => app.fullNameOf(box).startsWith('run (/srv/b.py')), 'it is still there');
      ok(boxes().some(box => app.fullNameOf(box) === 'run (/srv/a.py:1)'), 'its namesake is gone');
    });
    await check('overrides of direction are shown as escapes, and names are isolated', () => {
      reset();
      const box = boxes().find(other => app.nameOf(other).includes('dirt'));
      equal(app.nameOf(box), '\\u202edirt\\u2066y', 'name');
      app.select(box);
      equal(byId('status').querySelector('bdi').textContent, app.fullNameOf(box), 'isolated in the footer');
      app.panel.showTooltip(box, 9, 9);
      ok(byId('tooltip').querySelector('strong > bdi'), 'isolated in the tooltip');
      app.panel.showTooltip(null);
    });
    await check('files with a long way in common can be told apart', () => {
      reset({ group: 'file' });
      const labels = boxes().map(box => app.labelOf(box)[0]);
      ok(labels.includes('numpy/core/one.py') && labels.includes('numpy/core/two.py') && labels.includes('json/decoder.py') && labels.includes('a.py'), labels.join());
    });
    await check('<module> reads as the module\'s name', () => {
      reset();
      equal(app.labelOf(boxes().find(box => app.fullNameOf(box).includes('json/__init__')))[0], 'json', 'label');
    });
    await check('own code, packages and the standard library have colours that differ, in grey too', () => {
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
    await check('a regexp that backtracks for ever does not stop the page', async () => {
      reset();
      type('(\\w+\\s?)+$');
      equal(byId('matches').textContent, 'searching …', 'at first');
      for (let i = 0; i < 200 && app.search.state === 'pending'; i++) await pause(50);
      ok(app.search.state === 'slow' || app.search.active, app.search.state);
      reset();
      // The browser's clock runs ahead here: whatever takes no time in it would have come too late.
      const timeout = globalThis.setTimeout;
      globalThis.setTimeout = (run, ms) => (ms === PATIENCE ? 0 : timeout(run, ms));
      type('numpy.*tw+o');
      for (let i = 0; i < 2000 && app.search.state === 'pending'; i++) await new Promise(resume => { const { port1, port2 } = new MessageChannel(); port1.onmessage = resume; port2.postMessage(0); });
      for (let i = 0; i < 100 && app.search.state === 'pending'; i++) await pause(50);
      globalThis.setTimeout = timeout;
      equal(byId('matches').textContent.slice(0, 7), '4.00 kB', 'what ends is found');
      reset({ hide: ['['] });
      ok(byId('filters').textContent.includes('no regular expression'), byId('filters').textContent);
    });
    await check('keep and ignore: stacks with a match, without', () => {
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
    await check('Ctrl+F goes to the search box, Shift+Enter to the match before', () => {
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

  /** Matches that are too thin to be drawn: 100,000 siblings. */
  async thin() {
    await check('a match within "N smaller" tints it, and Next zooms there', () => {
      reset();
      type('leaf_77777 ');
      const hit = boxes().filter(box => box.rest && app.search.shareOf(box, app.tree) > 0);
      equal(hit.length, 1, 'rests that hold it');
      const box = hit[0];
      equal(String(pixel(Math.max(box.x, 0) + 1, box.row * ROW + 8)), String(rgbOf(app.palette.match.fill)), 'tint');
      app.nextMatch(1);
      equal(app.nameOf(app.selected), 'leaf_77777', 'selected');
      ok(app.selected.width > 1, 'drawn');
    });
    reset();
  },

  /** EXPECT.answers: [{changes, total, count, lines}], what other tools say of the same trace; EXPECT.curve: memtime's lines. */
  async time() {
    await check('the page opens with the high-water mark', () => {
      app.go({ ...app.defaults });
      equal(value(app.roots.callees), EXPECT.total, 'bytes');
      ok(app.time.choice.isPeak, 'another moment');
      ok(byId('when').textContent.includes('when most was alive'), byId('when').textContent);
      equal(document.querySelector('[data-when="peak"]').getAttribute('aria-pressed'), 'true', 'button');
    });
    for (const { changes, bytes, count, lines } of EXPECT.answers) {
      await check(`${JSON.stringify(changes)} holds what the other tools say, stack by stack`, () => {
        app.go({ ...app.defaults, native: 'show', startup: 'show', imports: 'show', processes: 'hide', threads: 'hide', allocators: 'hide', ...changes });
        equal(app.profile.total[0][0], bytes, 'bytes');
        equal(app.profile.total[1][0], count, 'allocations');
        const found = foldedOf(app).split('\n').filter(Boolean).map(line => Number(line.replace(/.* /, ''))).filter(Boolean).sort((a, b) => a - b);
        equal(found.join(), lines.join(), 'stacks');
        checkRows();
      });
    }
    await check('the curve is memtime\'s', () => {
      const { time } = app.profile;
      equal(time.sliceMs, 1, 'length of a slice');
      for (const [seconds, heap, rss] of EXPECT.curve) {
        const slice = Math.round(seconds * 1000);
        equal(time.most[slice], heap, `heap at ${seconds}`);
        equal(time.rss[slice], rss, `resident at ${seconds}`);
      }
    });
    await check('frames of processes, threads and allocators can be shown, and keep the total', () => {
      reset({ processes: 'show', threads: 'show', allocators: 'show', imports: 'show', startup: 'show' });
      equal(value(app.roots.callees), EXPECT.total, 'total');
      const names = app.scene.rows[1].map(box => app.nameOf(box));
      ok(names.every(name => /^\[process \d+/.test(name)), names.join());
      ok(app.scene.rows[2].every(box => box.rest || /^\[thread /.test(app.nameOf(box))), 'no threads below');
      key('i');
      ok(app.scene.rows[1].every(box => box.rest || /^\[\w+\]$/.test(app.nameOf(box))), 'allocators come first when inverted');
      reset({ threads: 'show', processes: 'hide' });
      ok(app.scene.rows[1].some(box => /^\[thread /.test(app.nameOf(box))), 'threads alone');
    });
    await check('a moment or a range is chosen by mouse, keys and buttons', async () => {
      app.go({ ...app.defaults });
      const frame = byId('strip-frame').getBoundingClientRect();
      const at = part => ({ clientX: frame.left + frame.width * part, clientY: frame.top + 20, bubbles: true, cancelable: true, pointerId: 1, button: 0 });
      const pointer = (name, part) => byId('strip-frame').dispatchEvent(new PointerEvent(name, at(part)));
      byId('strip-frame').setPointerCapture = () => {};
      pointer('pointerdown', 0.5);
      pointer('pointerup', 0.5);
      const { time } = app.profile;
      ok(Math.abs(Number(app.state.to) - time.count / 2) <= 2 && app.state.from === '' && app.state.mode === 'alive', `click: ${app.state.from} ${app.state.to}`);
      ok(byId('title').textContent.startsWith('Alive at 0.'), byId('title').textContent);
      const [point] = [app.time.choice.point];
      byId('handle-to').dispatchEvent(new KeyboardEvent('keydown', { key: 'ArrowRight', bubbles: true, cancelable: true }));
      ok(app.time.choice.point > point, 'an arrow moves on');
      byId('time').querySelector('select').value = 'leaked';
      byId('time').querySelector('select').dispatchEvent(new Event('change'));
      pointer('pointerdown', 0.25);
      pointer('pointermove', 0.6);
      pointer('pointermove', 0.75);
      pointer('pointerup', 0.75);
      equal(app.state.mode, 'leaked', 'mode');
      ok(Math.abs(app.time.choice.first - time.count / 4) <= 1 && Math.abs(app.time.choice.last + 1 - time.count * 3 / 4) <= 1, `drag: ${app.state.from} ${app.state.to}`);
      ok(byId('when').textContent.includes('not freed in that time'), byId('when').textContent);
      const first = app.time.choice.first;
      byId('handle-from').dispatchEvent(new KeyboardEvent('keydown', { key: 'ArrowLeft', bubbles: true, cancelable: true }));
      equal(app.time.choice.first, first - 1, 'the handle moves');
      equal(byId('handle-from').getAttribute('aria-valuenow'), String(first - 1), 'and is told');
      await back();
      equal(app.state.mode, 'leaked', 'Back');
      for (const [name, mode] of [['leaks', 'leaked'], ['whole', 'made'], ['rss', 'alive'], ['peak', 'alive']]) {
        document.querySelector(`[data-when="${name}"]`).click();
        equal(app.state.mode, mode, name);
        equal(document.querySelector(`[data-when="${name}"]`).getAttribute('aria-pressed'), 'true', name);
      }
    });
    await check('the header says when, what was recorded, and what is missing', () => {
      const facts = byId('facts').textContent;
      for (const text of EXPECT.facts) ok(facts.includes(text), `${text}: ${facts}`);
      equal(byId('warnings').textContent, EXPECT.warnings, 'warnings');
      equal(byId('warnings').hidden, !EXPECT.warnings, 'hidden');
    });
    app.go({ ...app.defaults });
  },

  /** The fixture of memflame.bats, as files. */
  async saved() {
    await check('a picture has the boxes of the view, whatever the window shows', () => {
      reset({ theme: 'dark' });
      const picture = new DOMParser().parseFromString(pictureOf(app), 'image/svg+xml');
      equal(picture.querySelector('parsererror'), null, 'XML');
      const texts = [...picture.querySelectorAll('text')].map(text => text.textContent);
      for (const name of ['main', 'work', 'load', 'malloc']) ok(texts.includes(name), `${name}: ${texts.join()}`);
      ok(picture.querySelector('rect').getAttribute('fill') === '#fff', 'not light');
      equal(byId('canvas').style.width, `${app.graph.clientWidth}px`, 'the page is as it was');
    });
    await check('folded lines of the view have its total, and read as they were', () => {
      reset({ imports: 'show' });
      const lines = foldedOf(app).split('\n').filter(Boolean);
      equal(lines.reduce((total, line) => total + Number(line.replace(/.* /, '')), 0), EXPECT.total, 'total');
      ok(lines.includes('main (/srv/app.py:1);load (/srv/app.py:10) 25'), lines.join('\n'));
    });
    await check('the functions as CSV', () => {
      reset({ group: 'function' });
      ok(csvOf(app).includes('"work","/srv/lib.py:3",360,360,0'), csvOf(app));
    });
    await check('on paper the whole view is, in light colours', () => {
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
      ok(byId(grid.getAttribute('aria-activedescendant')).textContent.includes('main'), 'the row is told');
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

  async warned() {
    await check('what is missing stands in the header', () => {
      ok(byId('warnings').textContent.startsWith(EXPECT.warning), byId('warnings').textContent);
      ok(byId('warnings').getBoundingClientRect().height > 10, 'it is not seen');
    });
  },

  /** On a screen of EXPECT.width by EXPECT.height. */
  async small_screen() {
    await check('the graph has a height', () => {
      reset();
      ok(app.graph.clientHeight >= 160, `${app.graph.clientHeight} pixels`);
      ok(document.documentElement.scrollHeight > innerHeight || app.graph.clientHeight + 40 < innerHeight, 'it cannot be scrolled to');
      ok(app.scene && app.scene.boxes > 0, 'nothing is drawn');
    });
  },

  async dark() {
    await check('the page is dark where the system is, but for who chose otherwise', () => {
      ok(matchMedia('(prefers-color-scheme: dark)').matches, 'the browser is not dark');
      reset();
      equal(app.isDark(), true, 'dark');
      equal(getComputedStyle(document.body).backgroundColor, 'rgb(20, 23, 27)', 'page');
      reset({ theme: 'light' });
      equal(app.isDark(), false, 'light');
    });
  },

  async accessible() {
    await check('text has a contrast of 4.5 at least, in both themes', () => {
      for (const [theme, palette] of Object.entries(PALETTES)) {
        const { none, grew, shrank } = palette.changes;
        const pairs = [palette.own, ...palette.packages, palette.neutral, palette.stdlib, ...palette.kinds, ...palette.self, none, ...grew, ...shrank].flatMap(fill => [[palette.text, fill], [palette.quiet, fill]]);
        for (const look of [palette.rest, palette.dim, palette.match, palette.focus]) pairs.push([look.text, look.fill], [look.quiet || look.text, look.fill]);
        for (const [text, fill] of pairs) ok(contrast(text, fill) >= 4.5, `${theme}: ${text} on ${fill} has ${contrast(text, fill).toFixed(2)}`);
        document.documentElement.style.colorScheme = theme;
        for (const element of [byId('figures'), byId('status'), byId('title'), document.querySelector('#tools > label'), ...document.querySelectorAll('[aria-pressed="true"]'), byId('matches')]) {
          let ground = element;
          while (getComputedStyle(ground).backgroundColor === 'rgba(0, 0, 0, 0)') ground = ground.parentElement;
          const ratio = contrast(getComputedStyle(element).color, getComputedStyle(ground).backgroundColor);
          ok(ratio >= 4.5, `${theme}: ${element.id || element.tagName} has ${ratio.toFixed(2)}`);
        }
      }
    });
    await check('controls have names, the canvas is one of them, selections are announced', () => {
      for (const control of document.querySelectorAll('button, select, input')) {
        const name = control.getAttribute('aria-label') || control.textContent.trim() || (control.closest('label') || {}).textContent;
        ok(name && name.trim(), `${control.outerHTML.slice(0, 60)} has no name`);
      }
      equal(byId('canvas').getAttribute('role'), 'application', 'role');
      equal(byId('canvas').tabIndex, 0, 'can be reached by Tab');
      equal(byId('status').getAttribute('aria-live'), 'polite', 'status');
    });
    reset();
  },

  async deep() {
    await check('a stack of thousands is drawn row by row, zoomed and found', () => {
      reset();
      equal(app.scene.rows.length, EXPECT.depth + 1, 'rows');
      key('End');
      equal(app.selected.row, EXPECT.depth, 'End');
      ok(app.graph.scrollTop > EXPECT.depth * ROW - app.graph.clientHeight, 'scrolled there');
      key('Enter');
      equal(app.zoom.row, EXPECT.depth, 'zoomed');
      ok(byId('trail').children.length <= 9, 'the breadcrumb stays short');
      reset({ view: 'inverted' });
      equal(app.scene.rows.length, EXPECT.depth + 1, 'rows inverted');
      reset({ hide: ['f[1-6] '] });
      equal(app.scene.rows.length, Math.ceil(EXPECT.depth / 7) + 1, 'rows when six of seven are hidden');
    });
  },

  async cut() {
    for (const direction of ['icicle', 'flame']) {
      await check(`rows beyond a limit come when one scrolls to them: ${direction}`, () => {
        reset({ direction });
        app.limit = 100;
        app.arrange();
        equal(app.scene.rows.length, 102, 'rows at first');
        app.graph.scrollTop = direction === 'flame' ? 0 : app.graph.scrollHeight;
        const seen = app.scene.rows[direction === 'flame' ? 0 : 101][0];
        app.scrolled();
        equal(app.scene.rows.length, 402, 'rows then');
        const y = seen.row * ROW - app.graph.scrollTop;
        ok(y > -ROW && y < app.graph.clientHeight, 'what was in sight is not any more');
      });
    }
  },

  async wide() {
    await check('what is too thin is in boxes that say so, and zoom', () => {
      reset();
      const rests = app.scene.rows[2];
      ok(rests.length > 3 && rests.every(box => box.rest), 'only rests');
      equal(rests.reduce((count, box) => count + (box.rest.to - box.rest.from), 0), EXPECT.siblings, 'siblings in them');
      equal(sum(rests), EXPECT.total, 'their sum');
      ok(/^[\d,]+ smaller$/.test(app.nameOf(rests[0])), app.nameOf(rests[0]));
      let zooms = 0;
      for (; zooms < 5 && app.scene.rows[app.scene.rows.length - 1][0].rest; zooms++) {
        app.zoomTo(app.scene.rows[app.scene.rows.length - 1][0]);
      }
      ok(zooms > 0 && zooms < 5, `${zooms} zooms`);
      const leaf = app.scene.rows[app.scene.rows.length - 1][0];
      ok(app.nameOf(leaf).startsWith('leaf_'), app.nameOf(leaf));
      const link = location.hash;
      reset();
      location.hash = link;
    });
    await pause(50);
    await check('a link leads into a rest', () => ok(app.zoom.rest, 'zoomed into no rest'));
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
    await check('nothing of them ran or was loaded', () => {
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

  async trace() {
    await check('the weights are bytes and allocations', () => {
      reset();
      equal(app.profile.units.join(), 'bytes,allocations', 'units');
      equal(app.profile.total[1][0], EXPECT.allocations, 'allocations');
      key('w');
      equal(value(app.roots.callees), EXPECT.allocations, 'root');
      equal(byId('weight').value, '1', 'menu');
      checkRows();
      key('w');
      equal(value(app.roots.callees), EXPECT.total, 'root');
      ok(app.summaryOf(app.zoom).includes(`${countText(EXPECT.allocations)} allocations`), app.summaryOf(app.zoom));
      equal(byId('title').textContent.toLowerCase(), EXPECT.title, 'title');
      equal(byId('command').textContent, EXPECT.command, 'command');
    });
  },

  /** How long things take, in milliseconds from the action to its pixels. Needs real time. */
  async figures() {
    const measure = (name, action) => {
      const times = [];
      for (let i = 0; i < 3; i++) {
        reset();
        const begin = performance.now();
        action();
        pixel(0, 0);
        times.push(performance.now() - begin);
      }
      figures[name] = Math.round(times.sort((a, b) => a - b)[1]);
    };
    figures.first = Math.round(app.started);
    figures.nodes = app.profile.count;
    figures.boxes = app.scene.boxes;
    measure('search', () => app.searchFor('json'));
    const child = app.tree.childrenOf(app.tree.childrenOf(app.roots.callees)[0])[0];
    const path = app.tree.pathOf(child);
    measure('zoom', () => app.zoomTo(app.find(path)));
    measure('inverted', () => app.setView('inverted'));
    measure('hide', () => app.add('hide', '_1'));
    measure('function', () => app.cycle('group'));
    measure('sandwich', () => {
      app.select(app.find(path));
      app.sandwich();
    });
    if (app.time) {
      figures.intervals = app.profile.time.intervals.rows;
      const { end } = app.profile.time;
      measure('brush', () => app.go({ mode: 'leaked', from: String(Math.floor(end / 4)), to: String(Math.floor(end / 2)) }));
      measure('moment', () => app.go({ mode: 'alive', to: String(Math.floor(end / 3)) }));
    }
    measure('repaint', () => app.paint());
    if (performance.memory) figures.heap_mb = Math.round(performance.memory.usedJSHeapSize / 1e6);
    passed.push('figures');
  },
};

async function selftest() {
  for (let i = 0; i < 400 && !(app && app.started) && byId('failure').hidden; i++) await pause(20);
  if (!app) failed.push(`the page did not start: ${byId('failure').textContent}`);
  else for (const suite of EXPECT.suites) await SUITES[suite]();
  const result = document.createElement('script');
  result.type = 'text/plain';
  result.id = 'selftest';
  result.textContent = JSON.stringify({ passed, failed, figures });
  document.body.append(result);
}

selftest();
