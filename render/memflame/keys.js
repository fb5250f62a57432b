'use strict';
// keys.js - the keyboard

/** Key, what the help says, what it does. Arrows are below. */
const KEYS = [
  ['← ↑ → ↓', 'select the next box in that direction'],
  ['Enter', 'zoom into the selected box', app => app.zoomTo(app.selected)],
  ['Backspace', 'zoom out by one', app => app.zoomTo(app.zoom.parent)],
  ['Escape', 'end the search, then the zoom, then the view', app => app.escape()],
  ['Home', 'select the box that fills the width', app => app.select(app.zoom)],
  ['End', 'follow the largest boxes to the last', app => app.selectHeaviest()],
  ['/', 'search function, file and line by a regular expression', app => app.panel.focusSearch()],
  ['n', 'select the next match', app => app.nextMatch(1)],
  ['N', 'select the previous match', app => app.nextMatch(-1)],
  ['i', 'inverted: what allocates first, its callers below', app => app.setView(app.state.view === 'inverted' ? 'graph' : 'inverted')],
  ['s', 'sandwich: callers and callees of the selected function', app => app.toggleSandwich()],
  ['f', 'flame (root at the bottom) or icicle', app => app.cycle('direction')],
  ['w', 'widths are bytes or allocations; of a difference the larger side, before, or after', app => app.cycle('weight')],
  ['g', 'a box is a line, a function, or a file', app => app.cycle('group')],
  ['l', 'labels: name and place, name, place', app => app.cycle('label')],
  ['h', 'hide or show the import machinery', app => app.cycle('imports')],
  ['x', 'hide the selected function everywhere', app => app.hideSelected()],
  ['r', 'draw direct recursion as one box', app => app.cycle('recursion')],
  ['t', 'light or dark', app => app.toggleTheme()],
  ['?', 'this help', app => app.panel.toggleHelp()],
];

const ARROWS = { ArrowUp: [0, -1], ArrowDown: [0, 1], ArrowLeft: [-1, 0], ArrowRight: [1, 0] };

/** In fields letters are text; on buttons and menus Enter and arrows are theirs. */
function isTaken(event) {
  if (event.ctrlKey || event.metaKey || event.altKey) return true;
  const control = event.target.closest && event.target.closest('input, select, button, dialog');
  if (!control) return false;
  if (control.matches('input, dialog')) return true;
  if (event.key === 'Enter' || event.key === ' ') return true;
  return control.matches('select') && event.key !== 'Escape' && event.key !== '/';
}

function bindKeys(app) {
  document.addEventListener('keydown', event => {
    if (isTaken(event)) return;
    const arrow = ARROWS[event.key];
    const [, , run] = KEYS.find(([key]) => key === event.key) || [];
    if (arrow) app.move(...arrow);
    else if (run) run(app);
    else return;
    event.preventDefault();
  });
}
