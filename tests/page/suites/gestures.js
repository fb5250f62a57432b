'use strict';
// gestures.js - mouse, wheel, fingers and the menu of a box; screens of other densities and colours; links of other pages

Object.assign(SUITES, {
  /** The fixture "small.folded". */
  async gestures() {
    const frame = () => byId('canvas').getBoundingClientRect();
    const at = (part, row = 1, more = {}) => ({ clientX: frame().left + frame().width * part, clientY: frame().top + row * ROW + 5, bubbles: true, cancelable: true, ...more });
    const pointer = (name, part, more) => byId('canvas').dispatchEvent(new PointerEvent(name, at(part, 1, { pointerId: 1, button: 0, pointerType: 'mouse', ...more })));
    const wheel = (part, more) => {
      const event = new WheelEvent('wheel', at(part, 1, more));
      byId('canvas').dispatchEvent(event);
      return event.defaultPrevented;
    };
    const width = () => app.part.to - app.part.from;
    await check('Ctrl and the wheel stretch the graph around the pointer; Shift moves it; the wheel alone scrolls', () => {
      reset();
      const place = 0.25;
      ok(wheel(place, { deltaY: -200, ctrlKey: true }), 'not taken');
      ok(width() < 0.6, `width ${width()}`);
      ok(Math.abs(app.part.from + width() * place - place) < 2e-3, 'what is under the pointer has moved');
      const { from } = app.part;
      ok(wheel(place, { deltaY: 100, shiftKey: true }), 'Shift is not taken');
      ok(app.part.from > from, 'not moved');
      ok(!wheel(place, { deltaY: 100 }), 'the wheel alone is taken');
      wheel(place, { deltaY: 3000, ctrlKey: true });
      equal(width(), 1, 'all again');
      ok(!wheel(place, { deltaY: 100, shiftKey: true }), 'nothing to move');
    });
    await check('keys stretch and move it, too; Escape ends that', () => {
      reset();
      key('+');
      equal(width(), 0.5, '+');
      key('D');
      ok(app.part.from > 0.25, 'D');
      key('A');
      key('-');
      equal(width(), 1, '-');
      key('+');
      key('Escape');
      equal(width(), 1, 'Escape');
    });
    await check('a drag moves a stretched graph, and is no click', () => {
      reset();
      key('+');
      const { from } = app.part;
      pointer('pointerdown', 0.6);
      pointer('pointermove', 0.5);
      pointer('pointermove', 0.4);
      pointer('pointerup', 0.4);
      byId('canvas').dispatchEvent(new MouseEvent('click', at(0.4)));
      ok(Math.abs(app.part.from - from - 0.1) < 2e-3, `from ${from} to ${app.part.from}, where the pointer moved by a fifth of half the width`);
      equal(app.zoom, app.roots.callees, 'zoomed');
    });
    await check('two fingers stretch', () => {
      reset();
      const touch = (name, id, part) => pointer(name, part, { pointerId: id, pointerType: 'touch' });
      touch('pointerdown', 1, 0.4);
      touch('pointerdown', 2, 0.6);
      touch('pointermove', 2, 0.7);
      touch('pointermove', 2, 0.8);
      ok(width() < 0.6, `width ${width()}`);
      touch('pointerup', 1, 0.4);
      touch('pointerup', 2, 0.8);
      byId('canvas').dispatchEvent(new PointerEvent('click', at(0.8, 1, { pointerType: 'touch' })));
      equal(app.zoom, app.roots.callees, 'zoomed');
    });
    await check('a tap shows the figures, a second one zooms; a long press opens the menu', async () => {
      reset();
      const tap = () => byId('canvas').dispatchEvent(new PointerEvent('click', at(0.1, 1, { pointerType: 'touch' })));
      tap();
      equal(app.nameOf(app.selected), 'main', 'selected');
      ok(byId('status').textContent.includes('535 B'), byId('status').textContent);
      equal(app.zoom, app.roots.callees, 'not zoomed yet');
      tap();
      equal(app.nameOf(app.zoom), 'main', 'zoomed');
      reset();
      pointer('pointerdown', 0.1, { pointerType: 'touch' });
      for (let i = 0; i < 100 && byId('box-menu').hidden; i++) await pause(50);
      ok(!byId('box-menu').hidden, 'no menu');
      pointer('pointerup', 0.1, { pointerType: 'touch' });
      tap();
      equal(app.zoom, app.roots.callees, 'zoomed by the long press');
    });
    await check('a double click zooms once', () => {
      reset();
      byId('canvas').dispatchEvent(new MouseEvent('click', at(0.1)));
      byId('canvas').dispatchEvent(new MouseEvent('click', at(0.1)));
      byId('canvas').dispatchEvent(new MouseEvent('dblclick', at(0.1)));
      equal(app.nameOf(app.zoom), 'main', 'zoomed');
    });
    await check('a right click opens the menu of a box, whose entries do what they say', () => {
      const open = row => {
        reset();
        const event = new MouseEvent('contextmenu', at(0.1, row));
        byId('canvas').dispatchEvent(event);
        ok(event.defaultPrevented && !byId('box-menu').hidden, 'no menu');
        return name => [...byId('box-menu').children].find(item => item.textContent === name).click();
      };
      open(1)('Zoom in');
      equal(app.nameOf(app.zoom), 'main', 'Zoom in');
      ok(byId('box-menu').hidden, 'still open');
      open(1)('Callers and callees');
      equal(app.state.view, 'sandwich', 'Callers and callees');
      open(2)('Keep only its stacks');
      equal(value(app.roots.callees), 360, 'Keep only its stacks');
      open(2)('Ignore its stacks');
      equal(value(app.roots.callees), 240, 'Ignore its stacks');
      open(2)('Hide it');
      ok(!boxes().some(box => app.nameOf(box) === 'work'), 'Hide it');
      open(2)('Search for it');
      equal(byId('matches').textContent.slice(0, 5), '360 B', 'Search for it');
      open(1)('Details');
      equal(app.state.details, 'open', 'Details');
      open(1);
      equal(document.activeElement, byId('box-menu').firstChild, 'focus');
      key('ArrowDown');
      equal(document.activeElement, byId('box-menu').children[1], 'arrow');
      key('Escape');
      ok(byId('box-menu').hidden, 'Escape');
      app.select(named('main'));
      key('F10', { shiftKey: true });
      ok(!byId('box-menu').hidden, 'Shift+F10');
      app.panel.closeMenus();
    });
    await check('after a move to a screen of another density the canvas is as sharp as it', () => {
      const { matchMedia } = globalThis;
      const query = new EventTarget();
      const density = Object.getOwnPropertyDescriptor(globalThis, 'devicePixelRatio');
      globalThis.matchMedia = () => query;
      app.watchDensity();
      Object.defineProperty(globalThis, 'devicePixelRatio', { value: 3, configurable: true });
      query.dispatchEvent(new Event('change'));
      equal(byId('canvas').width, 3 * app.graph.clientWidth, 'its pixels');
      Object.defineProperty(globalThis, 'devicePixelRatio', density);
      query.dispatchEvent(new Event('change'));
      equal(byId('canvas').width, devicePixelRatio * app.graph.clientWidth, 'and back');
      globalThis.matchMedia = matchMedia;
    });
    await check('the theme\'s button and key switch, and the print is light', () => {
      reset({ theme: 'light' });
      byId('theme').click();
      equal(app.state.theme, 'dark', 'button');
      key('t');
      equal(app.state.theme, 'light', 'key');
    });
    reset();
  },

  /** Forced colours: Chromium with --force-high-contrast. */
  async forced() {
    await check('with forced colours, pressed buttons and swatches keep theirs', () => {
      ok(matchMedia('(forced-colors: active)').matches, 'colours are not forced');
      reset();
      const background = element => getComputedStyle(element).backgroundColor;
      const [pressed, other] = ['true', 'false'].map(state => document.querySelector(`[data-view][aria-pressed="${state}"]`));
      ok(background(pressed) !== background(other), 'a pressed button looks like any other');
      const swatches = new Set([...byId('legend').querySelectorAll('.swatch')].map(background));
      equal(swatches.size, byId('legend').querySelectorAll('.swatch').length, 'different swatches');
    });
  },

  /** EXPECT.links: [link, name of the box that it has to zoom into, its value], made in the page of another recording. */
  async linked() {
    for (const [link, name, amount] of EXPECT.links) {
      await check(`a link of another page: ${link}`, () => {
        app.show(fromLink(link, app.defaults));
        equal(`${app.nameOf(app.zoom)} ${value(app.zoom)}`, `${name} ${amount}`, 'zoomed into');
      });
    }
  },
});
