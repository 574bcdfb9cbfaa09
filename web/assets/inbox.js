// A conversation works without this file. It asks every few seconds whether something
// was said meanwhile, and shows it: as text, never as markup.
(() => {
  'use strict';
  const talk = document.getElementById('talk');
  if (!talk || !talk.dataset.ask) return;
  let last = Number(talk.dataset.last) || 0, pause = 4000;
  const [customer, bot, staff] = talk.dataset.names.split('|');
  const names = { customer, bot, staff };
  const show = (m) => {
    const item = document.createElement('li'), head = document.createElement('p'), who = document.createElement('span'), when = document.createElement('time');
    item.className = `said ${m.author}`;
    item.dataset.seq = m.seq;
    head.className = 'quiet small';
    who.className = 'strong';
    who.textContent = names[m.author];
    when.dateTime = m.created_at;
    when.textContent = new Date(m.created_at).toLocaleTimeString(document.documentElement.lang, { hour: '2-digit', minute: '2-digit' });
    head.append(who, ' ', when);
    item.append(head);
    for (const line of m.text.split('\n')) {
      if (!line.trim()) continue;
      const p = document.createElement('p');
      p.textContent = line;
      item.append(p);
    }
    talk.append(item);
  };
  const ask = async () => {
    if (!document.hidden) {
      try {
        const answer = await fetch(`${talk.dataset.ask}?after=${last}`, { headers: { Accept: 'application/json' } });
        if (answer.status === 401 || answer.status === 404) return;
        if (answer.ok) {
          const { data } = await answer.json();
          for (const m of data) {
            if (m.seq <= last) continue;
            last = m.seq;
            if (names[m.author]) show(m);
            else document.getElementById('talk-new').hidden = false;
          }
          pause = 4000;
        } else pause = Math.min(pause * 2, 60000);
      } catch {
        pause = Math.min(pause * 2, 60000);
      }
    }
    setTimeout(ask, pause);
  };
  setTimeout(ask, pause);
})();
