'use strict';
// phases.js - a recorded process: its interpreter's start and end, and its script

Object.assign(SUITES, {
  /** A recorded process: one box for its interpreter's start, and a chip for what the script allocated. */
  async phases() {
    const chip = () => [...byId('filters').querySelectorAll('.chip')].find(button => button.textContent.startsWith('only what the script allocated'));
    await check('all of the start hangs under one box', () => {
      reset({ imports: 'hide' });
      const start = boxes().filter(box => app.nameOf(box) === '[interpreter start-up]');
      equal(start.length, 1, 'boxes of that name');
      equal(start[0].parent, app.roots.callees, 'its parent');
      equal(value(start[0]), EXPECT.total - EXPECT.script, 'its bytes');
    });
    await check('a chip leaves the script, and gives the rest back', () => {
      chip().click();
      equal(value(app.roots.callees), EXPECT.script, 'script');
      ok(!boxes().some(box => app.nameOf(box).startsWith('[interpreter')), 'no other box');
      ok(!byId('filters').textContent.includes('without /'), 'one chip');
      chip().click();
      equal(value(app.roots.callees), EXPECT.total, 'all again');
    });
    await check('of all that was made, the shutdown is left out too', () => {
      reset({ mode: 'made' });
      ok(boxes().some(box => app.nameOf(box) === '[interpreter shutdown]'), 'shutdown');
      chip().click();
      equal(value(app.roots.callees), EXPECT.made, 'script');
    });
  },
});
