'use strict';
// link.js - what is shown, as the part of the page's address behind the "#"

/** Everything that a link keeps and that Back goes back to; the first choice is the usual one. */
const CHOICES = {
  view: ['graph', 'inverted', 'sandwich'],
  weight: [0, 1, 2],                        // number of the profile's
  group: ['line', 'function', 'file'],
  label: ['full', 'function', 'location'],
  imports: ['hide', 'show'],
  recursion: ['show', 'collapse'],
  direction: ['icicle', 'flame'],
  theme: ['', 'light', 'dark'],             // '': as the system says
};

const DEFAULTS = {
  focus: '',    // sandwich: a frame's number
  zoom: '',     // a path (MergedTree.pathOf); with '^' before it, in a sandwich's callers
  search: '',
  hide: [],     // regexps
  ...Object.fromEntries(Object.entries(CHOICES).map(([name, [usual]]) => [name, usual])),
};

/** defaults: those of this page. */
function toLink(state, defaults) {
  const parts = new URLSearchParams();
  for (const [name, usual] of Object.entries(defaults)) {
    if (name === 'hide') state.hide.forEach(pattern => parts.append('hide', pattern));
    else if (state[name] !== usual) parts.set(name, state[name]);
  }
  return `#${parts}`;
}

/** What is no known choice is left out: a link may be of another page. */
function fromLink(hash, defaults) {
  const parts = new URLSearchParams(hash.replace(/^#/, ''));
  const state = { ...defaults, hide: parts.getAll('hide') };
  for (const name of ['focus', 'zoom', 'search']) {
    if (parts.has(name)) state[name] = parts.get(name);
  }
  for (const [name, choices] of Object.entries(CHOICES)) {
    const choice = choices.find(value => parts.has(name) && String(value) === parts.get(name));
    if (choice !== undefined) state[name] = choice;
  }
  return state;
}
