'use strict';
// start.js - reads the page's data and shows it

let app = null;

async function start() {
  const profile = await readProfile(byId('data').textContent);
  byId('data').remove();
  document.body.classList.add('ready');
  app = new App(profile);
  byId('empty').hidden = profile.whole.some(whole => whole > 0) || Boolean(profile.time);
  app.started = performance.now();
}

start().catch(error => {
  byId('failure').textContent = `This page cannot be shown: ${error.message}`;
  byId('failure').hidden = false;
});
