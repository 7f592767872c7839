// Sending a part of a log again: what it would send first, then how far it is.
import { html, useState } from '../dom.js';
import { api } from '../api.js';
import { useLoad, usePages, useSend } from '../load.js';
import { href, setQuery } from '../router.js';
import { bytes, duration, number, percent } from '../format.js';
import { t, tcode, tn } from '../i18n.js';
import { Bar, Button, Choice, CurlButton, Empty, Field, List, Mono, Page, Problem, State, Table, Text, Time } from '../parts.js';
import { PathPicker } from '../path_picker.js';
import { ReasonDialog } from '../reason.js';
import { partOf } from '../replay.js';

const KINDS = { sent: 'busy', expired: 'bad', accepted: 'busy', running: 'busy', done: 'ok', failed: 'bad', cancelled: 'warn' };
const ENDED = new Set(['done', 'failed', 'cancelled', 'expired']);

export function Replays({ route, me }) {
  const creating = route.query.get('new') === '1';
  const state = route.query.get('state') ?? '';
  const [cancelling, setCancelling] = useState(null);
  const query = { limit: 100 };
  const pages = usePages((token) => api.replays({ ...query, page_token: token ?? undefined }), { every: 2000, on: ['replays'] });
  const may = ['editor', 'admin'].includes(me.role);
  const create = may && !creating && html`<${Button} kind="primary" icon="plus" onClick=${() => setQuery({ new: 1 }, { replace: false })}>${t('replays.new')}<//>`;
  return html`<${Page} title=${t('nav.replays')} sub=${t('replays.sub')} wide actions=${html`<${CurlButton} call=${() => api.replays(query)} />${create}`}>
    ${creating && may && html`<${Create} route=${route} me=${me} onDone=${() => { setQuery({ new: '', host: '', path: '' }); pages.reload(); }} />`}
    <div class="filters"><${Choice} label=${t('state')} value=${state} onChange=${(next) => setQuery({ state: next })} options=${[['', t('all')], ['active', t('replays.active')]]} /></div>
    <${List} pages=${{ ...pages, items: pages.items?.filter((row) => !state || !ENDED.has(row.state)) }} caption=${t('nav.replays')} keyOf=${(row) => row.id} columns=${COLUMNS(may && setCancelling)}
      empty=${html`<${Empty} title=${t(state ? 'list.nothing' : 'replays.empty')} action=${create} commands=${state ? [] : [[t('replays.empty_command'), "logagent replay --path /var/log/nginx/access.log --since 2h --same-topic --dry-run"]]}><p>${t('replays.empty_text')}</p><//>`} />
    ${cancelling && html`<${ReasonDialog} title=${t('replays.cancel_title')} text=${t('replays.cancel_text')} button=${t('replays.cancel')} danger call=${(message) => api.cancelReplay(cancelling.id, message)}
      onClose=${() => setCancelling(null)} onDone=${() => { setCancelling(null); pages.reload(); }} />`}<//>`;
}

const COLUMNS = (cancel) => [
  { label: t('path'), class: 'grow', render: (row) => html`<${Mono} v=${row.arguments?.path} /><div class="muted small"><a href=${href(['hosts', row.host])}><${Text} v=${row.host} /></a> · ${part(row.arguments)}</div>
    ${row.text && row.state === 'failed' && html`<div class="error small"><${Text} v=${row.text} lines /></div>`}` },
  { label: t('topic'), class: 'nowrap wide-only', render: (row) => html`<${Mono} v=${row.plan?.topic ?? row.arguments?.topic} />` },
  { label: t('state'), class: 'nowrap', render: (row) => html`<${State} kind=${KINDS[row.state] ?? 'off'}>${tcode('replay_state', row.state)}<//>` },
  { label: t('replays.progress'), class: 'applied-cell', render: (row) => html`<${Progress} row=${row} />` },
  { label: t('changed'), class: 'nowrap', render: (row) => html`<${Time} at=${row.created_at} /><div class="muted ellipsis" title=${row.message}><${Text} v=${row.by} /></div>` },
  ...(cancel ? [{ label: html`<span class="hidden">${t('actions')}</span>`, num: true, render: (row) => (ENDED.has(row.state) ? '' : html`<${Button} kind="quiet small" onClick=${() => cancel(row)}>${t('replays.cancel')}<//>`) }] : []),
];

function Progress({ row: { progress, plan, state, started } }) {
  const whole = progress?.total_bytes ?? plan?.bytes;
  if (!progress && whole == null) return html`<span class="muted">–</span>`;
  const done = progress?.bytes ?? 0;
  const passed = (Date.now() - Date.parse(started)) / 1000;
  const left = state === 'running' && done > 0 && passed > 2 ? (passed * (whole - done)) / done : null;
  return html`<span class="applied"><${Bar} parts=${[[state === 'failed' ? 'bad' : state === 'cancelled' ? 'off' : state === 'done' ? 'ok' : 'busy', done]]} whole=${whole || 1} />
    <span class="num">${percent(done, whole)} <span class="muted">${t('replays.of', { done: bytes(done), all: bytes(whole) })}${progress?.records != null && html` · ${tn('records', progress.records)}`}${left != null && html` · ${t('replays.left', { time: duration(left) })}`}</span></span></span>`;
}

function part(args = {}) {
  if (args.last != null) return t('replays.last_of', { size: typeof args.last === 'number' ? bytes(args.last) : args.last });
  if (args.offset) return t('replays.bytes_of', { range: args.offset });
  return [args.since && t('replays.from', { time: args.since }), args.until && t('replays.to', { time: args.until })].filter(Boolean).join(' ');
}

const PARTS = ['time', 'last', 'bytes'];

function Create({ route, me, onDone }) {
  const [form, setForm] = useState({ host: route.query.get('host') ?? '', path: route.query.get('path') ?? '', part: 'time', since: '2h', until: '', last: '50', from: '0', to: '', topic: '', same: true, rate: '10000', message: '' });
  const [plan, setPlan] = useState(null);
  const [picking, setPicking] = useState(false);
  const [asked, setAsked] = useState(false);
  const { run, busy, error, clear } = useSend();
  const hosts = useLoad(api.hosts({ limit: 500 })).data?.items ?? [];
  const change = (values) => { setForm({ ...form, ...values }); setPlan(null); clear(); };
  const set = (name) => (event) => change({ [name]: event.target.value });
  const wrong = (pointer) => (error?.errors ?? []).filter((item) => item.pointer === pointer).map((item) => item.detail ?? item.code);
  const replay = () => ({ host: form.host.trim(), ...partOf(form) });
  const ready = form.host.trim() && form.path.trim() && (form.same || form.topic.trim());
  const estimate = async () => {
    const answer = await run(api.planReplay(replay()));
    if (answer) setPlan(answer.data.plan);
  };
  const submit = async (event) => {
    event.preventDefault();
    setAsked(true);
    if (!plan) estimate();
    else if (form.message.trim() && await run(api.startReplay(replay(), form.message.trim()))) onDone();
  };
  const text = (name, more) => (props) => html`<input ...${props} class="mono" spellcheck=${false} autocomplete="off" value=${form[name]} onInput=${set(name)} ...${more} />`;
  return html`<form class="card" onSubmit=${submit}><h2>${t('replays.new')}</h2>
    ${error && (!error.errors.length || error.errors.some((item) => !item.pointer)) && html`<${Problem} error=${error} />`}
    <div class="grid">
      <${Field} label=${t('host')} errors=${wrong('/host')}>${text('host', { required: true, list: 'replay-hosts', placeholder: 'web01' })}<//>
      <${Field} label=${t('path')} help=${t('replays.path_help')} errors=${wrong('/path')}>${(props) => html`<div class="with-button">${text('path', { required: true, placeholder: '/var/log/nginx/access.log' })(props)}
        ${me.features.includes('paths') && html`<${Button} icon="folder" disabled=${!form.host.trim()} onClick=${() => setPicking(true)}>${t('picker.browse')}<//>`}</div>`}<//>
      <datalist id="replay-hosts">${hosts.map(({ host }) => html`<option value=${host} />`)}</datalist>
      <div class="field span"><span class="name">${t('replays.part')}</span><${Choice} label=${t('replays.part')} value=${form.part} onChange=${(id) => change({ part: id })} options=${PARTS.map((id) => [id, t(`replays.part.${id}`)])} /></div>
      ${form.part === 'time' && html`<${Field} label=${t('replays.since')} help=${t('replays.time_help')} errors=${wrong('/since')}>${text('since', { placeholder: '2026-11-23 22:00' })}<//>
        <${Field} label=${t('replays.until')} optional help=${t('replays.until_help')} errors=${wrong('/until')}>${text('until', { placeholder: 'now' })}<//>`}
      ${form.part === 'last' && html`<${Field} label=${t('replays.last')} errors=${wrong('/last')}>${(props) => html`<div class="with-unit">${text('last', { type: 'number', min: 1, class: 'num' })(props)}<span>MiB</span></div>`}<//>`}
      ${form.part === 'bytes' && html`<${Field} label=${t('replays.first_byte')} errors=${wrong('/offset')}>${text('from', { type: 'number', min: 0, class: 'num' })}<//>
        <${Field} label=${t('replays.last_byte')} optional help=${t('replays.bytes_help')}>${text('to', { type: 'number', min: 0, class: 'num' })}<//>`}
      <${Field} label=${t('replays.target')} help=${form.same ? t('replays.same_help') : ''} errors=${[...wrong('/topic'), ...wrong('/same_topic')]}>${(props) => html`<select ...${props} value=${form.same ? 'same' : 'other'} onChange=${(event) => change({ same: event.target.value === 'same' })}>
        <option value="same">${t('replays.same')}</option><option value="other">${t('replays.other')}</option></select>`}<//>
      ${form.same ? html`<span></span>` : html`<${Field} label=${t('topic')}>${text('topic', { required: true, placeholder: 'replayed' })}<//>`}
      <${Field} label=${t('replays.rate')} help=${t('replays.rate_help')} errors=${wrong('/rate')}>${(props) => html`<div class="with-unit">${text('rate', { type: 'number', min: 0, class: 'num' })(props)}<span>${t('unit.lines_s')}</span></div>`}<//>
      ${plan && html`<${Field} label=${t('message.label')} errors=${asked && !form.message.trim() ? [t('message.missing')] : []}>${(props) => html`<input ...${props} maxlength="500" autofocus placeholder=${t('message.example')} value=${form.message} onInput=${(event) => setForm({ ...form, message: event.target.value })} />`}<//>`}
    </div>
    ${plan && html`<${Estimate} plan=${plan} rate=${Number(form.rate)} />`}
    <div class="actions end"><${CurlButton} call=${() => (plan ? api.startReplay(replay(), form.message.trim() || t('message.example')) : api.planReplay(replay()))} />
      <${Button} kind="quiet" onClick=${() => setQuery({ new: '', host: '', path: '' })}>${t('cancel')}<//>
      <button class="button primary" disabled=${busy || !ready} aria-busy=${busy}>${plan ? t('replays.start') : busy ? t('replays.asking') : t('replays.estimate')}</button></div>
    ${picking && html`<${PathPicker} hosts=${[form.host.trim()]} glob=${form.path.trim() || '/var/log/**/*.log'} onClose=${() => setPicking(false)} onPick=${(path) => { change({ path }); setPicking(false); }} />`}</form>`;
}

/// What would be sent, in numbers, before anything is.
function Estimate({ plan, rate }) {
  return html`<section class="estimate" role="status"><p class="outcome-title">${t('replays.would', { lines: number(plan.lines), size: bytes(plan.bytes) })} <${Mono} v=${plan.topic} /></p>
    <p class="muted">${rate > 0 && plan.lines > 0 ? t('replays.takes', { time: duration(Math.max(1, plan.lines / rate)) }) : t('replays.takes_unlimited')}</p>
    ${plan.notes?.length > 0 && html`<ul>${plan.notes.map((note) => html`<li><${Text} v=${note} /></li>`)}</ul>`}
    ${plan.parts?.length > 0 && html`<${Table} caption=${t('replays.parts')} rows=${plan.parts} keyOf=${(row) => `${row.generation}${row.start}`} columns=${[
      { label: t('path'), class: 'grow', render: (row) => html`<${Mono} v=${row.path} />` },
      { label: t('tail.generation'), class: 'wide-only', render: (row) => html`<${Mono} v=${row.generation} />` },
      { label: t('tail.bytes'), num: true, class: 'nowrap', render: (row) => `${number(row.start)} – ${number(row.end)}` },
      { label: t('size'), num: true, class: 'nowrap', render: (row) => bytes(row.bytes) }]} />`}</section>`;
}
