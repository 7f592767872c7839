// Tokens: who may do what with which services. A token is shown once, when it is made.
import { html, useState } from '../dom.js';
import { api } from '../api.js';
import { usePages, useSend } from '../load.js';
import { t } from '../i18n.js';
import { Button, Command, CurlButton, Dialog, Empty, Field, List, Mono, Notice, Page, Problem, Text, Time } from '../parts.js';

const ROLES = ['viewer', 'tailer', 'editor', 'admin'];
const LIVES = [30, 90, 365];

export function Access({ me }) {
  const pages = usePages((token) => api.tokens({ limit: 100, page_token: token ?? undefined }));
  const [creating, setCreating] = useState(false);
  const [made, setMade] = useState(null);
  const [revoking, setRevoking] = useState(null);
  const admin = me.role === 'admin';
  const button = admin && !creating && html`<${Button} kind="primary" icon="plus" onClick=${() => setCreating(true)}>${t('access.new')}<//>`;
  return html`<${Page} title=${t('nav.access')} sub=${t('access.sub')} actions=${button}>
    ${made && html`<${Notice} kind="ok" title=${t('access.made', { name: made.name })} actions=${html`<${Button} kind="quiet" onClick=${() => setMade(null)}>${t('close')}<//>`}>
      <p>${t('access.made_text')}</p><${Command} text=${made.token} /><//>`}
    ${creating && html`<${Create} onClose=${() => setCreating(false)} onMade=${(item) => { setMade(item); setCreating(false); pages.reload(); }} />`}
    <${List} pages=${pages} caption=${t('nav.access')} keyOf=${(row) => row.id} columns=${COLUMNS(admin && setRevoking)}
      empty=${html`<${Empty} title=${t('access.empty')}><p>${t('access.empty_text')}</p><//>`} />
    ${revoking && html`<${Revoke} token=${revoking} onClose=${() => setRevoking(null)} onDone=${() => { setRevoking(null); pages.reload(); }} />`}<//>`;
}

const COLUMNS = (revoke) => [
  { label: t('name'), class: 'grow', render: (row) => html`<span class="strong"><${Text} v=${row.name} /></span><div class="muted small"><${Mono} v=${row.id} /></div>` },
  { label: t('role'), render: (row) => t(`role.${row.role}`) },
  { label: t('nav.services'), render: (row) => html`<${Mono} v=${(row.services ?? []).join(', ')} />` },
  { label: t('access.created'), class: 'nowrap', render: (row) => html`<${Time} at=${row.created_at} />${row.created_by && html`<div class="muted small"><${Text} v=${row.created_by} /></div>`}` },
  { label: t('access.used'), class: 'nowrap', render: (row) => (row.last_used_at ? html`<${Time} at=${row.last_used_at} />` : html`<span class="muted">${t('access.never')}</span>`) },
  { label: t('access.expires'), class: 'nowrap', render: (row) => (row.expires_at ? html`<${Time} at=${row.expires_at} />` : html`<span class="muted">${t('access.never')}</span>`) },
  ...(revoke ? [{ label: html`<span class="hidden">${t('actions')}</span>`, num: true, render: (row) => html`<${Button} kind="quiet small" onClick=${() => revoke(row)}>${t('access.revoke')}<//>` }] : []),
];

function Create({ onClose, onMade }) {
  const [form, setForm] = useState({ name: '', role: 'viewer', services: '*', days: '90', message: '' });
  const { run, busy, error } = useSend();
  const set = (name) => (event) => setForm({ ...form, [name]: event.target.value });
  const wrong = (pointer) => (error?.errors ?? []).filter((item) => item.pointer === pointer).map((item) => item.detail ?? item.code);
  const call = () => api.createToken({
    name: form.name.trim(), role: form.role, services: form.services.split(/[\s,]+/).filter(Boolean), message: form.message.trim(),
    ...(form.days && { expires_s: Number(form.days) * 86400 }),
  });
  const submit = async (event) => {
    event.preventDefault();
    const answer = await run(call());
    if (answer) onMade({ name: form.name.trim(), ...answer.data });
  };
  return html`<form class="card" onSubmit=${submit}><h2>${t('access.new')}</h2>
    ${error && !error.errors.length && html`<${Problem} error=${error} />`}
    <div class="grid">
      <${Field} label=${t('name')} help=${t('access.name_help')} errors=${wrong('/name')}>${(props) => html`<input ...${props} required autofocus maxlength="128" value=${form.name} onInput=${set('name')} />`}<//>
      <${Field} label=${t('role')} help=${t(`role.${form.role}_text`)} errors=${wrong('/role')}>${(props) => html`<select ...${props} value=${form.role} onChange=${set('role')}>
        ${ROLES.map((role) => html`<option value=${role}>${t(`role.${role}`)}</option>`)}</select>`}<//>
      <${Field} label=${t('nav.services')} help=${t('access.services_help')} errors=${wrong('/services')}>${(props) => html`<input ...${props} class="mono" required spellcheck=${false} value=${form.services} onInput=${set('services')} />`}<//>
      <${Field} label=${t('access.expires')} errors=${wrong('/expires_s')}>${(props) => html`<select ...${props} value=${form.days} onChange=${set('days')}>
        ${LIVES.map((days) => html`<option value=${days}>${t('access.days', { n: days })}</option>`)}<option value="">${t('access.never')}</option></select>`}<//>
      <${Field} kind="span" label=${t('message.label')} errors=${wrong('/message')}>${(props) => html`<input ...${props} required maxlength="500" value=${form.message} onInput=${set('message')} />`}<//>
    </div>
    <div class="actions end"><${CurlButton} call=${call} /><${Button} kind="quiet" onClick=${onClose}>${t('cancel')}<//>
      <button class="button primary" disabled=${busy}>${t('access.make')}</button></div></form>`;
}

function Revoke({ token, onClose, onDone }) {
  const [message, setMessage] = useState('');
  const { run, busy, error } = useSend();
  const submit = async (event) => {
    event.preventDefault();
    if (await run(api.revokeToken(token.id, message.trim()))) onDone();
  };
  return html`<${Dialog} title=${html`${t('access.revoke')} <${Text} v=${token.name} />`} onClose=${onClose}><form onSubmit=${submit}>
    <p>${t('access.revoke_text')}</p><${Problem} error=${error} />
    <${Field} label=${t('message.label')}>${(props) => html`<input ...${props} required autofocus maxlength="500" value=${message} onInput=${(event) => setMessage(event.target.value)} />`}<//>
    <div class="actions end"><${CurlButton} call=${() => api.revokeToken(token.id, message.trim() || t('message.example'))} /><${Button} kind="quiet" onClick=${onClose}>${t('cancel')}<//>
      <button class="button danger" disabled=${busy || !message.trim()}>${t('access.revoke')}</button></div></form><//>`;
}
