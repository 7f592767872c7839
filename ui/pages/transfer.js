// Routes from Kafka to the places where lines are used, and how far each is behind.
import { html, useEffect, useState } from '../dom.js';
import { api } from '../api.js';
import { useLoad, usePages, useSend } from '../load.js';
import { go, href } from '../router.js';
import { duration, number, perSecond } from '../format.js';
import { t, tcode, tn } from '../i18n.js';
import { Button, Command, CurlButton, Empty, Field, List, Mono, Notice, Page, Problem, Skeleton, State, Table, Tabs, Text, Tile, Time } from '../parts.js';
import { same } from '../diff.js';
import { ReasonDialog } from '../reason.js';
import { JsonEditor } from '../json_editor.js';
import { RouteForm, emptyRoute } from '../route_form.js';

const KINDS = { running: 'ok', starting: 'busy', waiting: 'busy', stalled: 'bad', failed: 'bad', refused: 'bad', stopping: 'off', removing: 'off', idle: 'warn' };
const BAD = ['stalled', 'failed', 'refused'];
const mayEdit = (me) => ['editor', 'admin'].includes(me.role) && (me.services ?? ['*']).includes('*');
const RouteState = ({ state }) => html`<${State} kind=${KINDS[state] ?? 'off'}>${tcode('route_state', state)}<//>`;
const deadLetters = (topic) => `logagent transfer -c /etc/logagent/transfer.ini --dead-letters ${topic} --list`;

export function Transfer({ route, me }) {
  const [, name] = route.segments;
  if (name === undefined) return html`<${Routes} me=${me} />`;
  return html`<${Route} key=${name} name=${name} fresh=${route.query.get('new') === '1'} tab=${route.query.get('tab') ?? 'form'} me=${me} />`;
}

function Routes({ me }) {
  const pages = usePages((token) => api.routes({ limit: 100, page_token: token ?? undefined }), { every: 5000 });
  const processes = useLoad(api.transferProcesses({ limit: 500 }), { every: 5000 });
  const [adding, setAdding] = useState(false);
  const create = mayEdit(me) && html`<${Button} kind="primary" icon="plus" onClick=${() => setAdding(true)}>${t('transfer.new')}<//>`;
  const running = processes.data?.items ?? [];
  return html`<${Page} title=${t('nav.transfer')} sub=${t('transfer.sub')} wide actions=${html`<${CurlButton} call=${() => api.routes()} />${create}`}>
    ${adding && html`<${Name} onClose=${() => setAdding(false)} />`}
    <${List} pages=${pages} caption=${t('nav.transfer')} keyOf=${(row) => row.name} columns=${COLUMNS()}
      empty=${html`<${Empty} title=${t('transfer.empty')} action=${create} commands=${[[t('transfer.empty_try'), 'logagent transfer --topic checkout --sink-url http://10.0.0.7:9200'], [t('transfer.empty_run'), 'logagent transfer -c /etc/logagent/transfer.ini']]}><p>${t('transfer.empty_text')}</p><//>`} />
    ${running.length > 0 && html`<section class="block"><h2>${t('transfer.members')}</h2><${Table} caption=${t('transfer.members')} rows=${running} keyOf=${(row) => row.instance} columns=${PROCESS_COLUMNS()} /></section>`}
    ${processes.data && running.length === 0 && pages.items?.length > 0 && html`<${Notice} kind="warn" title=${t('transfer.nobody')}><p>${t('transfer.nobody_text')}</p><${Command} text="logagent transfer -c /etc/logagent/transfer.ini --set etcd_addr=10.0.0.5:2379" /><//>`}<//>`;
}

const Why = ({ row }) => (row.detail ? html`<div class=${BAD.includes(row.state) ? 'error small' : 'muted small'}><${Text} v=${row.detail} lines most=${300} /></div>` : null);

const COLUMNS = () => [
  { label: t('transfer.route'), class: 'grow', render: (row) => html`<a class="strong" href=${href(['transfer', row.name])}><${Text} v=${row.name} /></a>${!row.document && html`<div class="muted small">${t('transfer.local')}</div>`}<${Why} row=${row} />` },
  { label: t('topics'), render: (row) => html`<${Mono} v=${(row.topics ?? []).join(', ')} />` },
  { label: t('transfer.sink'), render: (row) => html`<${Mono} v=${row.sink} />${row.type && html`<div class="muted small">${row.type}</div>`}` },
  { label: t('state'), class: 'nowrap', render: (row) => html`<${RouteState} state=${row.state} />` },
  { label: t('transfer.lag'), num: true, class: 'nowrap', render: (row) => html`<${Lag} row=${row} />` },
  { label: t('rate'), num: true, class: 'nowrap', render: (row) => (row.members ? perSecond(row.rate) : html`<span class="muted">–</span>`) },
  { label: t('transfer.rejected'), num: true, class: 'nowrap wide-only', render: (row) => html`<${Rejected} row=${row} />` },
  { label: t('transfer.members'), num: true, class: 'wide-only', render: (row) => number(row.members) },
];

const PROCESS_COLUMNS = () => [
  { label: t('host'), class: 'grow', render: (row) => html`<span class="strong"><${Text} v=${row.host} /></span>${row.problem && html`<div class="error small"><${Text} v=${row.problem} lines most=${300} /></div>`}` },
  { label: t('transfer.sinks'), render: (row) => html`<${Mono} v=${row.sinks.map((one) => `${one.name} (${one.type})`).join(', ')} />` },
  { label: t('transfer.runs'), num: true, render: (row) => number(row.routes.length) },
  { label: t('transfer.started'), class: 'nowrap', render: (row) => html`<${Time} at=${row.started} />` },
  { label: t('version'), class: 'nowrap wide-only', render: (row) => html`<span class="muted"><${Text} v=${row.version} /></span>` },
];

const rejectedOf = (row) => (row.rejected ?? []).reduce((sum, one) => sum + one.count, 0);
const Rejected = ({ row }) => (rejectedOf(row) ? html`<span class="error">${number(rejectedOf(row))}</span>` : html`<span class="muted">0</span>`);
const Lag = ({ row }) => (row.lag == null ? html`<span class="muted">–</span>` : html`${tn('records', row.lag)}${row.lag_s > 0 && html`<div class="muted small">${duration(Math.max(1, row.lag_s))}</div>`}`);

function Name({ onClose }) {
  const [name, setName] = useState('');
  const submit = (event) => {
    event.preventDefault();
    go(href(['transfer', name.trim()], { new: 1 }));
  };
  return html`<form class="card name-form" onSubmit=${submit}><${Field} label=${t('name')} help=${t('transfer.name_help')}>${(props) => html`<input ...${props} required autofocus pattern="[a-z0-9._\\-]+" maxlength="64" value=${name} onInput=${(event) => setName(event.target.value)} />`}<//>
    <div class="actions"><button class="button primary" disabled=${!name.trim()}>${t('transfer.define')}</button><${Button} kind="quiet" onClick=${onClose}>${t('cancel')}<//></div></form>`;
}

function Route({ name, fresh, tab, me }) {
  const read = useLoad(fresh ? null : api.route(name), { every: 5000 });
  const processes = useLoad(api.transferProcesses({ limit: 500 }), { every: 15000 });
  const { data, error } = read;
  const [removing, setRemoving] = useState(false);
  const [warnings, setWarnings] = useState([]);
  const may = mayEdit(me);
  const saved = (answer) => {
    setWarnings(answer.data.warnings ?? []);
    if (fresh) go(href(['transfer', name]), { replace: true });
    else read.reload();
  };
  return html`<${Page} title=${name} crumbs=${[[t('nav.transfer'), href(['transfer'])]]} wide
      sub=${data && html`<${RouteState} state=${data.state} />${data.group && html`<span class="muted">${t('transfer.group')} <${Mono} v=${data.group} /></span>`}`}
      actions=${!fresh && html`<${CurlButton} call=${() => api.route(name)} />${may && data?.document && html`<${Button} kind="quiet link-danger" onClick=${() => setRemoving(true)}>${t('transfer.remove')}<//>`}`}>
    <${Problem} error=${error} retry=${read.reload} />
    ${!fresh && !data && !error && html`<${Skeleton} rows=${8} />`}
    ${warnings.map((one) => html`<${Notice} kind="warn" title=${html`<${Text} v=${one.text} lines />`} />`)}
    ${data && html`<${Stand} data=${data} />`}
    ${(fresh || data?.document) && html`<${Definition} name=${name} fresh=${fresh} tab=${tab} stored=${data?.document} etag=${read.etag ?? data?.etag ?? null} sinks=${processes.data ? sinksOf(processes.data) : processes.error ? [] : null} may=${may} onDone=${saved} />`}
    ${data && !data.document && html`<${Notice} title=${t('transfer.is_local')}><p>${t('transfer.is_local_text')}</p><${Command} text="logagent check -c /etc/logagent/transfer.ini" /><//>`}
    ${(data?.parts ?? []).length > 0 && html`<${Parts} data=${data} />`}
    ${removing && html`<${ReasonDialog} title=${t('transfer.remove_title')} text=${t('transfer.remove_text')} button=${t('transfer.remove_now')} danger
      call=${(message) => api.deleteRoute(name, { etag: read.etag ?? data.etag, message })} onClose=${() => setRemoving(false)} onDone=${() => go(href(['transfer']), { replace: true })} />`}<//>`;
}

const moment = (seconds) => (seconds < 1 ? `${number(seconds * 1000)} ms` : duration(seconds));

function sinksOf(processes) {
  const found = new Map();
  for (const process of processes?.items ?? []) for (const sink of process.sinks) found.set(sink.name, sink);
  return [...found.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
}

/// What is wanted, who has taken it, and how it goes.
function Stand({ data }) {
  const running = data.processes ?? [];
  const delay = Math.max(0, ...running.map((one) => one.delay_s ?? 0));
  return html`${data.detail && html`<${Notice} kind=${BAD.includes(data.state) ? 'bad' : 'info'} title=${html`<${Text} v=${data.detail} lines />`} />`}
    ${(data.rejected ?? []).map((one) => html`<${Notice} kind="warn" title=${t('transfer.rejected_title', { n: number(one.count) })}>
      <p><${Mono} v=${one.topic} /> · <${Mono} v=${one.reason} /> · <${Time} at=${one.at} /></p><p>${t('transfer.rejected_text')}</p><${Command} text=${deadLetters(one.topic)} /><//>`)}
    <dl class="tiles">
      <${Tile} label=${t('transfer.lag')} sub=${data.lag_s > 0 && duration(Math.max(1, data.lag_s))}>${data.lag == null ? '–' : tn('records', data.lag)}<//>
      <${Tile} label=${t('rate')}>${running.length ? perSecond(data.rate) : '–'}<//>
      <${Tile} label=${t('transfer.delay')}>${delay ? moment(delay) : '–'}<//>
      <${Tile} label=${t('transfer.dead')} kind=${data.dead_letters ? 'bad' : ''}>${number(data.dead_letters)}<//>
      <${Tile} label=${t('transfer.partitions')}>${number(data.partitions)}<//></dl>
    ${running.length > 0 && html`<section class="block"><h2>${t('transfer.members')}</h2><${Table} caption=${t('transfer.members')} rows=${running} keyOf=${(row) => row.instance} columns=${RUNNER_COLUMNS()} /></section>`}
    ${(data.refused_by ?? []).length > 0 && html`<section class="block"><h2>${t('transfer.refused_by')}</h2><${Table} caption=${t('transfer.refused_by')} rows=${data.refused_by} keyOf=${(row) => row.instance} columns=${[
      { label: t('host'), class: 'nowrap', render: (row) => html`<span class="strong"><${Text} v=${row.host} /></span>` },
      { label: t('transfer.why_not'), class: 'grow', render: (row) => html`<${Text} v=${row.detail} lines />` }]} /></section>`}`;
}

function Parts({ data }) {
  return html`<section class="block"><h2>${t('transfer.partitions')}</h2>
    ${data.partitions > data.parts.length && html`<p class="muted small">${t('transfer.parts_some', { n: number(data.parts.length), all: number(data.partitions) })}</p>`}
    <${Table} caption=${t('transfer.partitions')} rows=${data.parts} keyOf=${(row) => `${row.topic} ${row.partition}`} columns=${[
    { label: t('topic'), class: 'grow', render: (row) => html`<${Mono} v=${row.topic} />` },
    { label: t('transfer.partition'), num: true, render: (row) => row.partition },
    { label: t('transfer.committed_at'), num: true, class: 'nowrap', render: (row) => number(row.committed) },
    { label: t('transfer.end'), num: true, class: 'nowrap', render: (row) => number(row.end) },
    { label: t('transfer.lag'), num: true, class: 'nowrap', render: (row) => (row.lag == null ? '–' : tn('records', row.lag)) }]} /></section>`;
}

const RUNNER_COLUMNS = () => [
  { label: t('host'), class: 'grow', render: (row) => html`<span class="strong"><${Text} v=${row.host} /></span> <span class="muted small"><${Text} v=${row.version} /></span><${Why} row=${row} />` },
  { label: t('transfer.definition'), class: 'nowrap', render: (row) => html`<${State} kind=${row.current ? 'ok' : 'busy'}>${t(row.source === 'file' ? 'transfer.local' : row.current ? 'transfer.current' : 'transfer.older')}<//>` },
  { label: t('state'), class: 'nowrap', render: (row) => html`<${RouteState} state=${row.state} />` },
  { label: t('transfer.partitions'), num: true, class: 'wide-only', render: (row) => number(row.partitions) },
  { label: t('transfer.lag'), num: true, class: 'nowrap', render: (row) => (row.lag == null ? html`<span class="muted">–</span>` : tn('records', row.lag)) },
  { label: t('rate'), num: true, class: 'nowrap', render: (row) => perSecond(row.rate) },
  { label: t('transfer.dead'), num: true, class: 'wide-only', render: (row) => number(row.dead_letters) },
];

/// Form and JSON of one draft. What others save meanwhile is taken over only where nothing was changed here.
function Definition({ name, fresh, tab, stored, etag, sinks, may, onDone }) {
  const [draft, setDraft] = useState({ doc: stored ?? emptyRoute(), base: stored ?? emptyRoute(), etag });
  const [message, setMessage] = useState('');
  const [jsonError, setJsonError] = useState(null);
  const { run, busy, error, clear } = useSend();
  const changed = fresh || !same(draft.doc, draft.base);
  const stale = !fresh && stored && draft.etag !== etag;
  useEffect(() => {
    if (stale && !changed) setDraft({ doc: stored, base: stored, etag });
  }, [etag]);
  const change = (doc) => {
    setDraft({ ...draft, doc });
    if (error) clear();
  };
  const submit = async (event) => {
    event.preventDefault();
    const answer = await run(api.saveRoute(name, draft.doc, { etag: draft.etag, message: message.trim() }));
    if (!answer) return;
    setMessage('');
    setDraft({ doc: answer.data.document, base: answer.data.document, etag: answer.etag });
    onDone(answer);
  };
  const view = (id) => href(['transfer', name], { ...(fresh ? { new: 1 } : {}), ...(id === 'json' ? { tab: 'json' } : {}) });
  const errors = error?.errors ?? [];
  return html`<form class="editor block" onSubmit=${submit}><h2 class="block-title">${t('transfer.definition')}</h2>
    <${Tabs} label=${t('transfer.definition')} current=${tab} items=${[{ id: 'form', text: t('tab.form'), url: view('form') }, { id: 'json', text: t('tab.json'), url: view('json') }]} />
    ${stale && changed && html`<${Notice} kind="warn" title=${t('transfer.stale')} actions=${html`<${Button} onClick=${() => { clear(); setDraft({ doc: stored, base: stored, etag }); }}>${t('transfer.take_theirs')}<//><${Button} onClick=${() => { clear(); setDraft({ ...draft, base: stored, etag }); }}>${t('transfer.keep_mine')}<//>`}><p>${t('transfer.stale_text')}</p><//>`}
    ${error && error.status !== 412 && html`<${Problem} error=${error} />`}
    ${tab === 'json' ? html`<${JsonEditor} fine=${t('json.valid')} rows=${8} value=${draft.doc} onChange=${change} onError=${setJsonError} readOnly=${!may} /><p class="help muted">${t('transfer.definition_help')}</p>`
    : html`<fieldset class="plain" disabled=${!may}><${RouteForm} document=${draft.doc} errors=${errors} sinks=${sinks} onChange=${change} /></fieldset>`}
    ${may && changed && html`<div class="save-line"><${Field} label=${t('message.label')}>${(props) => html`<input ...${props} required maxlength="500" placeholder=${t('message.example')} value=${message} onInput=${(event) => setMessage(event.target.value)} />`}<//>
      <${CurlButton} call=${() => api.saveRoute(name, draft.doc, { etag: draft.etag, message: message.trim() || t('message.example') })} />
      <button class="button primary" disabled=${busy || !!jsonError || !message.trim()} aria-busy=${busy}>${t('transfer.save')}</button></div>`}</form>`;
}
