// The chat of a shop, in any page, by one tag:
//
//   <script src="https://SHOP/chat.js" data-key="ds_pk_..." data-lang="hy" defer></script>
//
// It writes no style or script into the page, keeps to a shadow root, and asks
// nobody but the shop. docs/assistant.md tells what it sends and which policy it needs.
//
//   data-key      publishable key: it speaks to /v1 of where the script comes from
//   data-api      another origin of the API
//   data-own      path of the shop's own pages, instead of a key: they add who is signed in
//   data-lang     en, hy or km; else the page's language
//   data-order    token of an order's signed link: that order may be asked about
//   data-sign-in  where customers sign in
//
// [data-doorstep-chat] in the page opens it; so does document.querySelector('doorstep-chat').open().
// Its property session is the Customer-Session of who is signed in.
(() => {
  'use strict';
  const script = document.currentScript;
  if (!script || !window.customElements || customElements.get('doorstep-chat')) return;
  const set = script.dataset;
  const texts = '@texts', sheet = '@sheet'; // put in where the file is served
  const language = [set.lang, document.documentElement.lang, 'en'].map((l) => (l || '').slice(0, 2)).find((l) => l in texts);
  const t = (key, values) => texts[language][key].replace(/\{(\w+)\}/g, (_, name) => (values || {})[name]);
  const own = set.own || '', api = (set.api || new URL(script.src).origin) + '/v1/assistant';
  const most = 10000; // bytes of one message
  const kept = 'doorstep-chat:' + (own ? 'own' : set.key);

  // aKey names a turn; pages without TLS have no randomUUID.
  const aKey = () => Array.from(crypto.getRandomValues(new Uint8Array(16)), (b) => b.toString(16).padStart(2, '0')).join('');

  // el makes an element: text is text, never markup.
  function el(name, attributes, ...inside) {
    const node = document.createElement(name);
    for (const [key, value] of Object.entries(attributes || {})) {
      if (key.startsWith('on')) node.addEventListener(key.slice(2), value);
      else if (value === true) node.setAttribute(key, '');
      else if (value || value === '') node.setAttribute(key, value);
    }
    node.append(...inside.filter((x) => x || x === ''));
    return node;
  }

  function icon(path) {
    const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
    svg.setAttribute('viewBox', '0 0 24 24');
    svg.setAttribute('aria-hidden', 'true');
    const line = document.createElementNS('http://www.w3.org/2000/svg', 'path');
    line.setAttribute('d', path);
    svg.append(line);
    return svg;
  }

  // linked is a text whose addresses can be followed; nothing else of it is markup.
  function linked(text) {
    return text.split(/(https?:\/\/[^\s<>"]*[^\s<>".,;:!?)\]»”])/).map((part, i) => (i % 2 ? el('a', { href: part, rel: 'noopener noreferrer' }, part) : part));
  }

  // memory is what outlives a page, in this tab alone.
  const memory = {
    read() { try { return JSON.parse(sessionStorage.getItem(kept)) || {}; } catch { return {}; } },
    write(value) { try { sessionStorage.setItem(kept, JSON.stringify(value)); } catch { /* not allowed here: it is forgotten with the page */ } },
  };

  // Failure is an answer that is none: of the network (status 0) or of the shop.
  class Failure extends Error {
    constructor(status, code, wait) { super(code); Object.assign(this, { status, code, wait }); }
  }

  // ask sends one request and gives the answer as an object. step is told of the
  // parts of an answer that comes in parts.
  async function ask(chat, method, path, { body, key, step } = {}) {
    const headers = { 'Accept-Language': language };
    if (body) headers['Content-Type'] = 'application/json';
    if (key) headers['Idempotency-Key'] = key;
    if (!own) {
      headers.Authorization = 'Bearer ' + set.key;
      if (chat.state.secret) headers['Conversation-Secret'] = chat.state.secret;
      if (chat.session) headers['Customer-Session'] = chat.session;
      if (chat.order) headers['Order-Token'] = chat.order;
      if (step) headers.Accept = 'text/event-stream, application/json';
    }
    const stop = new AbortController(), late = setTimeout(() => stop.abort(), 25000);
    try {
      const answer = await fetch(own ? own + path : api + path, { method, headers, signal: stop.signal, body: body && JSON.stringify(body), credentials: own ? 'same-origin' : 'omit', cache: 'no-store' });
      const kind = answer.headers.get('Content-Type') || '';
      if (answer.ok && kind.startsWith('text/event-stream') && answer.body) return await parts(answer.body, step);
      const text = await answer.text();
      let said = {};
      try { said = text ? JSON.parse(text) : {}; } catch { /* a page of somebody in between */ }
      if (!answer.ok) throw new Failure(answer.status, said.code || '', Number(answer.headers.get('Retry-After')) || 0);
      return said;
    } catch (error) {
      throw error instanceof Failure ? error : new Failure(0, 'network', 0);
    } finally {
      clearTimeout(late);
    }
  }

  // parts reads server-sent events: the last one named reply is the answer.
  async function parts(stream, step) {
    const reader = stream.pipeThrough(new TextDecoderStream()).getReader();
    let rest = '', answer;
    for (;;) {
      const { value, done } = await reader.read();
      rest += value || '';
      const events = rest.split(/\r?\n\r?\n/);
      rest = done ? '' : events.pop();
      for (const event of events) {
        const name = /^event: ?(.*)$/m.exec(event)?.[1] || 'message';
        const data = event.split(/\r?\n/).filter((l) => l.startsWith('data:')).map((l) => l.slice(5).trimStart()).join('\n');
        if (!data) continue;
        const said = JSON.parse(data);
        if (name === 'reply') answer = said;
        else if (name === 'error') throw new Failure(said.status || 500, said.code || '', 0);
        else if (step) step(name, said);
      }
      if (done) break;
    }
    if (!answer) throw new Failure(0, 'network', 0);
    return answer;
  }

  class Chat extends HTMLElement {
    constructor() {
      super();
      this.state = memory.read(); // id, secret, live (a person has it), last (number of the last message seen)
      this.session = '';
      this.order = set.order || '';
      this.root = this.attachShadow({ mode: 'open' });
      this.root.adoptedStyleSheets = [(() => { const s = new CSSStyleSheet(); s.replaceSync(sheet); return s; })()];
      this.launcher = el('button', { type: 'button', class: 'launch', 'aria-haspopup': 'dialog', 'aria-expanded': 'false', onclick: () => this.open() },
        icon('M4 5h16v11H9l-5 4z'), el('span', { class: 'word' }, t('open')), el('span', { class: 'dot', hidden: true }));
      this.box = el('div', { class: 'box', lang: language }, this.launcher);
      this.root.append(this.box);
    }

    connectedCallback() { if (this.state.live) this.watch(); }

    keep(change) { Object.assign(this.state, change); memory.write(this.state); }

    // build makes the panel when it is opened first.
    build() {
      this.log = el('div', { class: 'log', role: 'log', 'aria-live': 'polite', 'aria-relevant': 'additions', 'aria-label': t('log'), tabindex: '0' });
      this.choices = el('div', { class: 'choices' });
      this.trouble = el('div', { class: 'trouble', role: 'alert' });
      this.field = el('textarea', { id: 'say', rows: '2', placeholder: t('hint'), 'aria-describedby': 'long', enterkeyhint: 'send', oninput: () => this.measure(),
        onkeydown: (e) => { if (e.key === 'Enter' && !e.shiftKey && !e.isComposing) { e.preventDefault(); this.submit(); } } });
      this.long = el('p', { id: 'long', class: 'long', role: 'status' });
      this.button = el('button', { class: 'send', 'aria-label': t('send') }, icon('M4 12 20 4l-5 16-3.5-6.5z'));
      this.person = el('button', { type: 'button', class: 'person', onclick: () => this.say(t('person_text')) }, t('person'));
      this.panel = el('section', { class: 'panel', role: 'dialog', 'aria-labelledby': 'title', hidden: true, onkeydown: (e) => this.keys(e) },
        el('header', {}, el('h2', { id: 'title', tabindex: '-1' }, t('title')), this.person,
          el('button', { type: 'button', class: 'close', 'aria-label': t('close'), onclick: () => this.close() }, icon('M6 6 18 18M18 6 6 18'))),
        this.log, this.choices, this.trouble,
        el('form', { onsubmit: (e) => { e.preventDefault(); this.submit(); } }, el('label', { class: 'unseen', for: 'say' }, t('label')), this.field, this.button), this.long);
      this.box.append(this.panel);
      this.add('bot', t('intro'));
    }

    async open() {
      if (!this.panel) { this.build(); this.loading = this.restore(); }
      this.panel.hidden = false;
      this.panel.toggleAttribute('aria-modal', false);
      if (matchMedia('(max-width: 30rem)').matches) this.panel.setAttribute('aria-modal', 'true');
      this.launcher.hidden = true;
      this.launcher.setAttribute('aria-expanded', 'true');
      this.mark(false);
      this.field.focus();
      if (this.state.live) this.watch(0);
      await this.loading;
    }

    close() {
      this.panel.hidden = true;
      this.launcher.hidden = false;
      this.launcher.setAttribute('aria-expanded', 'false');
      this.launcher.focus();
    }

    // keys keeps the focus inside while the panel is open, and lets Escape out.
    keys(event) {
      if (event.key === 'Escape') { event.stopPropagation(); this.close(); }
      if (event.key !== 'Tab') return;
      const all = [...this.panel.querySelectorAll('button, a[href], textarea, [tabindex="0"]')].filter((x) => !x.disabled && x.offsetParent);
      const first = all[0], last = all[all.length - 1], now = this.root.activeElement;
      if (event.shiftKey && (now === first || !all.includes(now))) { event.preventDefault(); last.focus(); }
      else if (!event.shiftKey && now === last) { event.preventDefault(); first.focus(); }
    }

    // add shows one message; who is you, bot, staff or system.
    add(who, text, lang) {
      const item = el('div', { class: who, lang: lang && lang !== language ? lang : null }, el('span', { class: who === 'staff' ? 'who' : 'unseen' }, t('who_' + who) + (who === 'staff' ? '' : ': ')),
        el('p', {}, ...(who === 'you' ? [text] : linked(text))));
      this.log.append(item);
      this.log.scrollTop = this.log.scrollHeight;
      return item;
    }

    // offer shows what can be answered with one touch.
    offer(reply) {
      const open = reply.pending_action, kinds = [];
      if (open) {
        kinds.push(el('button', { type: 'button', class: 'yes', onclick: () => this.say(t('yes'), { pending_action_id: open.id, agree: true }) }, t('yes')),
          el('button', { type: 'button', class: 'no', onclick: () => this.say(t('no'), { pending_action_id: open.id, agree: false }) }, t('no')));
      }
      if (reply.type === 'verify' && set.signIn) kinds.push(el('a', { class: 'button', href: set.signIn }, t('sign_in')));
      for (const s of reply.suggestions || []) {
        if (!s.pending && !Object.values(texts).some((x) => x.person_also.includes(s.text))) kinds.push(el('button', { type: 'button', onclick: () => this.say(s.text, null, s.label) }, s.label));
      }
      this.choices.replaceChildren(...kinds);
      this.choices.classList.toggle('ask', Boolean(open));
      this.log.scrollTop = this.log.scrollHeight;
    }

    measure() {
      const over = new TextEncoder().encode(this.field.value).length > most;
      this.long.textContent = over ? t('too_long') : '';
      this.button.disabled = over || Boolean(this.running);
      return !over;
    }

    submit() {
      const text = this.field.value.trim();
      if (!text || this.running || !this.measure()) return;
      this.field.value = '';
      this.say(text);
    }

    // say sends a turn. The same turn sent again has the same key, so that it
    // counts once.
    say(text, more, shown) {
      if (this.running) return;
      this.add('you', shown || text);
      this.choices.replaceChildren();
      const body = { text, channel: 'chat', locale: language, ...more };
      this.field.focus();
      return this.turn({ key: aKey(), body, tries: 0 });
    }

    async turn(turn) {
      this.busy(true);
      this.trouble.replaceChildren();
      try {
        if (this.loading) await this.loading;
        if (!own && this.state.id) turn.body.conversation_id = this.state.id;
        const reply = await ask(this, 'POST', '/messages', { body: turn.body, key: turn.key, step: () => {} });
        this.take(reply);
      } catch (error) {
        this.complain(turn, error);
      } finally {
        this.busy(false);
      }
    }

    busy(on) {
      this.running = on;
      this.thinking?.remove();
      this.thinking = null;
      if (on) { this.thinking = this.add('bot', '…'); this.thinking.classList.add('thinking'); this.thinking.lastChild.setAttribute('aria-label', t('thinking')); }
      this.panel.setAttribute('aria-busy', String(on));
      this.measure();
    }

    take(reply) {
      this.thinking?.remove();
      if (reply.secret) this.keep({ id: reply.conversation_id, secret: own ? '' : reply.secret, last: 0 });
      const live = Boolean(reply.silent || reply.handoff);
      if (reply.reply) this.add('bot', reply.reply, reply.language);
      else if (reply.silent) this.note(t('waiting'));
      this.offer(reply);
      if (live) { this.keep({ live }); this.watch(); }
    }

    note(text) { if (this.noted !== text) { this.noted = text; this.add('system', text); } }

    // complain says what went wrong and how it goes on.
    complain(turn, error) {
      if (error.status === 409 && turn.tries++ < 5) { // in flight, or something else was said at the same moment
        setTimeout(() => this.turn(turn), (error.wait || 1) * 1000);
        return;
      }
      let text = t('failed'), again = true;
      if (error.status === 429) text = t('too_many', { seconds: error.wait || 60 });
      else if (error.status === 413 || error.code === 'message_too_long') { text = t('too_long'); again = false; }
      else if (error.status === 404 || error.code === 'conversation_not_found') {
        text = t('gone');
        this.forget();
        turn.key = aKey(); // of another conversation
        delete turn.body.conversation_id;
        if (turn.body.pending_action_id) again = false;
      } else if (error.status >= 400 && error.status < 500 && error.status !== 409) { text = t(error.code === 'card_number_refused' ? 'card' : 'refused'); again = false; }
      else if (navigator.onLine === false) text = t('offline');
      const retry = again && el('button', { type: 'button', onclick: () => this.turn(turn) }, t('retry'));
      this.trouble.replaceChildren(el('p', {}, text), ...(retry ? [retry] : []));
      if (!again && turn.body.text && !turn.body.pending_action_id) { this.field.value = turn.body.text; this.measure(); }
    }

    forget() { this.keep({ id: '', secret: '', live: false, last: 0 }); }

    // transcript asks what was said since the last look.
    transcript() {
      const after = '?after=' + (this.state.last || 0);
      return ask(this, 'GET', own ? '/messages' + after : '/conversations/' + this.state.id + '/messages' + after);
    }

    // restore shows again what was said before this page.
    async restore() {
      if (!own && !this.state.id) return;
      try {
        this.state.last = 0;
        const past = await this.transcript();
        for (const m of past.data || []) this.show(m);
        this.log.scrollTop = this.log.scrollHeight;
        if (past.last) this.offer(past.last);
        this.follow(past);
      } catch (error) {
        if (error.status === 404) this.forget(); // over, or of somebody who has signed out
      }
    }

    show(m) {
      this.add({ customer: 'you', bot: 'bot', staff: 'staff' }[m.author] || 'system', m.text, m.language);
      this.keep({ last: Math.max(this.state.last || 0, m.seq) });
    }

    // follow notes whether a person has it.
    follow(past) {
      this.keep({ live: past.status === 'waiting' || past.status === 'open' });
      if (this.state.live) this.watch();
    }

    // watch looks for what staff have written, often while somebody looks.
    watch(wait) {
      clearTimeout(this.timer);
      const open = this.panel && !this.panel.hidden && !document.hidden;
      this.timer = setTimeout(() => this.look(), wait ?? (open ? 4000 : 20000));
    }

    async look() {
      if (document.hidden || this.running) return this.watch();
      try {
        if (!this.panel) this.build(), await (this.loading = this.restore());
        const past = await this.transcript();
        for (const m of past.data || []) {
          if (m.author === 'staff' || m.author === 'system') { this.show(m); if (this.panel.hidden) this.mark(true); }
          this.keep({ last: Math.max(this.state.last || 0, m.seq) });
        }
        this.follow(past);
      } catch (error) {
        if (error.status === 404) this.forget(); else this.watch(20000);
      }
    }

    // mark tells on the button that something new is there.
    mark(on) {
      this.launcher.querySelector('.dot').hidden = !on;
      if (on) this.launcher.setAttribute('aria-label', t('open') + ': ' + t('new')); else this.launcher.removeAttribute('aria-label');
    }
  }
  customElements.define('doorstep-chat', Chat);

  const start = () => {
    const chat = document.createElement('doorstep-chat');
    document.body.append(chat);
    document.addEventListener('click', (event) => {
      const opener = event.target.closest?.('[data-doorstep-chat]');
      if (!opener || event.metaKey || event.ctrlKey || event.button) return;
      event.preventDefault();
      chat.open();
    });
  };
  if (document.body) start(); else document.addEventListener('DOMContentLoaded', start);
})();
