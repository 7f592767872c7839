// Files that an agent could collect, asked of the agent itself: choose one, or see what a glob matches.
import { html, useState } from './dom.js';
import { api } from './api.js';
import { useLoad } from './load.js';
import { bytes, number } from './format.js';
import { t, tn } from './i18n.js';
import { Button, CurlButton, Dialog, Field, Mono, Problem, Skeleton, Table, Time } from './parts.js';

/// `hosts`: names to choose from, the first is asked first. `onPick(path)` gets a path or the glob itself.
export function PathPicker({ hosts, glob: first, onPick, onClose }) {
  const [host, setHost] = useState(hosts[0]);
  const [text, setText] = useState(first);
  const [glob, setGlob] = useState(first);
  const call = api.paths({ host, glob, limit: 200 });
  const { data, error, loading, reload } = useLoad(host && glob.startsWith('/') ? call : null);
  const ask = (event) => {
    event.preventDefault();
    if (glob === text.trim()) reload();
    setGlob(text.trim());
  };
  const paths = data?.items ?? [];
  return html`<${Dialog} wide title=${t('picker.title')} onClose=${onClose}>
    <form class="picker" onSubmit=${ask}>
      <${Field} label=${t('host')}>${(props) => html`<select ...${props} value=${host} onChange=${(event) => setHost(event.target.value)}>${hosts.map((name) => html`<option value=${name}>${name}</option>`)}</select>`}<//>
      <${Field} label=${t('picker.glob')}>${(props) => html`<input ...${props} class="mono" autofocus spellcheck=${false} autocomplete="off" value=${text} onInput=${(event) => setText(event.target.value)} />`}<//>
      <button class="button">${t('picker.show')}</button></form>
    <${Problem} error=${error} retry=${reload} />
    <div class="picker-list" aria-busy=${loading}>${!data && !error ? html`<${Skeleton} rows=${6} />`
      : data && !paths.length ? html`<p class="muted pad">${t('picker.nothing')}</p>`
        : data && html`<${Table} caption=${t('picker.title')} rows=${paths} keyOf=${(row) => row.path} columns=${[
          { label: t('path'), class: 'grow', render: (row) => html`<button type="button" class="link" onClick=${() => onPick(row.path)}><${Mono} v=${row.path} /></button>` },
          { label: t('size'), num: true, class: 'nowrap', render: (row) => bytes(row.size) },
          { label: t('picker.modified'), class: 'nowrap', render: (row) => html`<${Time} at=${row.modified} />` }]} />`}</div>
    <div class="actions end"><p class="muted push-left" role="status">${data && (data.more ? t('picker.more', { n: number(paths.length) }) : tn('picker.matches', paths.length))}</p>
      <${CurlButton} call=${() => call} /><${Button} kind="quiet" onClick=${onClose}>${t('cancel')}<//>
      <${Button} kind="primary" disabled=${!text.trim().startsWith('/')} onClick=${() => onPick(text.trim())}>${t('picker.use')}<//></div><//>`;
}
