// The last step of every change of services: a reason, and the button that says how many hosts it touches.
import { html, useState } from './dom.js';
import { t, tn } from './i18n.js';
import { CurlButton, Field } from './parts.js';

/// `call(message)` describes the request; `apply(message)` makes it. `button` names what happens.
export function ApplyForm({ plan, call, apply, busy, back, button, danger = false, initial = '' }) {
  const [message, setMessage] = useState(initial);
  const [asked, setAsked] = useState(false);
  const submit = (event) => {
    event.preventDefault();
    setAsked(true);
    if (!busy && message.trim()) apply(message.trim());
  };
  const keys = (event) => {
    if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) submit(event);
  };
  return html`<form class="bar-bottom apply" onSubmit=${submit} onKeyDown=${keys}>
    <${Field} label=${t('message.label')} errors=${asked && !message.trim() ? [t('message.missing')] : []}>
      ${(props) => html`<input ...${props} value=${message} placeholder=${t('message.example')} maxlength="500" autofocus onInput=${(event) => setMessage(event.target.value)} />`}<//>
    <${CurlButton} call=${() => call(message.trim() || t('message.example'))} />
    ${back}
    <button class=${`button ${danger ? 'danger' : 'primary'}`} disabled=${busy} aria-busy=${busy}>${button ?? (plan.totals ? tn('plan.apply', plan.totals.hosts) : t('plan.save'))}</button>
  </form>`;
}
