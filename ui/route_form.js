// The form of a route of transfer. It changes a document as a value; members it does not know it leaves alone.
import { html, useEffect, useState } from './dom.js';
import { t } from './i18n.js';
import { Field } from './parts.js';
import { withField } from './service.js';
import { plain } from './visible.js';

/// Members by the kind of sink that reads them: [name, kind, default, choices].
const OPTIONS = {
  elasticsearch: [['index', 'text', 'logs-{service}-{yyyy.MM.dd}']],
  hdfs: [['root', 'text', ''], ['format', 'choice', 'raw', ['raw', 'ndjson']], ['compress', 'choice', 'none', ['none', 'gzip', 'zstd']], ['roll_age', 'number', 300]],
  storm: [['mode', 'choice', 'drpc', ['drpc', 'kafka']], ['function', 'text', ''], ['topic', 'text', '']],
  kafka: [['topic', 'text', '']],
};
const SENT = ['elasticsearch', 'storm'];
const MORE = [['batch_records', 'number', 2000], ['concurrency', 'number', 8]];
const FILTERS = [['dedupe_records', 'number', 100000], ['dead_letter_percent', 'number', 10]];
const EXAMPLES = { root: '/logs', function: 'events', topic: 'relayed' };

export const emptyRoute = () => ({ topics: [], sink: '' });

/// "a, b" and "~re" as a list, or an expression, as transfer reads them.
export const topicsText = (value) => (Array.isArray(value) ? value.join('\n') : String(value ?? ''));
export function topicsOf(text) {
  if (text.trim().startsWith('~')) return text.trim();
  return text.split(/[\s,]+/).filter(Boolean);
}

const errorsAt = (errors, name) => errors.filter((item) => item.pointer === `/${name}`).map((item) => item.detail ?? item.code);

/// `sinks` = [{name, type}] of the processes that run; null until that is known.
export function RouteForm({ document, errors, sinks, onChange }) {
  const set = (name, value, fallback) => onChange(withField(document, name, value, fallback));
  const type = sinks?.find((one) => one.name === document.sink)?.type;
  const shown = (name) => (document.mode === 'kafka' ? name !== 'function' : name !== 'topic');
  const options = (OPTIONS[type] ?? []).filter(([name]) => type !== 'storm' || shown(name));
  const more = [...(SENT.includes(type) ? MORE : []), ...FILTERS];
  const touched = more.filter(([name]) => name in document).length + ['charset'].filter((name) => name in document).length;
  return html`<section class="card"><h2>${t('transfer.form_what')}</h2><div class="grid">
      <${Topics} value=${document.topics} errors=${errorsAt(errors, 'topics')} onChange=${(value) => onChange({ ...document, topics: value })} />
      <${From} value=${document.from} errors=${errorsAt(errors, 'from')} onChange=${(value) => set('from', value, 'earliest')} />
      <${Parse} value=${document.parse ?? ''} errors=${errorsAt(errors, 'parse')} onChange=${(value) => set('parse', value)} /></div></section>
    <section class="card"><h2>${t('transfer.form_where')}</h2><div class="grid">
      <${Sink} value=${document.sink ?? ''} sinks=${sinks} errors=${errorsAt(errors, 'sink')} onChange=${(value) => onChange({ ...document, sink: value })} />
      ${options.map((option) => html`<${Option} key=${option[0]} option=${option} document=${document} errors=${errors} set=${set} />`)}</div>
      <details class="more"><summary>${t('form.more')}${touched > 0 && html` <span class="count">${touched}</span>`}</summary><div class="grid">
        ${more.map((option) => html`<${Option} key=${option[0]} option=${option} document=${document} errors=${errors} set=${set} />`)}
        <${Option} option=${['charset', 'choice', '', ['', 'gb18030', 'utf-16le', 'utf-16be']]} document=${document} errors=${errors} set=${set} /></div></details></section>`;
}

// The text stays as typed; the document gets what it means.
function Topics({ value, errors, onChange }) {
  const [text, setText] = useState(topicsText(value));
  useEffect(() => {
    if (JSON.stringify(topicsOf(text)) !== JSON.stringify(value ?? [])) setText(topicsText(value));
  }, [JSON.stringify(value)]);
  const typed = (event) => {
    setText(event.target.value);
    onChange(topicsOf(event.target.value));
  };
  return html`<${Field} kind="span" label=${t('topics')} help=${html`${t('transfer.topics_help')} <code>~shop-.*</code>`} pointer="/topics" errors=${errors}>
    ${(props) => html`<textarea ...${props} class="mono" rows="2" spellcheck=${false} placeholder="shop-access" value=${text} onInput=${typed} />`}<//>`;
}

function From({ value = 'earliest', errors, onChange }) {
  const kind = ['earliest', 'latest'].includes(value) ? value : 'time';
  const choose = (event) => onChange(event.target.value === 'time' ? `${new Date().toISOString().slice(0, 16)}:00Z` : event.target.value);
  return html`<${Field} label=${t('transfer.from')} help=${t('transfer.from_help')} pointer="/from" errors=${errors}>
    ${(props) => html`<div class="with-button"><select ...${props} value=${kind} onChange=${choose}>${['earliest', 'latest', 'time'].map((id) => html`<option value=${id}>${t(`transfer.from.${id}`)}</option>`)}</select>
      ${kind === 'time' && html`<input class="mono" aria-label=${t('transfer.from.time')} spellcheck=${false} value=${value} onInput=${(event) => onChange(event.target.value.trim())} />`}</div>`}<//>`;
}

const PARSERS = ['', 'nginx', 'json', 're2'];

function Parse({ value, errors, onChange }) {
  const kind = value.startsWith('re2:') ? 're2' : value;
  const choose = (event) => onChange(event.target.value === 're2' ? 're2:' : event.target.value);
  return html`<${Field} label=${t('transfer.parse')} help=${t('transfer.parse_help')} optional pointer="/parse" errors=${errors}>
    ${(props) => html`<div class="with-button"><select ...${props} value=${kind} onChange=${choose}>${(PARSERS.includes(kind) ? PARSERS : [...PARSERS, kind]).map((id) => html`<option value=${id}>${id === '' ? t('none') : id === 're2' ? t('transfer.parse.re2') : id}</option>`)}</select>
      ${kind === 're2' && html`<input class="mono" aria-label=${t('transfer.parse.re2')} spellcheck=${false} placeholder="(?P<code>\\d+)" value=${value.slice(4)} onInput=${(event) => onChange(`re2:${event.target.value}`)} />`}</div>`}<//>`;
}

function Sink({ value, sinks, errors, onChange }) {
  const all = sinks ?? [];
  const known = all.some((one) => one.name === value);
  const help = !sinks || all.length ? t('transfer.sink_help') : t('transfer.sink_unknown');
  return html`<${Field} label=${t('transfer.sink')} help=${help} pointer="/sink" errors=${errors}>
    ${(props) => (!sinks || all.length
      ? html`<select ...${props} disabled=${!sinks} value=${value} onChange=${(event) => onChange(event.target.value)}>${value === '' && html`<option value="">${t('transfer.sink_choose')}</option>`}
          ${value && !known && html`<option value=${value}>${plain(value)}</option>`}${all.map((one) => html`<option value=${one.name}>${plain(one.name)} · ${plain(one.type)}</option>`)}</select>`
      : html`<input ...${props} class="mono" spellcheck=${false} autocomplete="off" value=${value} onInput=${(event) => onChange(event.target.value.trim())} />`)}<//>`;
}

function Option({ option: [name, kind, fallback, choices], document, errors, set }) {
  const value = document[name] ?? '';
  const number = (text) => (text === '' ? undefined : Number(text));
  return html`<${Field} label=${t(`transfer.field.${name}`)} help=${t(`transfer.help.${name}`)} pointer=${`/${name}`} errors=${errorsAt(errors, name)}>
    ${(props) => (kind === 'choice'
      ? html`<select ...${props} value=${value === '' ? fallback : value} onChange=${(event) => set(name, event.target.value, fallback)}>${choices.map((choice) => html`<option value=${choice}>${choice || t('none')}</option>`)}</select>`
      : kind === 'number'
        ? html`<input ...${props} type="number" class="num" min="0" step="1" placeholder=${fallback} value=${value} onInput=${(event) => set(name, number(event.target.value), fallback)} />`
        : html`<input ...${props} class="mono" spellcheck=${false} autocomplete="off" placeholder=${fallback || EXAMPLES[name]} value=${value} onInput=${(event) => set(name, event.target.value.trim(), fallback || undefined)} />`)}<//>`;
}
