'use strict';
// time.js - pages of a trace: moments and ranges, agreement with the other tools, facts and warnings

Object.assign(SUITES, {
  /** EXPECT.answers: [{changes, bytes, count, lines}], other tools' results for the same trace; EXPECT.curve: memtime's lines. */
  async time() {
    await check('the page opens with the high-water mark', () => {
      app.go({ ...app.defaults });
      equal(value(app.roots.callees), EXPECT.total, 'bytes');
      ok(app.time.choice.isPeak, 'another moment');
      ok(byId('when').textContent.includes('the high-water mark'), byId('when').textContent);
      equal(document.querySelector('[data-when="peak"]').getAttribute('aria-pressed'), 'true', 'button');
    });
    for (const { changes, bytes, count, lines } of EXPECT.answers) {
      await check(`${JSON.stringify(changes)} agrees with the other tools, stack by stack`, () => {
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
      ok(app.scene.rows[1].every(box => /^\[process \d+: 'my script.py'\]$/.test(app.labelOf(box)[0])), app.labelOf(app.scene.rows[1][0])[0]);
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
      equal(byId('handle-from').getAttribute('aria-valuenow'), String(first - 1), 'and its value is announced');
      await back();
      equal(app.state.mode, 'leaked', 'Back');
      for (const [name, mode] of [['leaks', 'leaked'], ['whole', 'made'], ['rss', 'alive'], ['peak', 'alive']]) {
        document.querySelector(`[data-when="${name}"]`).click();
        equal(app.state.mode, mode, name);
        equal(document.querySelector(`[data-when="${name}"]`).getAttribute('aria-pressed'), 'true', name);
      }
    });
    await check('the wheel stretches the strip around the pointer, Shift moves it; the strip can be left out', () => {
      reset();
      const frame = byId('strip-frame').getBoundingClientRect();
      const wheel = (part, more) => byId('strip-frame').dispatchEvent(new WheelEvent('wheel', { clientX: frame.left + frame.width * part, clientY: frame.top + 9, bubbles: true, cancelable: true, ...more }));
      const { time } = app;
      const under = part => time.ms({ clientX: frame.left + frame.width * part });
      const place = under(0.25);
      ok(!wheel(0.25, { deltaY: -300 }), 'the page would scroll');
      ok(time.part.to - time.part.from < time.span / 2, 'stretched');
      ok(Math.abs(under(0.25) - place) < time.span / 1000, 'what is under the pointer has moved');
      const { from } = time.part;
      wheel(0.25, { deltaY: 100, shiftKey: true });
      ok(time.part.from > from, 'moved');
      wheel(0.25, { deltaY: -9000 });
      equal(Math.round(time.part.to - time.part.from), 10 * time.time.sliceMs, 'ten slices at least');
      app.go({ mode: 'leaked', from: '', to: '' });
      equal(byId('handle-to').style.visibility, 'hidden', 'a handle out of sight');
      wheel(0.25, { deltaY: 90000 });
      equal(time.part.to - time.part.from, time.span, 'all again');
      equal(byId('handle-to').style.visibility, '', 'and in sight');
      document.querySelector('[data-toggle="strip"]').click();
      equal(byId('strip-frame').getBoundingClientRect().height, 0, 'left out');
      ok(byId('when').getBoundingClientRect().height > 0, 'but not the words');
      document.querySelector('[data-toggle="strip"]').click();
      ok(byId('strip-frame').getBoundingClientRect().height > 60, 'and back');
    });
    await check('the header shows when and how the trace was recorded, and warns of lost events', () => {
      const facts = byId('facts').textContent;
      for (const text of EXPECT.facts) ok(facts.includes(text), `${text}: ${facts}`);
      equal(byId('warnings').textContent, EXPECT.warnings, 'warnings');
      equal(byId('warnings').hidden, !EXPECT.warnings, 'hidden');
    });
    app.go({ ...app.defaults });
  },

  async warned() {
    await check('the header warns that the trace is incomplete', () => {
      ok(byId('warnings').textContent.startsWith(EXPECT.warning), byId('warnings').textContent);
      ok(byId('warnings').getBoundingClientRect().height > 10, 'the warning is not visible');
    });
  },
});
