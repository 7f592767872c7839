// The parts that every page is made of.
import { html, useEffect, useId, useLayoutEffect, useRef, useState } from './dom.js';
import { curl } from './api.js';
import { ctl } from './ctl.js';
import { absolute, ago, number } from './format.js';
import { t, tcode, tn } from './i18n.js';
import { pieces, plain } from './visible.js';

/// Text of others: as it is, what hides made visible, its direction kept to itself.
export function Text({ v, lines = false, most }) {
  if (v == null || v === '') return null;
  return html`<bdi>${pieces(v, { lines, most }).map((piece) => (typeof piece === 'string'
    ? piece
    : html`<span class="mark" title=${piece.title}>${piece.mark}</span>`))}</bdi>`;
}

export const Mono = ({ v, lines }) => html`<code><${Text} v=${v} lines=${lines} /></code>`;

const ICONS = {
  services: 'M4 5h16v5H4zM4 14h16v5H4zM8 7.5h.01M8 16.5h.01',
  hosts: 'M3 5h18v11H3zM9 20h6M12 16v4',
  overview: 'M4 4h6v6H4zM14 4h6v6h-6zM4 14h6v6H4zM14 14h6v6h-6z',
  audit: 'M6 3h9l4 4v14H6zM9 12h6M9 16h6M9 8h3',
  access: 'M14 10a4 4 0 1 1-4-4 4 4 0 0 1 4 4zM13 12.5l7 7M17 16.5l2-2',
  tail: 'M4 6h16M4 10h10M4 14h16M4 18h8',
  transfer: 'M4 8h13M13 4l4 4-4 4M20 16H7M11 12l-4 4 4 4',
  why: 'M10.5 4a6.5 6.5 0 1 1 0 13 6.5 6.5 0 0 1 0-13zM15.5 15.5L20 20M9 8.8a1.7 1.7 0 1 1 2.4 1.5c-.6.3-.9.6-.9 1.3M10.5 14h.01',
  drift: 'M4 7h9M17 7h3M15 5v4M4 17h3M11 17h9M9 15v4',
  download: 'M12 4v11M7 11l5 5 5-5M5 20h14', folder: 'M3 6h7l2 2h9v11H3z', pause: 'M8 5v14M16 5v14', play: 'M7 5l11 7-11 7z',
  api: 'M8 7l-5 5 5 5M16 7l5 5-5 5M13.5 5l-3 14',
  replays: 'M4 5v5h5M4.5 10a8 8 0 1 1-.5 4',
  rollouts: 'M4 19h3v-5H4zM10.5 19h3V10h-3zM17 19h3V5h-3z',
  plus: 'M12 5v14M5 12h14', close: 'M6 6l12 12M18 6L6 18', copy: 'M9 9h11v11H9zM5 15H4V4h11v1',
  check: 'M5 12.5l4.5 4.5L19 7.5', warn: 'M12 4l9 16H3zM12 10v4M12 17h.01', down: 'M6 9l6 6 6-6',
  menu: 'M4 6h16M4 12h16M4 18h16', search: 'M15.5 15.5L20 20M17 10.5a6.5 6.5 0 1 1-6.5-6.5 6.5 6.5 0 0 1 6.5 6.5z',
  theme: 'M12 3a9 9 0 1 0 9 9 7 7 0 0 1-9-9z', out: 'M14 4h6v16h-6M10 8l-4 4 4 4M6 12h10', help: 'M9.5 9a2.5 2.5 0 1 1 3.5 2.3c-.7.3-1 .8-1 1.7M12 17h.01M21 12a9 9 0 1 1-9-9 9 9 0 0 1 9 9z',
};

export const Icon = ({ name }) => html`<svg class="icon" viewBox="0 0 24 24" aria-hidden="true"><path d=${ICONS[name]} /></svg>`;

export function Button({ kind = '', icon, busy = false, disabled = false, children, ...rest }) {
  return html`<button type="button" class=${`button ${kind}`} disabled=${disabled || busy} aria-busy=${busy} ...${rest}>
    ${icon && html`<${Icon} name=${icon} />`}${children}</button>`;
}

export function Link({ kind = 'button', icon, children, ...rest }) {
  return html`<a class=${kind} ...${rest}>${icon && html`<${Icon} name=${icon} />`}${children}</a>`;
}

/// A page: where we are, what can be done here, and the content.
export function Page({ title, crumbs = [], sub, actions, wide = false, children }) {
  useEffect(() => {
    document.title = `${plain(title)} · logagent`;
  }, [title]);
  return html`<main id="main" tabindex="-1" class=${wide ? 'page wide' : 'page'}>
    <header class="page-head">
      <div class="page-title">
        ${crumbs.length > 0 && html`<nav class="crumbs" aria-label=${t('nav.crumbs')}>
          ${crumbs.map(([label, url], i) => html`${i > 0 && html`<span aria-hidden="true">/</span>`}<a href=${url}><${Text} v=${label} /></a>`)}</nav>`}
        <h1><${Text} v=${title} /></h1>
        ${sub && html`<p class="sub">${sub}</p>`}
      </div>
      ${actions && html`<div class="actions">${actions}</div>`}
    </header>
    ${children}
  </main>`;
}

export function Tabs({ label, items, current }) {
  return html`<nav class="tabs" aria-label=${label}>${items.map(({ id, text, url, count }) => html`
    <a href=${url} aria-current=${id === current ? 'page' : undefined}>${text}${count ? html`<span class="count">${number(count)}</span>` : ''}</a>`)}</nav>`;
}

/// A word with a shape and a colour; the shape tells the same as the colour.
export const State = ({ kind, children, title }) => html`<span class=${`state ${kind}`} title=${title}><i aria-hidden="true"></i>${children}</span>`;

const HOST_KINDS = { healthy: 'ok', degraded: 'warn', offline: 'off', unknown: 'off' };
export const HostState = ({ state }) => html`<${State} kind=${HOST_KINDS[state] ?? 'off'}>${tcode('host_state', state ?? 'unknown')}<//>`;

const CONFIG_KINDS = { applied: 'ok', failed: 'bad', waiting: 'busy', none: 'off' };
export const ConfigState = ({ state }) => html`<${State} kind=${CONFIG_KINDS[state] ?? 'off'}>${tcode('config_state', state ?? 'none')}<//>`;

/// "applied on 36 of 37" with a bar of the same width in every row.
export function Applied({ status, enabled = true, bar = true }) {
  if (!enabled) return html`<${State} kind="off">${t('services.disabled')}<//>`;
  if (!status) return html`<span class="muted">–</span>`;
  const { hosts = 0, applied = 0 } = status;
  if (!hosts) return html`<${State} kind="off">${t('applied.no_hosts')}<//>`;
  const failed = count(status.failed, status.failed_total);
  const waiting = count(status.waiting, status.waiting_total);
  const offline = count(status.offline, status.offline_total);
  const rest = [failed && tn('applied.failed', failed), waiting && tn('applied.waiting', waiting), offline && tn('applied.offline', offline)].filter(Boolean);
  const kind = failed ? 'bad' : waiting ? 'busy' : offline ? 'off' : 'ok';
  return html`<span class="applied">
    ${bar && html`<${Bar} parts=${[['ok', applied], ['bad', failed], ['busy', waiting], ['off', offline]]} whole=${hosts} />`}
    <${State} kind=${kind}>${t('applied.of', { n: number(applied), all: number(hosts) })}${rest.length > 0 && html`<span class="muted"> · ${rest.join(', ')}</span>`}<//>
  </span>`;
}

export const count = (list, total) => total ?? (Array.isArray(list) ? list.length : list ?? 0);

export function Bar({ parts, whole }) {
  return html`<span class="bar" aria-hidden="true">${parts.map(([kind, value]) => value > 0 && html`
    <i class=${kind} style=${{ width: `${Math.max(2, (value / whole) * 100)}%` }}></i>`)}</span>`;
}

let now = Date.now();
const clocks = new Set();
setInterval(() => {
  now = Date.now();
  if (!document.hidden) for (const tick of clocks) tick(now);
}, 15000);

/// How long ago; the exact time when pointed at.
export function Time({ at }) {
  const [, tick] = useState(now);
  useEffect(() => {
    clocks.add(tick);
    return () => clocks.delete(tick);
  }, []);
  if (!at) return html`<span class="muted">–</span>`;
  return html`<time datetime=${at} title=${absolute(at)}>${ago(at)}</time>`;
}

/// When a host was there last: now, while its agent holds its lease.
export const Seen = ({ host }) => (host.online && !host.seen_at ? html`<span>${t('seen.now')}</span>` : html`<${Time} at=${host.seen_at} />`);

/// `columns`: [{label, num, render(row), class}]. A row is opened by Enter through its first link.
export function Table({ caption, columns, rows, keyOf, busy = false, kind = '' }) {
  return html`<div class="table-scroll" tabindex="0" role="region" aria-label=${caption} aria-busy=${busy}>
    <table class=${kind}><caption class="hidden">${caption}</caption>
      <thead><tr>${columns.map((column) => html`<th scope="col" class=${`${column.num ? 'num' : ''} ${column.class ?? ''}`}>${column.label}</th>`)}</tr></thead>
      <tbody>${rows.map((row) => html`<tr key=${keyOf(row)} data-row tabindex="-1">
        ${columns.map((column) => html`<td class=${`${column.num ? 'num' : ''} ${column.class ?? ''}`}>${column.render(row)}</td>`)}</tr>`)}</tbody>
    </table></div>`;
}

/// The list of a page: its rows, or what to show instead of them.
export function List({ pages, empty, ...table }) {
  if (pages.error && !pages.items) return html`<${Problem} error=${pages.error} retry=${pages.reload} />`;
  if (!pages.items) return html`<${Skeleton} rows=${8} />`;
  if (!pages.items.length) return empty;
  return html`${pages.error && html`<${Problem} error=${pages.error} retry=${pages.reload} />`}
    <${Table} rows=${pages.items} busy=${pages.loading} ...${table} />
    <p class="below muted">${pages.total != null && pages.total > pages.items.length
      ? t('list.some', { n: number(pages.items.length), all: number(pages.total) })
      : tn('list.all', pages.items.length)}
      ${pages.next && html`<${Button} kind="quiet" busy=${pages.busy} onClick=${pages.more}>${t('list.more')}<//>`}</p>`;
}

export const Skeleton = ({ rows = 4 }) => html`<div class="skeleton" role="status" aria-label=${t('loading')}>
  ${Array.from({ length: rows }, () => html`<i></i>`)}</div>`;

/// What a place without content says: what it is for and what to do next.
export function Empty({ title, children, commands = [], action }) {
  return html`<section class="empty"><h2>${title}</h2>
    <div class="empty-text">${children}</div>
    ${commands.map(([label, text]) => html`<div class="step"><p>${label}</p><${Command} text=${text} /></div>`)}
    ${action && html`<div class="actions">${action}</div>`}</section>`;
}

export function Copy({ text, label }) {
  const [done, setDone] = useState(false);
  const copy = async () => {
    await copyText(text);
    setDone(true);
    setTimeout(() => setDone(false), 1500);
  };
  return html`<button type="button" class="copy" onClick=${copy} title=${label ?? t('copy')} aria-label=${done ? t('copied') : label ?? t('copy')}>
    <${Icon} name=${done ? 'check' : 'copy'} /></button>`;
}

export async function copyText(text) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    copyByHand(text);
  }
}

// The clipboard of browsers is closed to pages without TLS on another address than loopback.
function copyByHand(text) {
  const field = document.createElement('textarea');
  field.value = text;
  field.className = 'hidden';
  (document.querySelector('dialog[open]') ?? document.body).append(field);
  field.select();
  document.execCommand('copy');
  field.remove();
}

export const Command = ({ text }) => html`<div class="command"><pre tabindex="0"><${Text} v=${text} lines /></pre><${Copy} text=${text} /></div>`;

export function Notice({ kind = 'info', title, children, actions }) {
  return html`<section class=${`notice ${kind}`} role=${kind === 'bad' ? 'alert' : 'status'}>
    <div class="notice-body">${title && html`<strong>${title}</strong>`}${children}</div>
    ${actions && html`<div class="actions">${actions}</div>`}</section>`;
}

/// What went wrong, what it means and what can be done, for any error of a request.
export function Problem({ error, retry, hideFields = false }) {
  if (!error) return null;
  const title = error.status === 0 ? t('problem.unreachable')
    : error.status === 403 ? t('problem.forbidden')
      : error.status === 404 ? t('problem.not_found')
        : error.status === 429 ? t('problem.slow', { n: error.retryAfter ?? 1 })
          : error.status >= 500 ? t('problem.server') : error.problem?.title ?? t('problem.other');
  return html`<${Notice} kind="bad" title=${html`<${Text} v=${title} />`}
    actions=${retry && html`<${Button} kind="quiet" onClick=${retry}>${t('retry')}<//>`}>
    ${error.status !== 0 && error.problem?.detail && html`<p><${Text} v=${error.problem.detail} lines /></p>`}
    ${!hideFields && error.errors.length > 0 && html`<ul>${error.errors.map((item) => html`
      <li>${item.pointer && html`<${Mono} v=${item.pointer} />${' '}`}<${Text} v=${item.detail ?? item.code} /></li>`)}</ul>`}
    ${error.requestId && html`<p class="small muted">${t('problem.request', { id: plain(error.requestId) })}</p>`}<//>`;
}

/// A dialog of the browser itself: it keeps the focus and closes with Escape.
export function Dialog({ title, onClose, wide = false, children }) {
  const box = useRef(null);
  const id = useId();
  useLayoutEffect(() => {
    const before = document.activeElement;
    box.current.showModal();
    return () => before?.focus?.();
  }, []);
  return html`<dialog ref=${box} class=${wide ? 'wide' : ''} aria-labelledby=${id} onClose=${onClose} onCancel=${onClose}
      onClick=${(event) => event.target === box.current && onClose()}>
    <header><h2 id=${id}>${title}</h2><${Button} kind="icon-only quiet" icon="close" aria-label=${t('close')} onClick=${onClose} /></header>
    <div class="dialog-body">${children}</div></dialog>`;
}

/// Shows the request that a form makes as commands; `call` is made when the dialog opens.
export function CurlButton({ call }) {
  const [made, setMade] = useState(null);
  const other = made && ctl(made);
  return html`<${Button} kind="quiet" icon="api" title=${t('curl.title')} onClick=${() => setMade(call())}>${t('curl.show')}<//>
    ${made && html`<${Dialog} wide title=${t('curl.title')} onClose=${() => setMade(null)}>
      <p>${t('curl.text')}</p>${other && html`<h3>logagent ctl</h3><${Command} text=${other} />`}<h3>curl</h3><${Command} text=${curl(made)} /><//>`}`;
}

/// One input with its label, help and errors. `children(props)` gets the attributes that tie them.
export function Field({ label, help, errors = [], pointer, optional = false, children, kind = '' }) {
  const id = useId();
  const notes = [help && `${id}h`, errors.length && `${id}e`].filter(Boolean).join(' ') || undefined;
  return html`<div class=${`field ${kind} ${errors.length ? 'wrong' : ''}`} data-pointer=${pointer}>
    <label for=${id}>${label}${optional && html`<span class="muted"> ${t('optional')}</span>`}</label>
    ${children({ id, 'aria-describedby': notes, 'aria-invalid': errors.length ? 'true' : undefined })}
    ${errors.length > 0 && html`<p class="error" id=${`${id}e`}>${errors.map((error) => html`<span><${Text} v=${error} /></span>`)}</p>`}
    ${help && html`<p class="help" id=${`${id}h`}>${help}</p>`}</div>`;
}

export function Tile({ label, children, sub, kind = '' }) {
  return html`<div class=${`tile ${kind}`}><dt>${label}</dt><dd>${children}</dd>${sub && html`<dd class="sub">${sub}</dd>`}</div>`;
}

export function Labels({ labels }) {
  const pairs = Object.entries(labels ?? {});
  return html`<span class="labels">${pairs.map(([key, value]) => html`<span class="label"><${Text} v=${`${key}=${value}`} /></span>`)}</span>`;
}

/// The search field of a list; `/` puts the cursor there.
export function Search({ value, onChange, label }) {
  return html`<div class="search"><${Icon} name="search" />
    <input type="search" data-search placeholder=${label} aria-label=${label} value=${value} spellcheck=${false} autocomplete="off"
      onInput=${(event) => onChange(event.target.value)} /><kbd aria-hidden="true">/</kbd></div>`;
}

/// One choice of a few, kept in the URL by the caller.
export function Choice({ label, value, options, onChange }) {
  return html`<div class="choice" role="group" aria-label=${label}>${options.map(([id, text]) => html`
    <button type="button" aria-pressed=${id === value ? 'true' : 'false'} onClick=${() => onChange(id)}>${text}</button>`)}</div>`;
}
