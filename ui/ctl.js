// The request of a form as a command of `logagent ctl`, where it has one. Pure.

// Every letter of a shell word is safe between single quotes but the quote itself.
export const quoted = (text) => (/^[\w.,:/@%+=-]+$/.test(text) ? String(text) : `'${String(text).replaceAll("'", "'\\''")}'`);

const words = (...list) => list.filter((word) => word !== undefined && word !== '').map(quoted).join(' ');
const pairs = (query) => Object.entries(query ?? {}).filter(([, value]) => value).map(([key, value]) => `${key}=${value}`);
const FILE = true; // the body goes through standard input

// method, path, what to say of its names and the call, and whether the body is a file
const COMMANDS = [
  ['GET', /^services$/, () => 'services list'],
  ['GET', /^services\/([^/:]+)$/, ([name]) => words('services', 'get', name)],
  ['GET', /^services\/([^/]+)\/status$/, ([name]) => words('services', 'status', name)],
  ['GET', /^services\/([^/]+)\/revisions$/, ([name]) => words('services', 'history', name)],
  ['PUT', /^services\/[^/:]+$/, () => 'services apply', FILE],
  ['POST', /^services\/([^/]+):rollback$/, ([name], { body }) => words('services', 'rollback', name, String(body.revision))],
  ['DELETE', /^services\/([^/:]+)$/, ([name]) => words('services', 'delete', name)],
  ['GET', /^hosts$/, (_, { query }) => words('hosts', 'list', query?.q ?? query?.selector)],
  ['GET', /^hosts\/([^/:]+)$/, ([host]) => words('hosts', 'get', host)],
  ['GET', /^rollouts$/, () => 'rollout list'],
  ['GET', /^rollouts\/([^/:]+)$/, ([id]) => words('rollout', 'get', id)],
  ['POST', /^rollouts$/, () => 'rollout start', FILE],
  ['POST', /^rollouts\/([^/]+):(\w+)$/, ([id, verb]) => words('rollout', verb, id)],
  ['GET', /^replays$/, () => 'replay list'],
  ['POST', /^replays$/, () => 'replay start', FILE],
  ['POST', /^replays\/([^/]+):cancel$/, ([id]) => words('replay', 'cancel', id)],
  ['GET', /^transfer\/routes$/, (_, { query }) => words('routes', 'list', query?.q)],
  ['GET', /^transfer\/routes\/([^/]+)$/, ([name]) => words('routes', 'get', name)],
  ['PUT', /^transfer\/routes\/[^/]+$/, () => 'routes apply', FILE],
  ['DELETE', /^transfer\/routes\/([^/]+)$/, ([name]) => words('routes', 'delete', name)],
  ['GET', /^tokens$/, () => 'tokens list'],
  ['POST', /^tokens$/, (_, { body }) => (body.expires_s ? null : words('tokens', 'create', body.name, body.role, ...body.services))],
  ['DELETE', /^tokens\/([^/]+)$/, ([id]) => words('tokens', 'delete', id)],
  ['GET', /^tail$/, (_, { query }) => words('tail', ...pairs(query))],
  ['GET', /^drift$/, () => 'drift'],
  ['GET', /^audit$/, (_, { query }) => words('audit', query?.q)],
  ['GET', /^export$/, () => 'export'],
  ['POST', /^import$/, () => 'import', FILE],
  ['GET', /^whoami$/, () => 'whoami'],
];

/// The command, or null where ctl has none. The token comes from the environment.
export function ctl(call) {
  for (const [method, pattern, say, file] of COMMANDS) {
    const found = method === call.method && pattern.exec(call.path ?? '');
    if (!found) continue;
    const said = say(found.slice(1).map(decodeURIComponent), call);
    if (!said) return null;
    const { message = call.headers?.['X-Message'], ...document } = call.body ?? {};
    return [`logagent ctl ${said}`, file && '-f -', message && `-m ${quoted(message)}`, call.query?.dry_run && '--dry-run',
      file && `<<'END'\n${JSON.stringify(document, null, 2)}\nEND`].filter(Boolean).join(' ');
  }
  return null;
}
