// The dashboard works without this file. It sends files straight to the API, as
// large as that takes them, and shows how far they are.
(() => {
  'use strict';
  document.addEventListener('submit', (event) => {
    const form = event.target;
    if (!form.dataset.upload) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    const data = new FormData(form), file = data.get('file'), bar = form.querySelector('progress'), button = form.querySelector('button');
    const wrong = form.querySelector('[role=alert]');
    const query = new URLSearchParams({ file_name: file.name.slice(0, 200) });
    if (form.dataset.upload === '/v1/imports') {
      query.set('kind', data.get('kind'));
      if (data.get('currency')) query.set('currency', data.get('currency').toUpperCase());
      if (data.get('keep_stock')) query.set('keep_stock', 'true');
    }
    const refuse = (text) => { wrong.textContent = text; wrong.hidden = false; bar.hidden = true; button.disabled = false; };
    const call = new XMLHttpRequest();
    call.open('POST', `${form.dataset.upload}?${query}`);
    call.setRequestHeader('Content-Type', 'text/csv');
    call.setRequestHeader('CSRF-Token', form.dataset.csrf);
    call.setRequestHeader('Idempotency-Key', data.get('key'));
    call.setRequestHeader('Accept-Language', document.documentElement.lang);
    call.upload.onprogress = (p) => { if (p.lengthComputable) bar.value = 100 * p.loaded / p.total; };
    call.onload = () => {
      let answer = {};
      try { answer = JSON.parse(call.responseText); } catch { /* no JSON: the status says enough */ }
      if (call.status < 300 && answer.id) location.assign(`/admin/${form.dataset.page}/${answer.id}`);
      else refuse(answer.detail || `${call.status}`);
    };
    call.onerror = () => HTMLFormElement.prototype.submit.call(form);
    wrong.hidden = true;
    bar.hidden = false;
    button.disabled = true;
    call.send(file);
  }, true);
})();
