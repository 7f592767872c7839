// Keys of hosts that are not what the services say: written by hand, edited behind web's back, left over.
// Each can be written again, or taken over as services. Definitions are carried in and out here, too.
import { html, useState } from '../dom.js';
import { api } from '../api.js';
import { useLoad, useSend } from '../load.js';
import { href } from '../router.js';
import { number } from '../format.js';
import { t, tcode, tn } from '../i18n.js';
import { Button, Command, CurlButton, Dialog, Empty, Field, Mono, Notice, Page, Problem, Skeleton, State, Table, Tabs, Text } from '../parts.js';
import { EntryDiff, PlanView } from '../plan_view.js';
import { ReasonDialog } from '../reason.js';
import { diffOf } from '../shapes.js';

export function Drift({ route, me }) {
  const tab = route.query.get('tab') ?? 'drift';
  return html`<${Page} title=${t('nav.drift')} sub=${t('drift.sub')} wide actions=${html`<${CurlButton} call=${() => (tab === 'drift' ? api.drift() : api.exportAll())} />`}>
    <${Tabs} label=${t('nav.drift')} current=${tab} items=${[['drift', t('drift.keys')], ['carry', t('drift.carry')]].map(([id, text]) => ({ id, text, url: href(['drift'], { tab: id === 'drift' ? '' : id }) }))} />
    ${tab === 'carry' ? html`<${Carry} me=${me} />` : html`<${Keys} me=${me} />`}<//>`;
}

const reasonOf = (row) => (row.action?.startsWith('held:') ? row.action.slice(5) : 'late');
const KINDS = { drift: 'warn', hand_written: 'warn', orphan: 'off', blocked: 'bad', late: 'busy' };

function Keys({ me }) {
  const read = useLoad(api.drift({ limit: 500 }), { every: 5000, on: ['drift'] });
  const [chosen, setChosen] = useState(() => new Set());
  const [open, setOpen] = useState(null);
  const [asking, setAsking] = useState(null);
  const [done, setDone] = useState(null);
  const rows = read.data?.items ?? [];
  const may = ['editor', 'admin'].includes(me.role) && me.features.includes('drift');
  const there = rows.filter((row) => chosen.has(row.address)).map((row) => row.address);
  const toggle = (addresses, on) => setChosen(new Set([...chosen].filter((one) => !addresses.includes(one)).concat(on ? addresses : [])));
  const finished = (answer) => { setAsking(null); setChosen(new Set()); setDone(answer.data?.items ?? []); read.reload(); };
  if (!read.data) return html`<${Problem} error=${read.error} retry=${read.reload} />${!read.error && html`<${Skeleton} rows=${6} />`}`;
  return html`<${Problem} error=${read.error} retry=${read.reload} /><${Done} items=${done} onClose=${() => setDone(null)} />
    ${!rows.length ? html`<${Empty} title=${t('drift.empty')}><p>${t('drift.empty_text')}</p><//>` : html`
      <${Table} caption=${t('drift.keys')} rows=${rows} keyOf=${(row) => row.address} columns=${[
        ...(may ? [{ label: html`<input type="checkbox" aria-label=${t('drift.all')} checked=${there.length === rows.length} onChange=${(event) => toggle(rows.map((row) => row.address), event.target.checked)} />`, class: 'tick',
          render: (row) => html`<input type="checkbox" aria-label=${row.host || row.address} checked=${chosen.has(row.address)} onChange=${(event) => toggle([row.address], event.target.checked)} />` }] : []),
        { label: t('host'), class: 'grow', render: (row) => html`${row.host ? html`<a class="strong" href=${href(['hosts', row.host])}><${Text} v=${row.host} /></a> ` : ''}<span class="muted"><${Mono} v=${row.address} /></span>` },
        { label: t('reason'), render: (row) => html`<${State} kind=${KINDS[reasonOf(row)] ?? 'off'}>${tcode('held', reasonOf(row))}<//><div class="muted small">${tcode('held_text', reasonOf(row))}</div>` },
        { label: t('drift.difference'), num: true, class: 'nowrap', render: (row) => html`<button type="button" class="link" onClick=${() => setOpen(row)}>${tn('drift.entries', (row.diff ?? []).length)}</button>` }]} />
      ${read.data.omitted > 0 && html`<p class="below muted">${t('plan.omitted', { n: number(read.data.omitted) })}</p>`}
      ${may && html`<footer class="bar-bottom"><p class="muted">${tn('drift.chosen', there.length)}</p>
        <${Button} disabled=${!there.length} onClick=${() => setAsking('adopt')}>${t('drift.adopt')}<//>
        <${Button} kind="primary" disabled=${!there.length} onClick=${() => setAsking('repair')}>${t('drift.repair')}<//></footer>`}`}
    ${open && html`<${Dialog} wide title=${t('drift.would')} onClose=${() => setOpen(null)}><p class="muted">${t('drift.would_text')}</p><${EntryDiff} diff=${diffOf(open.diff ?? [])} /><//>`}
    ${asking === 'repair' && html`<${ReasonDialog} title=${tn('drift.repair_title', there.length)} text=${t('drift.repair_text')} button=${t('drift.repair')} call=${(message) => api.repairDrift(there, { message })} onClose=${() => setAsking(null)} onDone=${finished} />`}
    ${asking === 'adopt' && html`<${Adopt} addresses=${there} onClose=${() => setAsking(null)} onDone=${finished} />`}`;
}

function Done({ items, onClose }) {
  if (!items) return null;
  const failed = items.filter((item) => item.result === 'failed');
  return html`<${Notice} kind=${failed.length ? 'warn' : 'ok'} title=${t('drift.done', { n: number(items.length - failed.length), all: number(items.length) })} actions=${html`<${Button} kind="quiet" onClick=${onClose}>${t('close')}<//>`}>
    ${failed.length > 0 && html`<ul>${failed.map((item) => html`<li><${Mono} v=${item.host || item.name || item.address} /> <${Text} v=${item.detail} /></li>`)}</ul>`}<//>`;
}

/// Shows the services that these keys would become, before they do.
function Adopt({ addresses, onClose, onDone }) {
  const plan = useLoad(api.adoptDrift(addresses, { dryRun: true }));
  const [message, setMessage] = useState('');
  const { run, busy, error } = useSend();
  const submit = async (event) => {
    event.preventDefault();
    const answer = await run(api.adoptDrift(addresses, { message: message.trim() }));
    if (answer) onDone(answer);
  };
  const { services = [], notes = [] } = plan.data ?? {};
  return html`<${Dialog} wide title=${t('drift.adopt_title')} onClose=${onClose}><form onSubmit=${submit}>
    <p>${t('drift.adopt_text')}</p><${Problem} error=${error ?? plan.error} />
    ${plan.loading && html`<${Skeleton} rows=${4} />`}
    ${notes.length > 0 && html`<${Notice} kind="warn" title=${tn('drift.notes', notes.length)}><ul>${notes.map((note) => html`<li>${note.address && html`<${Mono} v=${note.address} /> `}<${Text} v=${note.text} /></li>`)}</ul><//>`}
    ${services.length > 0 && html`<${Table} caption=${t('nav.services')} rows=${services} keyOf=${(row) => row.name} columns=${[
      { label: t('service'), class: 'grow', render: (row) => html`<span class="strong"><${Text} v=${row.name} /></span>` },
      { label: t('files'), render: (row) => html`${row.files.slice(0, 4).map((file) => html`<div><${Mono} v=${file.log_path} /></div>`)}${row.files.length > 4 && html`<div class="muted">${t('matches.more', { n: number(row.files.length - 4) })}</div>`}` },
      { label: t('nav.hosts'), num: true, render: (row) => number((row.hosts?.list ?? []).length) }]} />`}
    <${Field} label=${t('message.label')}>${(props) => html`<input ...${props} required autofocus maxlength="500" placeholder=${t('message.example')} value=${message} onInput=${(event) => setMessage(event.target.value)} />`}<//>
    <div class="actions end"><${CurlButton} call=${() => api.adoptDrift(addresses, { message: message.trim() || t('message.example') })} /><${Button} kind="quiet" onClick=${onClose}>${t('cancel')}<//>
      <button class="button primary" disabled=${busy || !services.length || !message.trim()} aria-busy=${busy}>${tn('drift.adopt_button', services.length)}</button></div></form><//>`;
}

// Definitions as one document: out to keep or to compare, in from another fleet.
function Carry({ me }) {
  const may = me.role === 'admin';
  const [document, setDocument] = useState(null);
  const [wrong, setWrong] = useState('');
  const [message, setMessage] = useState('');
  const [done, setDone] = useState(null);
  const plan = useLoad(document ? api.importAll(document, { dryRun: true }) : null);
  const { run, busy, error } = useSend();
  const out = useSend();
  const chosen = async (event) => {
    const [file] = event.target.files;
    setWrong('');
    setDocument(null);
    try {
      if (file) setDocument(JSON.parse(await file.text()));
    } catch (problem) {
      setWrong(`${t('json.wrong')} ${problem.message}`);
    }
  };
  const download = async () => {
    const answer = await out.run(api.exportAll());
    if (!answer) return;
    const link = globalThis.document.createElement('a');
    link.href = URL.createObjectURL(new Blob([JSON.stringify(answer.data, null, 2)], { type: 'application/json' }));
    link.download = 'logagent.json';
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  };
  const submit = async (event) => {
    event.preventDefault();
    const answer = await run(api.importAll(document, { message: message.trim() }));
    if (!answer) return;
    setDone(answer.data?.items ?? []);
    setDocument(null);
  };
  return html`<div class="columns even carry">
    <section class="card"><h2>${t('carry.out')}</h2><p class="muted">${t('carry.out_text')}</p><${Problem} error=${out.error} />
      <div class="actions"><${Button} icon="download" busy=${out.busy} onClick=${download}>${t('carry.download')}<//></div>
      <p class="muted">${t('carry.script')}</p><${Command} text="logagent ctl export > logagent.json" /></section>
    <section class="card"><h2>${t('carry.in')}</h2><p class="muted">${t('carry.in_text')}</p>
      <${Field} label=${t('carry.file')} errors=${wrong ? [wrong] : []}>${(props) => html`<input ...${props} type="file" accept="application/json,.json" disabled=${!may} onChange=${chosen} />`}<//></section></div>
    <${Done} items=${done} onClose=${() => setDone(null)} /><${Problem} error=${error ?? plan.error} />
    ${document && html`${plan.loading && html`<${Skeleton} rows=${6} />`}${plan.data && html`<${PlanView} plan=${plan.data} />`}
      <form class="bar-bottom apply" onSubmit=${submit}><${Field} label=${t('message.label')}>${(props) => html`<input ...${props} required maxlength="500" placeholder=${t('message.example')} value=${message} onInput=${(event) => setMessage(event.target.value)} />`}<//>
        <${CurlButton} call=${() => api.importAll(document, { message: message.trim() || t('message.example') })} />
        <button class="button primary" disabled=${busy || !plan.data || !message.trim()} aria-busy=${busy}>${t('carry.apply')}</button></form>`}`;
}
