// The only place that knows URLs of the API. Each function describes one request as a value; send()
// makes it, curl() shows it. See API.md for the answers.
import { quoted } from './ctl.js';
import { base } from './router.js';
import { hostOf, planOf, replayOf, withFeatures } from './shapes.js';

const root = `${base}api/v1/`;
const part = encodeURIComponent;

const get = (path, query) => ({ method: 'GET', path, query });
const dry = (on) => (on ? { dry_run: 'true' } : undefined);
const planned = (on, call) => (on ? { ...call, shape: planOf } : call);
// The server asks for a reason even where nothing is changed yet.
const reasoned = (body, message, dryRun) => ({ ...body, message: message ?? (dryRun ? 'plan' : '') });
const match = (etag) => (etag ? { 'If-Match': etag } : { 'If-None-Match': '*' });

export const api = {
  whoami: () => ({ ...get('whoami'), shape: withFeatures }),
  signIn: (token) => ({ method: 'POST', path: 'session', body: { token } }),
  signOut: () => ({ method: 'DELETE', path: 'session' }),

  services: (query) => get('services', query),
  service: (name) => get(`services/${part(name)}`),
  serviceStatus: (name) => get(`services/${part(name)}/status`),
  /// etag null = a new service.
  saveService: (service, { etag, message, dryRun } = {}) => planned(dryRun, {
    method: 'PUT', path: `services/${part(service.name)}`, query: dry(dryRun),
    headers: match(etag), body: reasoned(service, message, dryRun),
  }),
  deleteService: (name, { etag, message, dryRun } = {}) => planned(dryRun, {
    method: 'DELETE', path: `services/${part(name)}`, query: dry(dryRun),
    headers: { 'If-Match': etag, 'X-Message': message ?? 'plan' },
  }),
  matchHosts: (hosts) => ({ method: 'POST', path: 'hosts:match', body: hosts }),

  revisions: (name, query) => get(`services/${part(name)}/revisions`, query),
  revision: (name, revision) => get(`services/${part(name)}/revisions/${part(revision)}`),
  rollback: (name, { revision, etag, message, dryRun }) => planned(dryRun, {
    method: 'POST', path: `services/${part(name)}:rollback`, query: dry(dryRun),
    headers: { 'If-Match': etag }, body: reasoned({ revision }, message, dryRun),
  }),

  hosts: (query) => ({ ...get('hosts', query), shape: (list) => ({ ...list, items: list.items.map(hostOf) }) }),
  host: (host) => ({ ...get(`hosts/${part(host)}`), shape: hostOf }),
  hostConfig: (host, view) => get(`hosts/${part(host)}/config`, { view }),
  hostFiles: (host, query) => get(`hosts/${part(host)}/files`, query),

  drift: (query) => get('drift', query),
  repairDrift: (addresses, { message, dryRun } = {}) => planned(dryRun, {
    method: 'POST', path: 'drift:repair', query: dry(dryRun), body: reasoned({ addresses }, message, dryRun),
  }),
  adoptDrift: (addresses, { message, dryRun } = {}) => ({
    method: 'POST', path: 'drift:adopt', query: dry(dryRun), body: reasoned({ addresses }, message, dryRun),
  }),
  exportAll: () => get('export'),
  importAll: (document, { message, dryRun } = {}) => planned(dryRun, {
    method: 'POST', path: 'import', query: dry(dryRun), body: reasoned(document, message, dryRun),
  }),
  audit: (query) => get('audit', query),
  tokens: (query) => get('tokens', query),
  createToken: (token) => ({ method: 'POST', path: 'tokens', body: token }),
  revokeToken: (id, message) => ({ method: 'DELETE', path: `tokens/${part(id)}`, headers: { 'X-Message': message } }),

  events: (topics) => get('events', { topics }),
  tail: (query) => get('tail', query),
  rates: (query) => get('rates', query),
  paths: (query) => get('paths', query),
  why: (query) => get('why', query),

  replays: (query) => ({ ...get('replays', query), shape: (list) => ({ ...list, items: list.items.map(replayOf) }) }),
  planReplay: (replay) => ({ method: 'POST', path: 'replays', query: dry(true), body: reasoned(replay, null, true) }),
  startReplay: (replay, message) => ({ method: 'POST', path: 'replays', body: { ...replay, message } }),
  cancelReplay: (id, message) => ({ method: 'POST', path: `replays/${part(id)}:cancel`, body: { message } }),

  rollouts: (query) => get('rollouts', query),
  rollout: (id) => get(`rollouts/${part(id)}`),
  rolloutHosts: (id, query) => get(`rollouts/${part(id)}/hosts`, query),
  startRollout: (service, { etag, message, dryRun, bake_s, automatic }) => planned(dryRun, {
    method: 'POST', path: 'rollouts', query: dry(dryRun), headers: match(etag),
    body: reasoned({ service, bake_s, automatic }, message, dryRun),
  }),
  /// verb: pause, resume, promote or abort.
  steerRollout: (id, verb, message) => ({ method: 'POST', path: `rollouts/${part(id)}:${verb}`, body: { message } }),

  routes: (query) => get('transfer/routes', query),
  route: (name) => get(`transfer/routes/${part(name)}`),
  saveRoute: (name, document, { etag, message }) => ({
    method: 'PUT', path: `transfer/routes/${part(name)}`, headers: match(etag), body: { name, ...document, message },
  }),
  transferProcesses: (query) => get('transfer/processes', query),
  deleteRoute: (name, { etag, message }) => ({
    method: 'DELETE', path: `transfer/routes/${part(name)}`, headers: { 'If-Match': etag, 'X-Message': message },
  }),
  openapi: () => ({ method: 'GET', url: `${base}openapi.json` }),
};

// fetch() takes the bytes of a header as characters; the server reads them as UTF-8.
const headerBytes = (text) => String.fromCharCode(...new TextEncoder().encode(text.replace(/[\r\n]+/g, ' ')));

function urlOf(call) {
  if (call.url) return call.url;
  const entries = Object.entries(call.query ?? {}).filter(([, value]) => value != null && value !== '');
  const query = new URLSearchParams(entries).toString();
  return root + call.path + (query ? `?${query}` : '');
}

/// What went wrong with a request. `status` 0: no answer came.
export class ApiError extends Error {
  constructor(status, problem, response) {
    super(problem.detail || problem.title || `HTTP ${status}`);
    this.status = status;
    this.problem = problem;
    this.code = problem.code;
    this.errors = Array.isArray(problem.errors) ? problem.errors : [];
    this.current = problem.current;
    this.etag = response?.headers.get('ETag') ?? problem.etag ?? null;
    this.retryAfter = Number(response?.headers.get('Retry-After')) || null;
    this.requestId = problem.request_id ?? response?.headers.get('X-Request-Id') ?? null;
  }
}

let signedOut = () => {};
export const onSignedOut = (listener) => { signedOut = listener; };

function noAnswer(error) {
  throw error.name === 'AbortError' ? error : new ApiError(0, { title: 'unreachable', code: 'unreachable' });
}

/// Makes the request. Returns {data, etag, status}; throws ApiError, or AbortError if `signal` fires.
export async function send(call, { signal } = {}) {
  const headers = { Accept: 'application/json' };
  for (const [name, value] of Object.entries(call.headers ?? {})) headers[name] = headerBytes(value);
  if (call.method !== 'GET') headers['Content-Type'] = 'application/json';
  const response = await fetch(urlOf(call), {
    method: call.method, headers, signal, credentials: 'same-origin', cache: 'no-store',
    body: call.body === undefined ? undefined : JSON.stringify(call.body),
  }).catch(noAnswer);
  const text = await response.text().catch(noAnswer); // a connection can end in the middle of an answer
  const data = parsed(text, response);
  if (response.ok) return { data: call.shape && data ? call.shape(data) : data, etag: response.headers.get('ETag'), status: response.status };
  const error = new ApiError(response.status, data && typeof data === 'object' ? data : { detail: text.slice(0, 300) }, response);
  if (response.status === 401 && call.path !== 'session') signedOut(error);
  throw error;
}

function parsed(text, response) {
  if (!text) return null;
  try {
    return JSON.parse(text);
  } catch {
    if (!response.ok) return null;
    throw new ApiError(response.status, { detail: text.slice(0, 300), code: 'not_json' }, response);
  }
}

/// The request as a shell command; the token comes from the environment, never from the page.
export function curl(call) {
  const words = ['curl -sS'];
  if (call.method !== 'GET') words.push(`-X ${call.method}`);
  words.push('-H "Authorization: Bearer $LOGAGENT_TOKEN"');
  for (const [name, value] of Object.entries(call.headers ?? {})) words.push(`-H ${quoted(`${name}: ${value}`)}`);
  if (call.body !== undefined) {
    words.push("-H 'Content-Type: application/json'");
    words.push(`--data ${quoted(JSON.stringify(call.body, null, 2))}`);
  }
  words.push(quoted(new URL(urlOf(call), location.href).href));
  return words.join(' \\\n  ');
}

/// Reads a stream of server-sent events until it ends or `signal` fires; `handle(event, data, id)`.
/// `opened()` is called once it is accepted; `lastId` asks for what came after that event.
export async function events(call, handle, { signal, lastId, opened = () => {} } = {}) {
  const headers = { Accept: 'text/event-stream', ...(lastId && { 'Last-Event-ID': lastId }) };
  const response = await fetch(urlOf(call), { headers, signal, credentials: 'same-origin', cache: 'no-store' }).catch(noAnswer);
  if (!response.ok) {
    const problem = parsed(await response.text(), response) ?? {};
    const error = new ApiError(response.status, problem, response);
    if (response.status === 401) signedOut(error);
    throw error;
  }
  opened();
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = '';
  for (;;) {
    const { value, done } = await reader.read().catch(noAnswer);
    if (done) return;
    const blocks = (rest + value).split(/\r?\n\r?\n/);
    rest = blocks.pop();
    for (const block of blocks) deliver(block, handle);
  }
}

// Comments keep a connection alive and say nothing.
function deliver(block, handle) {
  const event = { name: 'message', data: [], id: null };
  for (const line of block.split(/\r?\n/)) {
    const [, field, value] = /^([^:]*):? ?(.*)$/s.exec(line);
    if (field === 'event') event.name = value;
    else if (field === 'data') event.data.push(value);
    else if (field === 'id') event.id = value;
  }
  if (event.data.length) handle(event.name, JSON.parse(event.data.join('\n')), event.id);
}
