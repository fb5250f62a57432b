'use strict';
// keys.js - the keyboard

/** Key, help text, action. Arrows are below. */
const KEYS = [
  ['← ↑ → ↓', 'select the next box in that direction'],
  ['Enter', 'zoom into the selected box', app => app.zoomTo(app.selected)],
  ['Backspace', 'zoom out by one', app => app.zoomTo(app.zoom.parent)],
  ['Escape', 'end the search, then the zoom, then the view', app => app.escape()],
  ['Home', 'select the box that fills the width', app => app.select(app.zoom)],
  ['End', 'follow the largest boxes to the last', app => app.selectHeaviest()],
  ['+', 'stretch (Ctrl and the wheel, two fingers)', app => app.stretch(0.5)],
  ['-', 'stretch less', app => app.stretch(2)],
  ['A', 'when stretched: move to the left (drag)', app => app.stretch(1, 0.5, -0.25)],
  ['D', 'when stretched: move to the right', app => app.stretch(1, 0.5, 0.25)],
  ['/', 'search function, file and line by a regular expression (Ctrl+F)', app => app.panel.focusSearch()],
  ['n', 'select the next match', app => app.nextMatch(1)],
  ['N', 'select the previous match', app => app.nextMatch(-1)],
  ['1', 'the graph', app => app.go({ tab: 'graph' })],
  ['2', 'a table of functions', app => app.go({ tab: 'functions' })],
  ['3', 'a tree of rows', app => app.go({ tab: 'tree' })],
  ['i', 'inverted: allocating functions first, their callers below', app => app.setView(app.state.view === 'inverted' ? 'graph' : 'inverted')],
  ['s', 'sandwich: callers and callees of the selected function', app => app.toggleSandwich()],
  ['d', 'details of the selected box', app => app.cycle('details')],
  ['f', 'flame (root at the bottom) or icicle', app => app.cycle('direction')],
  ['w', 'widths are bytes or allocations; in a difference the larger side, before, after, or the change', app => app.cycle('weight')],
  ['m', 'on a page with time: memory alive, leaked, allocated, temporary', app => app.time && app.cycle('mode')],
  ['g', 'a box is a line, a function, a file, or a package', app => app.cycle('group')],
  ['l', 'labels: name and place, name, place, source line, or module', app => app.cycle('label')],
  ['c', 'colours: package, kind, or own share', app => app.cycle('colour')],
  ['p', 'C functions: none (Python only), all but the interpreter\'s, all', app => app.cycle('native')],
  ['h', 'hide or show the import machinery', app => app.cycle('imports')],
  ['x', 'hide the selected function everywhere', app => app.addBox('hide')],
  ['k', 'keep only the stacks with the selected function', app => app.addBox('keep')],
  ['r', 'draw direct recursion as one box', app => app.cycle('recursion')],
  ['t', 'light or dark', app => app.toggleTheme()],
  ['?', 'this help', app => app.panel.toggleHelp()],
];

const ARROWS = { ArrowUp: [0, -1], ArrowDown: [0, 1], ArrowLeft: [-1, 0], ArrowRight: [1, 0] };

/** Whether a key belongs to a control: letters in a field, Enter and arrows on buttons, menus, rows and handles. */
function isTaken(event) {
  if (document.querySelector('dialog[open]')) return event.key !== '?';
  if (event.ctrlKey || event.metaKey || event.altKey) return true;
  const control = event.target.closest && event.target.closest('input, select, button, summary, [role="treegrid"], [role="slider"]');
  if (!control) return false;
  if (control.matches('input:not([type="checkbox"])')) return true;
  if (event.key === 'Enter' || event.key === ' ') return true;
  if (control.matches('[role="treegrid"], [role="slider"]')) return event.key in ARROWS || event.key === 'Home' || event.key === 'End';
  return control.matches('select') && event.key !== 'Escape' && event.key !== '/';
}

function bindKeys(app) {
  document.addEventListener('keydown', event => {
    if (document.body.inert) return;
    const isFind = (event.ctrlKey || event.metaKey) && !event.altKey && event.key === 'f';
    const isDialog = document.querySelector('dialog[open]');
    // A second Ctrl+F opens the browser's own search.
    if (isFind && !isDialog && document.activeElement !== byId('search')) {
      app.panel.focusSearch();
      event.preventDefault();
      return;
    }
    if (event.key === 'Escape' && !isDialog && app.panel.closeMenus()) {
      event.preventDefault();
      return;
    }
    if (isTaken(event)) return;
    if (event.key === 'ContextMenu' || (event.shiftKey && event.key === 'F10')) {
      if (app.selected && app.scene.shows(app.selected)) app.panel.openBoxMenu(app.selected);
      event.preventDefault();
      return;
    }
    const arrow = app.state.tab === 'graph' && ARROWS[event.key];
    const [, , run] = KEYS.find(([key]) => key === event.key) || [];
    if (arrow) app.move(...arrow);
    else if (run) run(app);
    else return;
    event.preventDefault();
  });
}
