// The storefront's own improvements; without them its pages work all the same.
(() => {
  'use strict';
  const by = (id) => document.getElementById(id);
  const drawer = by('drawer');
  let changed = false;  // the cart, while the drawer was open
  let loading = false;  // it is only shown
  let top = false;      // a link to another page of results was followed
  const chosen = {};    // ways to pay that outlive a swap

  // say tells screen readers, where they listen: in the drawer while it is open.
  const say = (text) => { const place = by(drawer && drawer.open ? 'drawer-said' : 'said'); if (place && text) place.textContent = text; };

  document.addEventListener('click', (event) => {
    if (event.target.closest('[data-open="drawer"]')) { changed = false; loading = true; by('load-cart')?.click(); }
    if (event.target.closest('a[data-top]')) top = true;
  }, true);

  // What was put into the cart is shown at once.
  document.addEventListener('submit', (event) => {
    if (event.target.matches('[data-drawer]') && drawer && !drawer.open) { drawer.showModal(); by('drawer-title').focus(); }
  });

  document.addEventListener('swapped', (event) => {
    const part = event.target;
    say(part.dataset.said);
    if (part.id === 'cart') {
      if (!loading) changed = true;
      loading = false;
      if (drawer && drawer.open && !drawer.contains(document.activeElement)) (by('undo') || by('undo-clear') || by('drawer-title')).focus();
    }
    if (part.id === 'view' && top) { top = false; part.scrollIntoView(); by('results-title')?.focus({ preventScroll: true }); }
    if (part.id === 'address-step') (part.querySelector('.field.wrong input, .field.wrong select') || (document.activeElement === document.body && by('f-country')) || document.body).focus();
    if (part.id === 'pay-step') { pick(); sum(); card(); }
  });

  if (drawer) drawer.addEventListener('close', () => {
    by('open-cart')?.focus();
    if (changed) document.querySelector('[data-follows-cart]')?.click();
    changed = false;
  });

  // Another country: show its delivery, keep what is typed.
  document.addEventListener('change', (event) => {
    const t = event.target;
    if (t.id === 'f-country') t.form.requestSubmit(by('update'));
    if (t.name === 'method' || t.name === 'token') { chosen[t.name] = t.value; sum(); card(); }
  });

  // A page that comes back to the front asks whether its badge is still right.
  const refresh = async () => {
    const count = by('count');
    if (!count || document.hidden) return;
    try {
      const answer = await fetch('/shop/cart/count', { credentials: 'same-origin' });
      if (!answer.ok) return;
      const next = new DOMParser().parseFromString(await answer.text(), 'text/html').getElementById('count');
      if (next && next.textContent !== count.textContent) by('count').replaceWith(document.adoptNode(next));
    } catch { /* offline: the number stays */ }
  };
  document.addEventListener('visibilitychange', refresh);
  window.addEventListener('pageshow', (event) => { if (event.persisted) refresh(); });

  // pick chooses again what was chosen before a swap; sum shows the total of it.
  function pick() {
    for (const [name, value] of Object.entries(chosen)) {
      const radio = document.querySelector(`#pay input[name="${name}"][value="${CSS.escape(value)}"]`);
      if (radio) radio.checked = true;
    }
  }
  function sum() {
    const way = document.querySelector('#pay input[name="method"]:checked');
    const amount = by('pay-amount');
    if (!way || !amount) return;
    amount.textContent = ' · ' + way.dataset.due;
    by('total').textContent = way.dataset.total;
    if (by('due')) by('due').textContent = way.dataset.due;
    by('fee-row').hidden = !way.dataset.fee;
    if (way.dataset.fee) by('fee').textContent = way.dataset.fee;
  }

  // Stripe draws its own form in its own frame; this page sees a token only.
  let provider, elements;
  function card() {
    const place = by('stripe-form');
    if (!place || !window.Stripe || place.dataset.drawn) return;
    place.dataset.drawn = '1';
    provider = window.Stripe(place.dataset.key);
    elements = provider.elements({ mode: 'payment', amount: Number(place.dataset.amount), currency: place.dataset.currency, captureMethod: 'manual' });
    elements.create('payment').mount(place);
  }
  document.addEventListener('submit', async (event) => {
    const form = event.target;
    if (form.id !== 'pay' || !elements || form.elements.stripe?.value || form.elements.method.value !== 'card') return;
    event.preventDefault();
    event.stopImmediatePropagation();
    const button = by('pay-button'), complain = by('stripe-error');
    button.disabled = true;
    complain.textContent = '';
    let { error } = await elements.submit(), token;
    if (!error) ({ error, confirmationToken: token } = await provider.createConfirmationToken({ elements }));
    button.disabled = false;
    if (error) { complain.textContent = error.message; return; }
    form.elements.stripe.value = token.id;
    form.requestSubmit(button);
  }, true);
  async function goOn() {
    const place = by('stripe-next');
    if (!place || !window.Stripe) return;
    const { error } = await window.Stripe(place.dataset.key).handleNextAction({ clientSecret: place.dataset.secret });
    if (error) { by('stripe-error').textContent = error.message; return; }
    location.assign(place.dataset.to);
  }

  by('pay-alert')?.focus();
  sum();
  window.addEventListener('load', () => { card(); goOn(); });
})();
