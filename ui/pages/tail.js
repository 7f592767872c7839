// Lines as they arrive in Kafka, of a service, host or file. Bounded: the last rows, and it says what it
// dropped.
import { html, useEffect, useRef, useState } from '../dom.js';
import { api, events } from '../api.js';
import { setQuery } from '../router.js';
import { lines as perSecond, number } from '../format.js';
import { t, tn } from '../i18n.js';
import { Button, CurlButton, Empty, Field, Mono, Page, Problem, State, Text } from '../parts.js';
import { Ring, levelOfLine } from '../ring.js';

const ROWS = 2000;
const SHOWN_CHARACTERS = 8192;
const FILTERS = ['service', 'host', 'path', 'q', 're'];

export function Tail({ route }) {
  const asked = Object.fromEntries(FILTERS.map((name) => [name, route.query.get(name) ?? '']));
  const running = route.query.get('run') === '1';
  const [form, setForm] = useState(asked);
  const [wrap, setWrap] = useState(true);
  const query = Object.fromEntries(Object.entries(asked).filter(([, value]) => value));
  const start = (event) => {
    event.preventDefault();
    setQuery({ ...form, run: 1 }, { replace: false });
  };
  const set = (name) => (event) => setForm({ ...form, [name]: event.target.value });
  return html`<${Page} title=${t('nav.tail')} sub=${t('tail.sub')} wide actions=${html`<${CurlButton} call=${() => api.tail(query)} />`}>
    <form class="card tail-form" onSubmit=${start}>
      ${FILTERS.map((name) => html`<${Field} key=${name} label=${t(`tail.${name}`)}>${(props) => html`<input ...${props} class="mono" spellcheck=${false} value=${form[name]} onInput=${set(name)} data-search=${name === 'service' ? true : undefined} />`}<//>`)}
      <button class="button primary">${t('tail.start')}</button></form>
    ${running && FILTERS.slice(0, 3).some((name) => asked[name])
      ? html`<${Stream} key=${JSON.stringify(query)} query=${query} wrap=${wrap} onWrap=${setWrap} />`
      : html`<${Empty} title=${t('tail.empty')}><p>${t('tail.empty_text')}</p><//>`}<//>`;
}

/// Follows the stream; a hidden page does not.
function useStream(query, paused) {
  const state = useRef({ ring: new Ring(ROWS), waiting: [], status: {}, error: null });
  const [, redraw] = useState(0);
  const held = useRef(paused);
  held.current = paused;
  useEffect(() => {
    const { current } = state;
    let abort = null;
    let frame = 0;
    const show = () => {
      frame = 0;
      if (!held.current) {
        current.ring.add(current.waiting);
        current.waiting = [];
      } else if (current.waiting.length > ROWS) current.waiting = current.waiting.slice(-ROWS);
      redraw((n) => n + 1);
    };
    const soon = () => { frame ||= requestAnimationFrame(show); };
    const handle = (event, data) => {
      if (event === 'lines') current.waiting.push(...data);
      else if (event === 'status') current.status = { ...current.status, ...data };
      else if (event === 'problem') current.error = { status: 200, errors: [], problem: data };
      soon();
    };
    const follow = async () => {
      abort = new AbortController();
      try {
        await events(api.tail(query), handle, abort.signal);
        current.error = { status: 0, errors: [] };
      } catch (error) {
        if (error.name !== 'AbortError') current.error = error;
      }
      soon();
    };
    const looked = () => {
      if (document.hidden) abort?.abort();
      else follow();
    };
    follow();
    document.addEventListener('visibilitychange', looked);
    return () => {
      document.removeEventListener('visibilitychange', looked);
      abort.abort();
      cancelAnimationFrame(frame);
    };
  }, []);
  useEffect(() => {
    if (!paused) {
      state.current.ring.add(state.current.waiting);
      state.current.waiting = [];
      redraw((n) => n + 1);
    }
  }, [paused]);
  return { ...state.current, clear: () => { state.current.ring.clear(); redraw((n) => n + 1); } };
}

function Stream({ query, wrap, onWrap }) {
  const [paused, setPaused] = useState(false);
  const { ring, waiting, status, error, clear } = useStream(query, paused);
  const box = useRef(null);
  useEffect(() => {
    if (!paused && box.current) box.current.scrollTop = box.current.scrollHeight;
  });
  useEffect(() => {
    const pressed = (event) => {
      if (event.key !== ' ' || event.target.closest?.('input, textarea, select, button, a')) return;
      event.preventDefault();
      setPaused((on) => !on);
    };
    document.addEventListener('keydown', pressed);
    return () => document.removeEventListener('keydown', pressed);
  }, []);
  return html`<section class="card tail">
    <div class="tail-bar">
      <${Button} kind="small" onClick=${() => setPaused(!paused)} aria-pressed=${paused ? 'true' : 'false'}>${paused ? t('tail.resume') : t('tail.pause')}<//>
      <span role="status" class="tail-status">${error ? html`<${State} kind="bad">${t('tail.stopped')}<//>` : paused ? html`<${State} kind="warn">${tn('tail.paused', waiting.length)}<//>` : html`<${State} kind="ok">${perSecond(status.rate)}<//>`}
        ${status.source === 'agent' && html`<span class="muted">${t('tail.from_agent')}</span>`}
        ${status.dropped > 0 && html`<${State} kind="warn">${t('tail.dropped', { n: number(status.dropped) })}<//>`}</span>
      <label class="inline"><input type="checkbox" checked=${wrap} onChange=${(event) => onWrap(event.target.checked)} /> ${t('tail.wrap')}</label>
      <${Button} kind="quiet small" onClick=${() => download(ring.rows)}>${t('tail.download')}<//>
      <${Button} kind="quiet small" onClick=${clear}>${t('tail.clear')}<//></div>
    <${Problem} error=${error} />
    <div ref=${box} class=${`tail-lines ${wrap ? '' : 'nowrap'}`} role="log" aria-live="off" tabindex="0" aria-label=${t('nav.tail')}>
      ${ring.rows.map((row) => html`<${Line} key=${row.id} row=${row} />`)}
      ${!ring.rows.length && !error && html`<p class="muted pad">${t('tail.waiting')}</p>`}</div></section>`;
}

function Line({ row }) {
  const [all, setAll] = useState(false);
  const long = row.text.length > SHOWN_CHARACTERS && !all;
  return html`<div class=${`log-line ${levelOfLine(row.text)}`}><span class="muted from" title=${`${row.path} @ ${row.start}`}><${Mono} v=${row.host} /></span>
    <span><${Text} v=${long ? row.text.slice(0, SHOWN_CHARACTERS) : row.text} />${long && html` <button type="button" class="link" onClick=${() => setAll(true)}>${t('tail.more', { n: number(row.text.length - SHOWN_CHARACTERS) })}</button>`}</span></div>`;
}

function download(rows) {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(new Blob(rows.map((row) => `${JSON.stringify(row)}\n`), { type: 'application/x-ndjson' }));
  link.download = 'lines.ndjson';
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}
