// Routes from Kafka to the places where lines are used, and how far each is behind.
import { html, useState } from '../dom.js';
import { api } from '../api.js';
import { useLoad, usePages, useSend } from '../load.js';
import { go, href } from '../router.js';
import { duration, number, perSecond } from '../format.js';
import { t, tcode, tn } from '../i18n.js';
import { Button, Command, CurlButton, Empty, Field, Link, List, Mono, Notice, Page, Problem, Skeleton, State, Table, Text, Tile, Time } from '../parts.js';
import { ReasonDialog } from '../reason.js';
import { JsonEditor } from '../json_editor.js';

const KINDS = { running: 'ok', idle: 'off', refused: 'bad', unknown: 'off' };
const EMPTY = { topics: [''], sink: '', from: 'latest' };

export function Transfer({ route, me }) {
  const [, name] = route.segments;
  if (name === undefined) return html`<${Routes} me=${me} />`;
  return html`<${Route} name=${name} fresh=${route.query.get('new') === '1'} me=${me} />`;
}

function Routes({ me }) {
  const pages = usePages((token) => api.routes({ limit: 100, page_token: token ?? undefined }), { every: 5000 });
  const [adding, setAdding] = useState(false);
  const may = ['editor', 'admin'].includes(me.role);
  const create = may && html`<${Button} kind="primary" icon="plus" onClick=${() => setAdding(true)}>${t('transfer.new')}<//>`;
  return html`<${Page} title=${t('nav.transfer')} sub=${t('transfer.sub')} wide actions=${html`<${CurlButton} call=${() => api.routes()} />${create}`}>
    ${adding && html`<${Name} onClose=${() => setAdding(false)} />`}
    <${List} pages=${pages} caption=${t('nav.transfer')} keyOf=${(row) => row.name} columns=${COLUMNS()}
      empty=${html`<${Empty} title=${t('transfer.empty')} action=${create} commands=${[[t('transfer.empty_try'), 'logagent transfer --topic checkout --sink-url http://10.0.0.7:9200'], [t('transfer.empty_run'), 'logagent transfer -c /etc/logagent/transfer.ini']]}><p>${t('transfer.empty_text')}</p><//>`} /><//>`;
}

const COLUMNS = () => [
  { label: t('transfer.route'), class: 'grow', render: (row) => html`<a class="strong" href=${href(['transfer', row.name])}><${Text} v=${row.name} /></a>${row.detail && html`<div class=${row.state === 'refused' ? 'error small' : 'muted small'}><${Text} v=${row.detail} lines /></div>`}` },
  { label: t('topics'), render: (row) => html`<${Mono} v=${(row.topics ?? []).join(', ')} />` },
  { label: t('transfer.sink'), render: (row) => html`<${Mono} v=${row.sink} />` },
  { label: t('state'), class: 'nowrap', render: (row) => html`<${State} kind=${KINDS[row.state] ?? 'off'}>${tcode('route_state', row.state)}<//>` },
  { label: t('transfer.lag'), num: true, class: 'nowrap', render: (row) => html`<${Lag} row=${row} />` },
  { label: t('rate'), num: true, class: 'nowrap', render: (row) => perSecond(row.rate) },
  { label: t('transfer.members'), num: true, class: 'wide-only', render: (row) => number(row.members) },
  { label: t('transfer.where'), class: 'wide-only nowrap', render: (row) => html`<span class="muted">${t(row.document ? 'transfer.in_etcd' : 'transfer.local')}</span>` },
];

const Lag = ({ row }) => (row.lag == null ? html`<span class="muted">–</span>` : html`${tn('records', row.lag)}${row.lag_s > 0 && html`<div class="muted small">${duration(Math.max(1, row.lag_s))}</div>`}`);

function Name({ onClose }) {
  const [name, setName] = useState('');
  const submit = (event) => {
    event.preventDefault();
    go(href(['transfer', name.trim()], { new: 1 }));
  };
  return html`<form class="card name-form" onSubmit=${submit}><${Field} label=${t('name')} help=${t('transfer.name_help')}>${(props) => html`<input ...${props} required autofocus pattern="[A-Za-z0-9._\\-]+" maxlength="64" value=${name} onInput=${(event) => setName(event.target.value)} />`}<//>
    <div class="actions"><button class="button primary" disabled=${!name.trim()}>${t('transfer.define')}</button><${Button} kind="quiet" onClick=${onClose}>${t('cancel')}<//></div></form>`;
}

function Route({ name, fresh, me }) {
  const read = useLoad(fresh ? null : api.route(name), { every: 5000 });
  const { data, error } = read;
  const [removing, setRemoving] = useState(false);
  const may = ['editor', 'admin'].includes(me.role);
  const parts = data?.parts ?? [];
  const crumbs = [[t('nav.transfer'), href(['transfer'])]];
  return html`<${Page} title=${name} crumbs=${crumbs} wide sub=${data && html`<${State} kind=${KINDS[data.state] ?? 'off'}>${tcode('route_state', data.state)}<//><span class="muted">${t('transfer.group')} <${Mono} v=${data.group} /></span>`}
      actions=${!fresh && html`<${CurlButton} call=${() => api.route(name)} />${may && data?.document && html`<${Button} kind="quiet link-danger" onClick=${() => setRemoving(true)}>${t('transfer.remove')}<//>`}`}>
    <${Problem} error=${error} retry=${read.reload} />
    ${!fresh && !data && !error && html`<${Skeleton} rows=${8} />`}
    ${data?.detail && html`<${Notice} kind=${data.state === 'refused' ? 'bad' : 'info'} title=${html`<${Text} v=${data.detail} lines />`} />`}
    ${data && html`<dl class="tiles">
      <${Tile} label=${t('transfer.lag')} sub=${data.lag_s > 0 && duration(Math.max(1, data.lag_s))}>${data.lag == null ? '–' : tn('records', data.lag)}<//>
      <${Tile} label=${t('rate')}>${perSecond(data.rate)}<//>
      <${Tile} label=${t('transfer.members')}>${number(data.members)}<//>
      <${Tile} label=${t('transfer.partitions')}>${number(data.partitions)}<//>
      <${Tile} label=${t('transfer.committed')}><${Time} at=${data.committed_at} /><//></dl>`}
    ${(fresh || data?.document) && html`<${Definition} key=${data?.etag ?? 'new'} name=${name} stored=${data?.document} etag=${data ? read.etag ?? data.etag : null} may=${may} onDone=${() => (fresh ? go(href(['transfer', name]), { replace: true }) : read.reload())} />`}
    ${data && !data.document && html`<${Notice} title=${t('transfer.is_local')}><p>${t('transfer.is_local_text')}</p><${Command} text="logagent check -c /etc/logagent/transfer.ini" /><//>`}
    ${parts.length > 0 && html`<section class="block"><h2>${t('transfer.partitions')}</h2><${Table} caption=${t('transfer.partitions')} rows=${parts} keyOf=${(row) => `${row.topic} ${row.partition}`} columns=${[
      { label: t('topic'), class: 'grow', render: (row) => html`<${Mono} v=${row.topic} />` },
      { label: t('transfer.partition'), num: true, render: (row) => row.partition },
      { label: t('transfer.committed_at'), num: true, class: 'nowrap', render: (row) => number(row.committed) },
      { label: t('transfer.end'), num: true, class: 'nowrap', render: (row) => number(row.end) },
      { label: t('transfer.lag'), num: true, class: 'nowrap', render: (row) => (row.lag == null ? '–' : tn('records', row.lag)) }]} /></section>`}
    ${removing && html`<${ReasonDialog} title=${t('transfer.remove_title')} text=${t('transfer.remove_text')} button=${t('transfer.remove')} danger
      call=${(message) => api.deleteRoute(name, { etag: read.etag ?? data.etag, message })} onClose=${() => setRemoving(false)} onDone=${() => go(href(['transfer']), { replace: true })} />`}<//>`;
}

function Definition({ name, stored, etag, may, onDone }) {
  const [doc, setDoc] = useState(stored ?? EMPTY);
  const [message, setMessage] = useState('');
  const [jsonError, setJsonError] = useState(null);
  const { run, busy, error } = useSend();
  const changed = JSON.stringify(doc) !== JSON.stringify(stored ?? null);
  const submit = async (event) => {
    event.preventDefault();
    if (await run(api.saveRoute(name, doc, { etag, message: message.trim() }))) onDone();
  };
  return html`<form class="editor" onSubmit=${submit}><h2 class="block-title">${t('transfer.definition')}</h2>
    <${Problem} error=${error} /><${JsonEditor} fine=${t('json.valid')} rows=${8} value=${doc} onChange=${setDoc} onError=${setJsonError} readOnly=${!may} />
    <p class="help muted">${t('transfer.definition_help')}</p>
    ${may && changed && html`<div class="save-line"><${Field} label=${t('message.label')}>${(props) => html`<input ...${props} required maxlength="500" placeholder=${t('message.example')} value=${message} onInput=${(event) => setMessage(event.target.value)} />`}<//>
      <${CurlButton} call=${() => api.saveRoute(name, doc, { etag, message: message.trim() || t('message.example') })} />
      <button class="button primary" disabled=${busy || !!jsonError || !message.trim()} aria-busy=${busy}>${t('transfer.save')}</button></div>`}</form>`;
}
