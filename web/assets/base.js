// Small improvements over plain pages; every one of them works without this file.
//
//   form[data-swap="id ..."]   submits in the background and replaces the elements
//                              with these ids by those of the answer
//   form[data-live]            submits itself while one types (300 ms) or chooses
//   a[data-swap="id ..."]      follows a link in the same way
//   [data-address] beside data-swap  shows the address of what was swapped in;
//                              details with an id stay open or closed over a swap
//   [data-poll="milliseconds"][id]  asks for itself anew until it comes without data-poll
//   [data-open="id"]           opens the dialog; [data-close] closes the one around it
//   [data-confirm="text"]      asks before it submits
//   [data-copy="id"]           copies the text of an element, and is hidden where it cannot
(() => {
  'use strict';
  const fragment = 'Doorstep-Fragment';
  const tell = (text) => { const told = document.getElementById('told'); if (told) { told.textContent = text || ''; if (text) setTimeout(() => { told.textContent = ''; }, 5000); } };

  // address shows where one is now. Another page is a step that "back" undoes;
  // the same page while one types is not.
  let shown = location.pathname + location.search;
  function address(url, step) {
    const to = new URL(url, location.href);
    history[step || to.pathname !== location.pathname ? 'pushState' : 'replaceState'](null, '', to);
    shown = to.pathname + to.search;
  }
  window.addEventListener('popstate', () => { if (location.pathname + location.search !== shown) location.reload(); });

  // take replaces what the answer brings: a whole page or only the parts.
  function take(html, ids) {
    const parsed = new DOMParser().parseFromString(html, 'text/html');
    let done = false;
    for (const id of ids) {
      const now = document.getElementById(id), next = parsed.getElementById(id);
      if (!now || !next) continue;
      const active = document.activeElement, held = active && now.contains(active) && active.id ? active.id : '';
      const place = held && 'selectionStart' in active ? active.selectionStart : null;
      for (const details of now.querySelectorAll('details[id]')) {
        const again = next.querySelector('#' + CSS.escape(details.id));
        if (again && details.open) again.open = true;
      }
      now.replaceWith(document.adoptNode(next));
      if (held) {
        const again = document.getElementById(held);
        if (again) { again.focus({ preventScroll: true }); if (place !== null && again.setSelectionRange) { try { again.setSelectionRange(place, place); } catch { /* not a text field */ } } }
      }
      done = true;
      poll(next);
      next.dispatchEvent(new CustomEvent('swapped', { bubbles: true }));
    }
    const word = parsed.querySelector('[data-told]');
    if (word) tell(word.dataset.told);
    return done;
  }

  const running = new WeakMap();
  async function swap(owner, url, options, ids) {
    running.get(owner)?.abort();
    const stop = new AbortController();
    running.set(owner, stop);
    owner.classList.add('busy');
    owner.setAttribute('aria-busy', 'true');
    try {
      const answer = await fetch(url, { ...options, headers: { [fragment]: ids[0] }, signal: stop.signal, credentials: 'same-origin' });
      const html = await answer.text();
      const whole = answer.redirected && !answer.url.endsWith(location.pathname + location.search);
      if (!take(html, ids)) { if (whole) location.assign(answer.url); else if (options.method === 'POST') location.reload(); else location.assign(url); return; }
      owner.dispatchEvent(new CustomEvent('taken', { bubbles: true, detail: { status: answer.status } }));
    } catch (error) {
      if (error.name === 'AbortError') return;
      if (owner instanceof HTMLFormElement) owner.submit(); else location.assign(url);
    } finally {
      owner.classList.remove('busy');
      owner.removeAttribute('aria-busy');
    }
  }

  function send(form, button) {
    const ids = form.dataset.swap.split(' ');
    const data = new FormData(form);
    if (button && button.name) data.append(button.name, button.value);
    const url = new URL((button && button.getAttribute('formaction')) || form.action, location.href);
    if (form.method === 'get') {
      url.search = new URLSearchParams([...data].filter(([, v]) => v !== ''));
      if ('address' in form.dataset) address(url);
      return swap(form, url, { method: 'GET' }, ids);
    }
    return swap(form, url, { method: 'POST', body: new URLSearchParams(data) }, ids);
  }

  document.addEventListener('submit', (event) => {
    const form = event.target, button = event.submitter;
    const question = (button && button.dataset.confirm) || form.dataset.confirm;
    if (question && !window.confirm(question)) { event.preventDefault(); return; }
    if (form.dataset.swap && form.enctype !== 'multipart/form-data') { event.preventDefault(); send(form, button); return; }
    if (form.method === 'post') {
      // A second click would only repeat the first: its key is the same.
      setTimeout(() => form.querySelectorAll('button').forEach((b) => { b.disabled = true; }), 0);
    }
  });
  window.addEventListener('pageshow', (event) => { if (event.persisted) document.querySelectorAll('form button[disabled]').forEach((b) => { b.disabled = false; }); });

  let typing;
  document.addEventListener('input', (event) => {
    const form = event.target.form;
    if (!form || !('live' in form.dataset)) return;
    clearTimeout(typing);
    typing = setTimeout(() => (form.dataset.swap ? send(form) : form.requestSubmit()), event.target.matches('input[type=search], input[type=text]') ? 300 : 0);
  });

  document.addEventListener('click', (event) => {
    const link = event.target.closest('a[data-swap]');
    if (link && !event.metaKey && !event.ctrlKey && event.button === 0) {
      event.preventDefault();
      if ('address' in link.dataset) address(link.href, 'top' in link.dataset);
      swap(link, link.href, { method: 'GET' }, link.dataset.swap.split(' '));
      return;
    }
    const opener = event.target.closest('[data-open]');
    if (opener) {
      const dialog = document.getElementById(opener.dataset.open);
      if (dialog && dialog.showModal) { event.preventDefault(); if (!dialog.open) dialog.showModal(); }
      return;
    }
    const closer = event.target.closest('[data-close]');
    if (closer) { const dialog = closer.closest('dialog'); if (dialog) { event.preventDefault(); dialog.close(); } return; }
    if (event.target instanceof HTMLDialogElement) event.target.close(); // its backdrop
    const copier = event.target.closest('[data-copy]');
    if (copier) navigator.clipboard?.writeText(document.getElementById(copier.dataset.copy)?.textContent.trim() || '').then(() => tell(copier.dataset.done || '✓'));
  });

  function poll(root) {
    const all = [...(root.matches?.('[data-poll]') ? [root] : []), ...root.querySelectorAll('[data-poll]')];
    for (const element of all) {
      setTimeout(() => {
        if (element.isConnected && !document.hidden) swap(element, location.href, { method: 'GET' }, [element.id]);
        else if (element.isConnected) poll(element);
      }, Number(element.dataset.poll) || 2000);
    }
  }
  poll(document);
  if (navigator.clipboard) document.querySelectorAll('[data-copy][hidden]').forEach((b) => { b.hidden = false; });
})();
