// A change that needs no form but a reason: what it does, why, and the button.
import { html, useState } from './dom.js';
import { useSend } from './load.js';
import { t } from './i18n.js';
import { Button, CurlButton, Dialog, Field, Problem } from './parts.js';

/// `call(message)` describes the request; `onDone(answer)` gets what the server said.
export function ReasonDialog({ title, text, button, danger = false, call, onDone, onClose }) {
  const [message, setMessage] = useState('');
  const { run, busy, error } = useSend();
  const submit = async (event) => {
    event.preventDefault();
    const answer = await run(call(message.trim()));
    if (answer) onDone(answer);
  };
  return html`<${Dialog} title=${title} onClose=${onClose}><form onSubmit=${submit}>
    ${text && html`<p>${text}</p>`}<${Problem} error=${error} />
    <${Field} label=${t('message.label')}>${(props) => html`<input ...${props} required autofocus maxlength="500" placeholder=${t('message.example')} value=${message} onInput=${(event) => setMessage(event.target.value)} />`}<//>
    <div class="actions end"><${CurlButton} call=${() => call(message.trim() || t('message.example'))} /><${Button} kind="quiet" onClick=${onClose}>${t('cancel')}<//>
      <button class=${`button ${danger ? 'danger' : 'primary'}`} disabled=${busy || !message.trim()} aria-busy=${busy}>${button}</button></div></form><//>`;
}
