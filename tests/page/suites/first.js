'use strict';
// first.js - the first view of a large page, compared with the whole

/** What is to be seen: every box with its place, colour, label and amounts, the pixels of the graph, and the texts around it. */
function seen() {
  app.arrange();
  const texts = ['title', 'figures', 'command', 'facts', 'warnings', 'when', 'trail', 'filters', 'legend'].map(id => byId(id).textContent);
  const drawn = boxes().map(box => [box.row, box.x, box.width, app.nameOf(box), ...app.labelOf(box), ...box.amounts, box.rest ? '' : app.fillOf(box)].join(' '));
  return { texts, drawn, pixels: byId('canvas').toDataURL(), strip: app.time ? byId('strip').toDataURL() : '' };
}

Object.assign(SUITES, {
  /** EXPECT.boxes: at least that many are drawn at the widest. */
  async first() {
    const whole = app.profile;
    app.panel.hideUseless = () => {};     // once is enough
    let view = null;
    await check('a large page has a small first view', async () => {
      ok(app.drawn < app.started, 'it was not drawn first');
      view = await readProfile(byId('first').textContent);
      ok(view.count < whole.count / 2, `${view.count} of ${whole.count} nodes`);
    });
    await check('the first graph equals the one drawn when the whole has been read, at any width', () => {
      let most = 0;
      for (const [width, theme] of [[320, 'light'], [1201, 'dark'], [2559, 'light']]) {
        document.body.style.width = `${width}px`;
        history.replaceState(null, '', `#theme=${theme}`);
        app.load(view);
        const before = seen();
        app.load(whole);
        const after = seen();
        equal(before.drawn.length, after.drawn.length, `boxes at ${width}`);
        before.drawn.forEach((box, i) => equal(box, after.drawn[i], `box ${i} at ${width}`));
        before.texts.forEach((text, i) => equal(text, after.texts[i], `text ${i}`));
        ok(before.pixels === after.pixels, `the pixels differ at ${width}`);
        ok(before.strip === after.strip, 'the curves differ');
        most = Math.max(most, after.drawn.length);
      }
      document.body.style.width = '';
      ok(most >= EXPECT.boxes, `only ${most} boxes`);
    });
    await check('until the whole has been read, the page says so, and no key, link or press changes it', () => {
      reset();
      app.load(view);
      ok(document.body.inert, 'it can be pressed');
      equal(byId('status').textContent, 'Reading the rest …', 'status');
      key('i');
      location.hash = '#view=inverted';
      app.open();
      equal(app.state.view, 'graph', 'view');
      app.load(whole);
      ok(!document.body.inert, 'it cannot be pressed');
      equal(app.state.view, 'inverted', 'the view of the link');
      key('i');
      equal(app.state.view, 'graph', 'the key works');
    });
    reset();
  },

  async whole_first() {
    await check('the whole is drawn at once', () => equal(app.drawn, app.started, 'drawn'));
  },

  async no_whole() {
    await check('if the rest cannot be read, the page says so instead of showing a part', () => {
      ok(app.drawn && !app.started, 'it was read');
      ok(byId('failure').textContent.startsWith('This page cannot be shown: '), byId('failure').textContent);
      ok(byId('failure').checkVisibility() && !byId('canvas').checkVisibility(), 'the graph is to be seen');
      ok(document.body.inert, 'it can be pressed');
    });
  },
});
