// The form of a service. It changes a document as a value; whose fields it does not know it leaves alone.
import { html, useEffect, useState } from './dom.js';
import { api } from './api.js';
import { useLoad, useSettled } from './load.js';
import { bytesPerSecond, limit, number } from './format.js';
import { t, tn } from './i18n.js';
import { Button, Field, Mono, Text } from './parts.js';
import { PathPicker } from './path_picker.js';
import { RateSlider } from './rate_slider.js';
import { ENTRY_FIELDS, replaced, withField } from './service.js';

const texts = (errors, pointer) => errors.filter((item) => item.pointer === pointer).map((item) => item.detail ?? item.code);
const split = (text) => text.split(/[\s,]+/).filter(Boolean);
const lines = (text) => text.split('\n').filter((line) => line !== '');

export function ServiceForm({ service, stored, errors, fresh, onChange, me }) {
  const set = (path, value) => onChange(replaced(service, path, value));
  const [matched, setMatched] = useState({ total: null, names: [] });
  const has = (feature) => me.features.includes(feature);
  // What an entry is in the stored document: only that has rates.
  const storedEntry = (entry) => (has('rates') ? stored?.files?.find((one) => one.log_path === entry.log_path && one.topic === entry.topic) : null);
  return html`
    <section class="card"><h2>${t('form.about')}</h2>
      <div class="grid">
        <${Field} label=${t('field.name')} help=${fresh ? t('help.name') : t('help.name_fixed')} pointer="/name" errors=${texts(errors, '/name')}>
          ${(props) => html`<input ...${props} value=${service.name} disabled=${!fresh} spellcheck=${false} autocomplete="off" onInput=${(event) => set(['name'], event.target.value.trim())} />`}<//>
        <${Field} label=${t('field.owner')} help=${t('help.owner')} optional pointer="/owner" errors=${texts(errors, '/owner')}>
          ${(props) => html`<input ...${props} value=${service.owner} onInput=${(event) => set(['owner'], event.target.value)} />`}<//>
        <${Field} kind="span" label=${t('field.description')} optional pointer="/description" errors=${texts(errors, '/description')}>
          ${(props) => html`<input ...${props} value=${service.description} onInput=${(event) => set(['description'], event.target.value)} />`}<//>
        <${Flag} label=${t('field.enabled')} help=${t('help.enabled')} value=${service.enabled} onChange=${(value) => set(['enabled'], value)} />
      </div></section>
    <section class="card" data-pointer="/hosts"><h2>${t('form.hosts')}</h2><p class="lead">${t('form.hosts_text')}</p>
      <div class="columns"><div>
        <${WordsField} label=${t('field.selector')} help=${html`${t('help.selector')} <code>env=prod,idc!=bj,host=~web-.*</code>`} pointer="/hosts/selector" errors=${errors}
          value=${service.hosts.selector} onChange=${(value) => set(['hosts', 'selector'], value)} />
        <${ListField} label=${t('field.list')} help=${t('help.list')} pointer="/hosts/list" errors=${errors} value=${service.hosts.list} parse=${split} rows=${3}
          onChange=${(value) => set(['hosts', 'list'], value)} />
        <${ListField} label=${t('field.cidr')} help=${t('help.cidr')} pointer="/hosts/cidr" errors=${errors} value=${service.hosts.cidr} parse=${split} rows=${2}
          onChange=${(value) => set(['hosts', 'cidr'], value)} />
      </div><${Matches} hosts=${service.hosts} onMatched=${setMatched} /></div></section>
    <section class="card" data-pointer="/files"><h2>${t('form.files')}</h2><p class="lead">${t('form.files_text')}</p>
      ${service.files.map((entry, i) => html`<${Entry} key=${i} entry=${entry} i=${i} errors=${errors} matched=${matched} service=${service.name} stored=${storedEntry(entry)} mayPick=${has('paths')} only=${service.files.length === 1}
        onChange=${(next) => set(['files', i], next)} onRemove=${() => set(['files'], service.files.filter((_, at) => at !== i))} />`)}
      ${texts(errors, '/files').map((text) => html`<p class="error"><${Text} v=${text} /></p>`)}
      <${Button} icon="plus" onClick=${() => set(['files'], [...service.files, { log_path: '', topic: service.files.at(-1)?.topic ?? '' }])}>${t('form.add_file')}<//>
    </section>
    <${LabelsCard} labels=${service.labels} errors=${errors} onChange=${(value) => set(['labels'], value)} />`;
}

function WordsField({ label, help, pointer, errors, value, onChange, optional = true, placeholder }) {
  return html`<${Field} label=${label} help=${help} pointer=${pointer} optional=${optional} errors=${texts(errors, pointer)}>
    ${(props) => html`<input ...${props} class="mono" value=${value ?? ''} placeholder=${placeholder} spellcheck=${false} autocomplete="off" onInput=${(event) => onChange(event.target.value)} />`}<//>`;
}

// The text stays as typed; the document gets what it means.
function ListField({ label, help, pointer, errors, value, parse, onChange, rows = 3, optional = true }) {
  const [text, setText] = useState((value ?? []).join('\n'));
  const meant = JSON.stringify(parse(text));
  useEffect(() => {
    if (JSON.stringify(value ?? []) !== meant) setText((value ?? []).join('\n'));
  }, [JSON.stringify(value)]);
  const wrong = errors.filter((item) => item.pointer === pointer || item.pointer?.startsWith(`${pointer}/`)).map((item) => {
    const index = item.pointer.slice(pointer.length + 1);
    return index ? `${value?.[index] ?? index}: ${item.detail ?? item.code}` : item.detail ?? item.code;
  });
  return html`<${Field} label=${label} help=${help} pointer=${pointer} optional=${optional} errors=${wrong}>
    ${(props) => html`<textarea ...${props} class="mono" rows=${rows} spellcheck=${false} value=${text}
      onInput=${(event) => { setText(event.target.value); onChange(parse(event.target.value)); }} />`}<//>`;
}

export function Flag({ label, help, value, onChange }) {
  return html`<div class="field span"><label class="flag"><input type="checkbox" checked=${value} onChange=${(event) => onChange(event.target.checked)} />
    <span>${label}${help && html`<span class="help">${help}</span>`}</span></label></div>`;
}

/// "matches 37 hosts", while typing.
function Matches({ hosts, onMatched }) {
  const asked = useSettled(hosts, 300);
  const nothing = !asked.list.length && !asked.cidr.length && !asked.selector;
  const { data, error, loading } = useLoad(nothing ? null : api.matchHosts(asked));
  const total = nothing ? 0 : data?.total ?? null;
  useEffect(() => onMatched({ total, names: nothing ? [] : data?.items ?? [] }), [total, data, nothing]);
  return html`<aside class="matches" role="status" aria-busy=${loading}>
    <p class="matches-count">${nothing ? t('matches.none') : error ? t(error.status === 404 ? 'matches.later' : 'matches.unknown') : total == null ? t('loading') : tn('matches', total)}</p>
    ${nothing && html`<p class="muted">${t('matches.none_text')}</p>`}
    ${error?.status === 404 && html`<p class="muted">${t('matches.later_text')}</p>`}
    ${error && error.status !== 404 && html`<p class="error">${error.errors.length ? error.errors.map((item) => html`<span><${Text} v=${item.detail ?? item.code} /></span>`) : html`<${Text} v=${error.message} />`}</p>`}
    ${data?.errors?.map((item) => html`<p class="error"><${Text} v=${item.detail ?? item.code} /></p>`)}
    ${!nothing && data?.items?.length > 0 && html`<ul class="names" tabindex="0" aria-label=${t('nav.hosts')}>${data.items.map((name) => html`<li><${Mono} v=${name} /></li>`)}</ul>
      ${total > data.items.length && html`<p class="muted">${t('matches.more', { n: number(total - data.items.length) })}</p>`}`}
    ${!nothing && data && total === 0 && html`<p class="muted">${t('matches.zero_text')}</p>`}
  </aside>`;
}

function Entry({ entry, i, errors, matched, service, stored, mayPick, only, onChange, onRemove }) {
  const [picking, setPicking] = useState(false);
  const pointer = (name) => `/files/${i}/${name}`;
  const set = (name, value, fallback) => onChange(withField(entry, name, value, fallback));
  const advanced = ENTRY_FIELDS.filter(([name]) => name in entry).length + ['send_rate_bytes', 'mask', 'multiline'].filter((name) => name in entry).length;
  return html`<div class="entry" data-pointer=${`/files/${i}`} role="group" aria-label=${t('form.file', { n: i + 1 })}>
    <div class="entry-head"><h3>${t('form.file', { n: i + 1 })}</h3>
      ${!only && html`<${Button} kind="quiet small" icon="close" onClick=${onRemove}>${t('form.remove')}<//>`}</div>
    <div class="grid">
      <${Field} label=${t('field.log_path')} help=${t('help.log_path')} pointer=${pointer('log_path')} errors=${texts(errors, pointer('log_path'))}>
        ${(props) => html`<div class="with-button"><input ...${props} class="mono" placeholder="/var/log/nginx/*.log" value=${entry.log_path ?? ''} spellcheck=${false} autocomplete="off"
          onInput=${(event) => onChange({ ...entry, log_path: event.target.value })} />${mayPick && html`<${Button} icon="folder" disabled=${!matched.names.length} title=${matched.names.length ? undefined : t('picker.no_host')} onClick=${() => setPicking(true)}>${t('picker.browse')}<//>`}</div>`}<//>
      <${Field} label=${t('field.topic')} help=${t('help.topic')} pointer=${pointer('topic')} errors=${texts(errors, pointer('topic'))}>
        ${(props) => html`<input ...${props} class="mono" placeholder="nginx" value=${entry.topic ?? ''} spellcheck=${false} autocomplete="off"
          onInput=${(event) => onChange({ ...entry, topic: event.target.value.trim() })} />`}<//>
      <${Rate} label=${t('field.send_rate')} unit=${t('unit.lines_s')} help=${rateHelp(entry.send_rate, matched.total)} value=${entry.send_rate}
        pointer=${pointer('send_rate')} errors=${errors} steps=${[0, 100, 1000, 5000, 20000]} shown=${limit} onChange=${(value) => set('send_rate', value, 0)} />
      <${Rate} label=${t('field.send_rate_bytes')} unit="B/s" help=${t('help.send_rate_bytes')} value=${entry.send_rate_bytes}
        pointer=${pointer('send_rate_bytes')} errors=${errors} steps=${[0, 1 << 20, 10 << 20]} shown=${(value) => (value ? bytesPerSecond(value) : t('unit.unlimited'))}
        onChange=${(value) => set('send_rate_bytes', value, 0)} />
      ${stored && html`<${RateSlider} service=${service} several=${!only} value=${entry.send_rate ?? 0} onChange=${(value) => set('send_rate', value, 0)} />`}
    </div>
    ${picking && html`<${PathPicker} hosts=${matched.names} glob=${entry.log_path?.startsWith('/') ? entry.log_path : '/var/log/**/*.log'} onClose=${() => setPicking(false)} onPick=${(path) => { onChange({ ...entry, log_path: path }); setPicking(false); }} />`}
    <details class="more"><summary>${t('form.more')}${advanced > 0 && html` <span class="count">${advanced}</span>`}</summary>
      <div class="grid">
        ${ENTRY_FIELDS.map(([name, kind, fallback, choices]) => html`<${Advanced} key=${name} ...${{ name, kind, fallback, choices, entry, errors, set }} pointer=${pointer(name)} />`)}
        <${MultilineField} value=${entry.multiline} pointer=${pointer('multiline')} errors=${errors} onChange=${(value) => set('multiline', value)} />
        <${MaskField} value=${entry.mask} pointer=${pointer('mask')} errors=${errors} onChange=${(value) => set('mask', value)} />
      </div></details></div>`;
}

function rateHelp(rate, matched) {
  if (!rate || !matched) return t('help.send_rate');
  return t('help.send_rate_sum', { n: number(rate * matched), hosts: tn('hosts', matched) });
}

function Rate({ label, unit, help, value, pointer, errors, steps, shown, onChange }) {
  const read = (text) => (text === '' ? undefined : Number(text));
  return html`<${Field} label=${label} help=${help} optional pointer=${pointer} errors=${texts(errors, pointer)}>
    ${(props) => html`<div class="with-unit"><input ...${props} type="number" class="num" min="0" step="1" placeholder="0" value=${value ?? ''} onInput=${(event) => onChange(read(event.target.value))} /><span>${unit}</span></div>
      <div class="presets">${steps.map((step) => html`<button type="button" aria-pressed=${(value ?? 0) === step ? 'true' : 'false'} onClick=${() => onChange(step)}>${shown(step)}</button>`)}</div>`}<//>`;
}

function Advanced({ name, kind, fallback, choices, entry, errors, pointer, set }) {
  const value = entry[name] ?? fallback;
  const label = t(`field.${name}`);
  const help = t(`help.${name}`);
  if (kind === 'list') return html`<${ListField} ...${{ label, help, pointer, errors }} value=${value} parse=${lines} rows=${2} onChange=${(next) => set(name, next)} />`;
  if (kind === 'flag') return html`<${Flag} ...${{ label, help, value }} onChange=${(next) => set(name, next, fallback)} />`;
  return html`<${Field} label=${label} help=${help} pointer=${pointer} errors=${texts(errors, pointer)}>
    ${(props) => (kind === 'choice'
      ? html`<select ...${props} value=${value} onChange=${(event) => set(name, event.target.value, fallback)}>
          ${choices.map((choice) => html`<option value=${choice}>${choice || t('none')}</option>`)}</select>`
      : html`<input ...${props} type="number" class="num" min="0" step="1" placeholder=${fallback} value=${entry[name] ?? ''}
          onInput=${(event) => set(name, event.target.value === '' ? undefined : Number(event.target.value), fallback)} />`)}<//>`;
}

function MultilineField({ value, pointer, errors, onChange }) {
  const wrong = errors.filter((item) => item.pointer?.startsWith(pointer)).map((item) => item.detail ?? item.code);
  return html`<${Field} label=${t('field.multiline')} help=${t('help.multiline')} optional pointer=${pointer} errors=${wrong}>
    ${(props) => html`<input ...${props} class="mono" placeholder="^\\d{4}-" value=${value?.start ?? ''} spellcheck=${false}
      onInput=${(event) => onChange(event.target.value ? { ...value, start: event.target.value } : undefined)} />`}<//>`;
}

function MaskField({ value = [], pointer, errors, onChange }) {
  const wrong = errors.filter((item) => item.pointer?.startsWith(pointer)).map((item) => item.detail ?? item.code);
  const set = (i, name, text) => onChange(value.map((rule, at) => (at === i ? { ...rule, [name]: text } : rule)));
  return html`<div class=${`field span ${wrong.length ? 'wrong' : ''}`} data-pointer=${pointer} role="group" aria-label=${t('field.mask')}>
    <span class="name">${t('field.mask')}<span class="muted"> ${t('optional')}</span></span>
    ${value.map((rule, i) => html`<div class="pair" key=${i}>
      <input class="mono" aria-label=${t('mask.match')} placeholder="password=\\S+" value=${rule.match} spellcheck=${false} onInput=${(event) => set(i, 'match', event.target.value)} />
      <span aria-hidden="true">→</span>
      <input class="mono" aria-label=${t('mask.with')} value=${rule.with} spellcheck=${false} onInput=${(event) => set(i, 'with', event.target.value)} />
      <${Button} kind="icon-only quiet small" icon="close" aria-label=${t('form.remove')} onClick=${() => onChange(value.filter((_, at) => at !== i))} /></div>`)}
    ${wrong.length > 0 && html`<p class="error">${wrong.map((text) => html`<span><${Text} v=${text} /></span>`)}</p>`}
    <${Button} kind="quiet small" icon="plus" onClick=${() => onChange([...value, { match: '', with: '***' }])}>${t('mask.add')}<//>
    <p class="help">${t('help.mask')}</p></div>`;
}

function LabelsCard({ labels, errors, onChange }) {
  const text = (value) => Object.entries(value ?? {}).map(([key, item]) => `${key}=${item}`);
  const parse = (list) => Object.fromEntries(list.map((line) => {
    const at = line.indexOf('=');
    return at < 0 ? [line.trim(), ''] : [line.slice(0, at).trim(), line.slice(at + 1).trim()];
  }));
  return html`<section class="card"><h2>${t('form.labels')}</h2>
    <${ListField} label=${t('field.labels')} help=${t('help.labels')} pointer="/labels" errors=${errors} value=${text(labels)} parse=${lines} rows=${2}
      onChange=${(list) => onChange(parse(list))} /></section>`;
}
