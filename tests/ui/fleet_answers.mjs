// A small fleet as the server would tell of it: every list, every state.
import { flood } from './scripted.mjs';

const now = Date.now();
const at = (seconds) => new Date(now + seconds * 1000).toISOString();
const list = (items) => ({ items, next_page_token: null, total: items.length });
export const FEATURES = ['services', 'hosts', 'history', 'audit', 'tokens', 'overview', 'search', 'status', 'views', 'files', 'tail', 'rates', 'paths', 'replays', 'rollouts', 'why', 'drift', 'transfer', 'openapi'];

const HOSTS = Array.from({ length: 37 }, (_, i) => `web${String(i + 1).padStart(2, '0')}`);
const LAGS = [0, 0, 0, 4096, 12 << 20, 0, 3 * 2 ** 30, 0, 900 << 10, 60 << 20];

const host = (name, i) => ({
  host: name, online: i !== 8, since: at(-3600), primary_ip: `10.2.0.${i + 1}`, labels: { env: i % 6 === 5 ? 'stage' : 'prod', idc: ['bj', 'sh'][i % 2] }, lag_bytes: LAGS[i % LAGS.length],
  status: { host: name, version: '0.1.0', ips: [`10.2.0.${i + 1}`], state: i === 6 ? 'degraded' : 'healthy', config: { state: i === 6 ? 'failed' : 'applied', applied: { revision: 900, hash: 'a1b2c3d4e5f6' } }, files: { tailing: 3 + (i % 4), ...(i === 6 && { denied: 1 }) }, kafka: { state: 'up' },
    problems: i === 6 ? [{ code: 'files_denied', text: '/var/log/checkout/error.log: permission denied', since: at(-600) }] : [] },
});

const service = {
  name: 'checkout', description: 'Orders and carts', owner: 'shop', enabled: true, hosts: { list: [], cidr: [], selector: 'env=prod,host=~web.*' }, labels: { team: 'shop' }, source: 'ui',
  files: [{ log_path: '/var/log/checkout/app.log', topic: 'checkout', send_rate: 5000 }], revision: 12, etag: '"7"', updated_at: at(-500), updated_by: 'ann',
};
const status = {
  revision: 12, hosts: 37, applied: 35, failed: [{ host: 'web07', code: 'denied', pointer: '/0/log_path', detail: 'permission denied on /var/log/checkout/error.log; add the user logagent to the group adm' }], waiting: [], offline: ['web09'],
};

const rollout = (more) => ({
  id: '01J8ZK3V9Y3Q5T7W9B1D3F5H7K', service: 'checkout', revision: 13, from_revision: 12, state: 'baking', stage: 2, bake_s: 300, bake_ends_at: at(204), automatic: true, reason: null, created_at: at(-700), by: 'ann', message: 'raise the limit before the sale, OPS-1234',
  stages: [{ percent: 0, hosts: 1, started_at: at(-700), ended_at: at(-400) }, { percent: 5, hosts: 2, started_at: at(-400), ended_at: at(-100) }, { percent: 25, hosts: 10, started_at: at(-100) }, { percent: 100, hosts: 37 }],
  hosts: 37, reached: 10, applied: 9, failed: 0, offline: 1, ...more,
});
const ROLLOUTS = [rollout({}), rollout({ id: 'r2', service: 'payments', state: 'aborted', stage: 1, reached: 2, applied: 1, failed: 1, offline: 0, bake_ends_at: null, reason: { code: 'failed', detail: 'web07: permission denied on /var/log/payments/audit.log', hosts: ['web07'] }, by: 'bob', message: 'collect the audit log' }),
  rollout({ id: 'r3', service: 'nginx-edge', state: 'done', stage: 3, reached: 37, applied: 37, offline: 0, bake_ends_at: null, created_at: at(-90000), message: 'json envelope' })];
const stageOf = (i) => (i < 1 ? 0 : i < 2 ? 1 : i < 10 ? 2 : 3);
const rolloutHosts = HOSTS.map((name, i) => ({ host: name, stage: stageOf(i), state: i >= 10 ? 'pending' : i === 8 ? 'offline' : 'applied', detail: i === 8 ? 'last seen 2 min ago' : null, lag_bytes: LAGS[i % 10], lag_before_bytes: LAGS[i % 10] }));

const replay = (more) => ({
  id: '01J8ZK3V9Y3Q5T7W9B1D3F5H8A', host: 'web03', state: 'running', at: at(-190), by: 'ann', message: 'the index of last night was deleted', started: at(-180), arguments: { path: '/var/log/nginx/access.log', since: '2026-11-29 22:00', until: '2026-11-29 23:00', same_topic: true, rate: 10000 },
  plan: { topic: 'nginx-access', bytes: 170839337, lines: 812000, notes: [] }, progress: { bytes: 71303168, total_bytes: 170839337, records: 338911, acked: 71303168, blank: 0, filtered: 0, cut: 0, dead_letter: 0 }, ...more,
});
const REPLAYS = [replay({}), replay({ id: 'p2', state: 'done', progress: { bytes: 52428800, total_bytes: 52428800, records: 249100 }, arguments: { path: '/var/log/checkout/app.log', last: 52428800, topic: 'replayed' }, plan: { topic: 'replayed', bytes: 52428800, lines: 250000 }, host: 'web11' }),
  replay({ id: 'p3', state: 'failed', code: 'refused', text: 'no such file: /var/log/nope.log', progress: null, plan: null, arguments: { path: '/var/log/nope.log', offset: '0:1000', same_topic: true }, host: 'web02' })];
const PLAN = { topic: 'nginx-access', bytes: 170839337, lines: 812000, notes: ['1 generation is not known to the journal; its id is derived from the file'], parts: [{ path: '/var/log/nginx/access.log.1.gz', generation: 'YOhKtbDlpqtqn7ATl_2qJg', start: 812004177, end: 960113404, bytes: 148109227 }, { path: '/var/log/nginx/access.log', generation: 'BL5bPtsko_hVNhssBFwE-A', start: 0, end: 22730110, bytes: 22730110 }] };

const runner = (more) => ({ instance: 'mover1~3fa94c11', host: 'mover1', version: '0.1.0', source: 'etcd', revision: 912, current: true, state: 'running', detail: '', lag: 617, rate: 2560, delay_s: 0.31, partitions: 6, accepted: 91034400, repeated: 12, refused: 0, dead_letters: 0, lost_to_retention: 0, retried: {}, ...more });
const route = (more) => ({ etag: '"912"', revision: 912, detail: '', type: 'elasticsearch', rejected: [], oldest_s: 0, dead_letters: 0, processes: [runner({})], refused_by: [], parts: [], ...more });
const ROUTES = [
  route({ name: 'checkout-es', document: { topics: ['checkout'], sink: 'search', index: 'checkout-{yyyy.MM.dd}' }, group: 'logagent.checkout-es', topics: ['checkout'], sink: 'search', state: 'running', members: 2, partitions: 12, lag: 1234, lag_s: 0.4, rate: 5120, dead_letters: 17, rejected: [{ topic: 'checkout', count: 17, reason: 'mapper_parsing_exception', at: at(-340) }],
    processes: [runner({ dead_letters: 9 }), runner({ instance: 'mover2~77ab01d2', host: 'mover2', dead_letters: 8, delay_s: 0.44 })], refused_by: [{ instance: 'archiver~0d1e2f3a', host: 'archiver', detail: "sink: 'search' is not the name of a usable [sink.NAME] of this file" }] }),
  route({ name: 'archive', document: null, etag: null, revision: null, group: 'logagent.archive', topics: ['~nginx-.*'], sink: 'hdfs', type: 'hdfs', state: 'running', members: 1, partitions: 24, lag: 0, lag_s: 0, rate: 18230, processes: [runner({ instance: 'archiver~0d1e2f3a', host: 'archiver', source: 'file', revision: 0, lag: 0, rate: 18230, partitions: 24 })] }),
  route({ name: 'fraud', document: { topics: ['payments'], sink: 'storm', function: 'fraud' }, group: '', topics: ['payments'], sink: 'storm', type: '', state: 'refused', detail: "mover1: sink: 'storm' is not the name of a usable [sink.NAME] of this file", members: 0, partitions: 0, lag: null, lag_s: null, rate: 0, processes: [] }),
  route({ name: 'payments-es', document: { topics: ['payments'], sink: 'search' }, group: 'logagent.payments-es', topics: ['payments'], sink: 'search', state: 'stalled', detail: 'mover2: 10.0.0.7:9200 answers 429: too many requests; tried again every 5 s', members: 1, partitions: 6, lag: 812004, lag_s: null, rate: 0 })];
const routeParts = Array.from({ length: 12 }, (_, i) => ({ topic: 'checkout', partition: i, committed: 91034400 + i * 777, end: 91034600 + i * 780, lag: 200 + i * 3 }));
const PROCESSES = [['mover1~3fa94c11', 'mover1', [['search', 'elasticsearch'], ['relay', 'kafka']], ['checkout-es']], ['mover2~77ab01d2', 'mover2', [['search', 'elasticsearch']], ['checkout-es', 'payments-es']], ['archiver~0d1e2f3a', 'archiver', [['hdfs', 'hdfs'], ['storm', 'storm']], ['archive']]]
  .map(([instance, host, sinks, routes]) => ({ instance, host, version: '0.1.0', started: at(-86400), problem: host === 'mover2' ? 'route payments-es: 10.0.0.7:9200 answers 429' : '', sinks: sinks.map(([name, type]) => ({ name, type, modes: type === 'storm' ? ['drpc'] : [] })), routes, refused: [] }));

const wave = (i, base, swing) => Math.round(base + swing * Math.sin(i / 17) + (swing / 3) * Math.sin(i / 5));
const times = Array.from({ length: 360 }, (_, i) => Math.floor(now / 1000) - 3600 + i * 10);
const RATES = {
  step_s: 10, at: times, offered: times.map((_, i) => wave(i, 13400, 4200)), sent: times.map((_, i) => Math.min(15000, wave(i, 13400, 4200))), limit: times.map(() => 15000), throttled: times.map((_, i) => (wave(i, 13400, 4200) > 15000 ? 0.2 : 0)), lag_bytes: times.map(() => 4 << 20),
  now: { offered: 14210, sent: 14210, offered_bytes: 3012520, sent_bytes: 3012520, limit: 15000, throttled: 0.07, lag_bytes: 41943040, files: 3, hosts: 3, drain_s: 250 }, trouble: null,
};
const preview = (send_rate) => {
  const most = send_rate ? send_rate * 3 : 14210;
  return { send_rate, offered: 14210, sent: Math.min(14210, most), files_throttled: most < 14210 ? 3 : 0, drain_s: most > 14210 ? 41943040 / 212 / (most - 14210) : null };
};

const WHY_STEPS = [['rendered', 'ok', 'the service checkout wants it: /var/log/checkout/*.log'], ['applied', 'ok', 'applied 8 minutes ago, revision 900'], ['allowed', 'ok', 'allow_paths has /var/log'], ['exists', 'ok', '41.2 MB, written 3 s ago'],
  ['readable', 'broken', 'permission denied: -rw-r----- root adm', 'usermod -aG adm logagent && systemctl restart logagent'], ['moving', 'skipped'], ['throttled', 'skipped'], ['topic', 'ok', 'checkout has 12 partitions, all with a leader'], ['transfer', 'skipped'], ['sink', 'skipped']];
const why = ({ query }) => ({ host: query.get('host'), path: query.get('path'), service: 'checkout', topic: 'checkout', broken: query.get('path').includes('fine') ? null : 'readable', steps: WHY_STEPS.map(([step, state, text, remedy]) => ({ step, state: query.get('path').includes('fine') ? 'ok' : state, text, remedy })) });

const DRIFT = [
  { host: 'web04', address: '10.2.0.4', action: 'held:drift', diff: [{ kind: 'changed', log_path: '/var/log/checkout/app.log', topic: 'checkout', service: 'checkout', fields: [{ field: 'send_rate', before: 50, after: 5000 }] }] },
  { host: 'web05', address: '10.2.0.5', action: 'held:hand_written', diff: [{ kind: 'removed', log_path: '/var/log/old/*.log', topic: 'old', service: 'old' }] },
  { host: '', address: '10.2.0.99', action: 'held:orphan', diff: [{ kind: 'removed', log_path: '/var/log/checkout/app.log', topic: 'checkout', service: 'checkout' }] }];
const plan = { keys: { write: 37, held: 0, unchanged: 0 }, changes: [{ kind: 'changed', log_path: '/var/log/checkout/app.log', topic: 'checkout', service: 'checkout', fields: [{ field: 'send_rate', before: 5000, after: 8000 }], keys: 37 }], hosts: HOSTS.map((name, i) => ({ host: name, address: `10.2.0.${i + 1}`, action: 'write', diff: [{ kind: 'changed', log_path: '/var/log/checkout/app.log', topic: 'checkout', service: 'checkout', fields: [{ field: 'send_rate', before: 5000, after: 8000 }] }] })), hosts_omitted: 0, errors: [], warnings: [], topics: [] };

export const OPENAPI = {
  openapi: '3.1.0', info: { title: 'logagent', version: '0.1.0' },
  paths: {
    '/api/v1/services': { get: { tags: ['services'], summary: 'All services', 'x-role': 'viewer', 'x-ctl': 'logagent ctl services list' } },
    '/api/v1/services/{name}': { put: { tags: ['services'], summary: 'Write a service', 'x-role': 'editor', requestBody: { content: { 'application/json': { example: { hosts: { selector: 'env=prod' }, files: [{ log_path: '/var/log/a.log', topic: 'a' }], message: 'why' } } } } }, delete: { tags: ['services'], summary: 'Delete a service', 'x-role': 'editor' } },
    '/api/v1/hosts': { get: { tags: ['hosts'], summary: 'All hosts', 'x-role': 'viewer' } },
  },
};

const LINES = ['INFO order 8812 placed by user 4411 in 34 ms', 'WARN stock of item 77 is low: 3 left', 'INFO GET /cart 200 12 ms', 'ERROR payment declined: timeout after 3000 ms', 'WARN stock service: timeout, tried again', 'DEBUG cache hit ratio 0.92'];

/// The whole of it; `more` replaces answers.
export const fleetAnswers = (more = {}) => ({
  'GET whoami': () => ({ name: 'ann', role: 'admin', services: ['*'], features: FEATURES, version: '0.1.0' }),
  'POST session': () => ({ name: 'ann' }),
  'GET services': ({ rest, query }) => (rest === '' ? list([{ ...service, status: { ...status, failed: 1, offline: 1, waiting: 0 } }].filter((one) => JSON.stringify(one).includes(query.get('q') ?? ''))) : undefined),
  'GET services/checkout': ({ rest }) => (rest ? undefined : service),
  'GET services/checkout/status': () => status,
  'GET services/checkout/revisions': ({ rest }) => (rest ? { revision: Number(rest), at: at(-500), by: 'ann', message: 'x', document: service } : list([{ revision: 12, at: at(-500), by: 'ann', message: 'define', action: 'service.put' }])),
  'PUT services/checkout': ({ query }) => (query.get('dry_run') ? { ...service, plan } : { ...service, revision: 13, rendered: { written: 37, held: [], failed: [] } }),
  'POST hosts:match': () => ({ total: 37, items: HOSTS.slice(0, 20) }),
  'GET hosts': ({ rest }) => (rest ? undefined : list(HOSTS.map(host))),
  'GET hosts/web': ({ rest }) => { const [n, view] = rest.split('/'); return view === 'files' ? list([{ path: '/var/log/checkout/app.log', service: 'checkout', topic: 'checkout', state: 'tailing', generation: 'g', size: 91034400, acked_offset: 91034100, read_offset: 91034400, lag_bytes: 300, lines_per_s: 4900, bytes_per_s: 1038800, send_rate: 5000, throttled_seconds: 31 }]) : view === 'config' ? { view: 'desired', revision: 900, hash: 'a1b2c3d4e5f6', at: at(-500), entries: service.files.map((file) => ({ service: 'checkout', ...file })) } : host(`web${n}`, Number(n) - 1); },
  'GET audit': () => list([{ id: 'a1', at: at(-500), actor: { name: 'ann' }, peer: '127.0.0.1', action: 'service.put', target: 'checkout', message: 'raise the limit', result: 'done', revision: 12 }]),
  'GET tokens': () => list([{ id: 't1', name: 'ann', role: 'admin', services: ['*'], created_at: at(-9000) }]),
  'GET rollouts': ({ rest, query }) => (rest ? undefined : list(ROLLOUTS.filter((one) => query.get('state') !== 'active' || ['running', 'baking', 'paused'].includes(one.state)))),
  'GET rollouts/': ({ rest }) => { const [id, hosts] = rest.split('/'); return hosts ? list(rolloutHosts) : ROLLOUTS.find((one) => one.id === id); },
  'POST rollouts': ({ rest, body }) => (rest ? undefined : [201, ROLLOUTS[0] && { ...ROLLOUTS[0], message: body.message }]),
  'GET replays': () => list(REPLAYS),
  'POST replays': ({ query, rest }) => (rest ? undefined : query.get('dry_run') ? { plan: PLAN } : [201, REPLAYS[0]]),
  'GET transfer/routes': ({ rest }) => { const found = ROUTES.find((one) => one.name === rest); return rest ? found && { ...found, parts: found.name === 'checkout-es' ? routeParts : [] } : list(ROUTES); },
  'GET transfer/processes': () => list(PROCESSES),
  'PUT transfer/routes': ({ rest, body }) => { const { message, name, ...document } = body; return document.index?.includes(' ') ? [422, { type: 'about:blank', title: 'Unprocessable', status: 422, code: 'invalid', detail: '/index: a blank is not allowed', errors: [{ pointer: '/index', code: 'invalid', detail: 'a blank is not allowed in the name of an index' }] }] : { name: rest, document, revision: 913, warnings: [], runs_on: [] }; },
  'DELETE transfer/routes': () => [204, null],
  'GET rates': ({ query }) => (query.has('send_rate') ? { ...RATES, preview: preview(Number(query.get('send_rate'))) } : RATES),
  'GET paths': () => ({ more: false, items: ['app.log', 'app.log.1', 'audit.log', 'error.log'].map((name, i) => ({ path: `/var/log/checkout/${name}`, size: 91034400 >> i, modified: at(-i * 4000 - 3) })) }),
  'GET why': why,
  'GET drift': () => ({ items: DRIFT, omitted: 0, next_page_token: null }),
  'POST drift:repair': ({ body }) => ({ items: body.addresses.map((address) => ({ address, host: 'web04', result: 'written' })) }),
  'POST drift:adopt': ({ body, query }) => ({ services: [{ name: 'old', hosts: { list: ['web05'] }, files: [{ log_path: '/var/log/old/*.log', topic: 'old' }] }], notes: [{ code: 'order', text: 'two globs can reach the same file', address: '10.2.0.5' }], items: query.get('dry_run') ? undefined : body.addresses.map((address) => ({ address, result: 'written' })) }),
  'GET export': () => ({ version: 1, services: [service], hosts: [] }),
  'GET tail': ({ response, server, query }) => { const lines = LINES.filter((line) => line.includes(query.get('q') ?? '')); return flood(server, response, { rate: 25, line: (i) => `2026-11-30 14:02:11 ${lines[i % lines.length]} trace=${(i * 7919).toString(16)}` }); },
  'GET openapi.json': () => OPENAPI,
  ...more,
});
