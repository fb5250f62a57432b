'use strict';
// start.js - reads the page's data and shows it

let app = null;

/** Resolves when the browser has shown what was drawn; a page in a hidden tab is not shown. */
function shown() {
  return new Promise(resume => {
    requestAnimationFrame(() => setTimeout(resume));
    setTimeout(resume, 200);
  });
}

/** Draws the first view, if the page has one (first.h) and opens with it. */
async function startWithFirst() {
  const text = byId('first').textContent;
  if (!text || location.hash.length > 1) return;
  const profile = await readProfile(text);
  if (innerWidth > profile.about.first) return;
  app = new App(profile);
  app.drawn = performance.now();
  await shown();
}

async function start() {
  await startWithFirst();
  // The data come after the scripts, so that these need not wait for them.
  if (document.readyState === 'loading') await new Promise(resume => addEventListener('DOMContentLoaded', resume));
  const profile = await readProfile(byId('data').textContent);
  byId('data').remove();
  if (app) app.load(profile);
  else app = new App(profile);
  byId('empty').hidden = profile.whole.some(whole => whole > 0) || Boolean(profile.time);
  app.started = performance.now();
  app.drawn ||= app.started;
}

start().catch(error => {
  byId('failure').textContent = `This page cannot be shown: ${error.message}`;
  byId('failure').hidden = false;
  byId('canvas').hidden = true;     // a first view must not look whole
});
