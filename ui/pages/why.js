// "Why is my log not there?": the way of a line, step by step, up to the first that is broken.
import { html, useState } from '../dom.js';
import { api } from '../api.js';
import { useLoad } from '../load.js';
import { href, setQuery } from '../router.js';
import { t, tcode } from '../i18n.js';
import { Button, CurlButton, Empty, Field, Mono, Page, Problem, Skeleton, State, Text } from '../parts.js';
import { PathPicker } from '../path_picker.js';

export function Why({ route, me }) {
  const host = route.query.get('host') ?? '';
  const path = route.query.get('path') ?? '';
  const [form, setForm] = useState({ host, path });
  const [picking, setPicking] = useState(false);
  const call = api.why({ host, path });
  const read = useLoad(host && path ? call : null);
  const hosts = useLoad(api.hosts({ limit: 500 })).data?.items ?? [];
  const ask = (event) => {
    event.preventDefault();
    const next = { host: form.host.trim(), path: form.path.trim() };
    if (next.host === host && next.path === path) read.reload();
    else setQuery(next, { replace: false });
  };
  const set = (name) => (event) => setForm({ ...form, [name]: event.target.value });
  return html`<${Page} title=${t('why.title')} sub=${t('why.sub')} actions=${html`<${CurlButton} call=${() => api.why({ host: form.host.trim(), path: form.path.trim() })} />`}>
    <form class="card why-form" onSubmit=${ask}>
      <${Field} label=${t('host')}>${(props) => html`<input ...${props} required class="mono" list="why-hosts" data-search spellcheck=${false} autocomplete="off" placeholder="web01" value=${form.host} onInput=${set('host')} />`}<//>
      <${Field} label=${t('path')}>${(props) => html`<div class="with-button"><input ...${props} required class="mono" spellcheck=${false} autocomplete="off" placeholder="/var/log/nginx/access.log" value=${form.path} onInput=${set('path')} />
        ${me.features.includes('paths') && me.role !== 'viewer' && me.role !== 'tailer' && html`<${Button} icon="folder" disabled=${!form.host.trim()} onClick=${() => setPicking(true)}>${t('picker.browse')}<//>`}</div>`}<//>
      <datalist id="why-hosts">${hosts.map((one) => html`<option value=${one.host} />`)}</datalist>
      <button class="button primary">${t('why.ask')}</button></form>
    ${!host || !path ? html`<${Empty} title=${t('why.empty')}><p>${t('why.empty_text')}</p><//>` : html`
      <${Problem} error=${read.error} retry=${read.reload} />
      ${read.loading && html`<${Skeleton} rows=${8} />`}
      ${read.data && !read.loading && html`<${Verdict} data=${read.data} me=${me} />`}`}
    ${picking && html`<${PathPicker} hosts=${[form.host.trim()]} glob=${form.path.trim() || '/var/log/**/*.log'} onClose=${() => setPicking(false)} onPick=${(found) => { setForm({ ...form, path: found }); setPicking(false); }} />`}<//>`;
}

const KINDS = { ok: 'ok', broken: 'bad', unknown: 'off', skipped: 'off' };

function Verdict({ data, me }) {
  const broken = data.steps.find((step) => step.step === data.broken);
  const unsure = data.steps.some((step) => step.state === 'unknown');
  const kind = broken ? 'bad' : unsure ? 'warn' : 'ok';
  return html`<section class=${`outcome ${kind}`} role="status">
      <p class="outcome-title">${broken ? t(`why.broken.${broken.step}`) : unsure ? t('why.unsure') : t('why.fine')}</p>
      ${broken && html`<p><${Text} v=${broken.text} lines /></p>${broken.remedy && html`<p class="remedy"><strong>${t('why.remedy')}</strong> <${Text} v=${broken.remedy} lines /></p>`}`}
      <p class="muted"><${Mono} v=${data.path} /> ${t('why.on')} <a href=${href(['hosts', data.host])}><${Mono} v=${data.host} /></a>
        ${data.service && html` · ${t('service')} <a href=${href(['services', data.service])}><${Text} v=${data.service} /></a>`}${data.topic && html` · ${t('topic')} <${Mono} v=${data.topic} />`}
        ${!broken && me.features.includes('tail') && html` · <a href=${href(['tail'], { host: data.host, path: data.path, run: 1 })}>${t('why.tail')}</a>`}</p></section>
    <ol class="way" aria-label=${t('why.title')}>${data.steps.map((step, i) => html`<li class=${`${step.state} ${step.step === data.broken ? 'here' : ''}`}>
      <span class="way-mark" aria-hidden="true">${i + 1}</span><div><p class="way-head"><span class="strong">${t(`why.step.${step.step}`)}</span> <${State} kind=${KINDS[step.state] ?? 'off'}>${tcode('why.state', step.state)}<//></p>
      ${step.text && html`<p class="muted"><${Text} v=${step.text} lines /></p>`}${step.remedy && step.state !== 'skipped' && html`<p><${Text} v=${step.remedy} lines /></p>`}</div></li>`)}</ol>`;
}
