// What the page of an order can do better with scripts: say instants in the
// reader's own zone too, and let forms that answer with a file be sent again.
(() => {
  'use strict';
  function yours(root) {
    for (const time of root.querySelectorAll('time[data-yours]')) {
      const said = time.getAttribute('datetime'), at = new Date(said);
      const zone = /([+-])(\d\d):(\d\d)$/.exec(said);
      const offset = zone ? (zone[1] === '-' ? -1 : 1) * (Number(zone[2]) * 60 + Number(zone[3])) : 0;
      if (Number.isNaN(at.getTime()) || -at.getTimezoneOffset() === offset || time.nextElementSibling?.className === 'yours') continue;
      const here = document.createElement('span');
      here.className = 'yours';
      here.textContent = ' · ' + time.dataset.yours.replace('%', at.toLocaleString(document.documentElement.lang, { weekday: 'short', hour: '2-digit', minute: '2-digit', hour12: false }));
      time.after(here);
    }
  }
  yours(document);
  document.addEventListener('swapped', (event) => {
    yours(event.target);
    // Once nothing moves, what is below differs too: things can be sent back.
    if (event.target.id === 'live' && !event.target.dataset.poll && !document.activeElement.matches('input, select, textarea')) location.reload();
  });
  document.addEventListener('submit', (event) => {
    if ('again' in event.target.dataset) setTimeout(() => event.target.querySelectorAll('button').forEach((b) => { b.disabled = false; }), 1500);
  });
})();
