// The server's answers in the form in which the pages use them. Pure: nothing here asks or draws.

// What a server that names no features offers.
const FEATURES = ['services', 'hosts', 'history', 'tokens', 'audit', 'overview'];
const FOR_ADMINS = new Set(['tokens', 'audit']);

export function withFeatures(me) {
  const whole = me.role === 'admin' && (me.services ?? []).includes('*');
  return { ...me, features: (me.features ?? FEATURES).filter((feature) => whole || !FOR_ADMINS.has(feature)) };
}

/// A host is what the inventory holds of it; what its agent says lies in `status`.
export function hostOf({ status, online, since, ...host }) {
  const said = status ?? {};
  const files = host.files ?? said.files;
  return {
    ...said, ...host,
    seen_at: host.seen_at ?? (online === false ? since : undefined),
    online: online ?? undefined,
    state: online === false ? 'offline' : host.state ?? said.state ?? 'unknown',
    primary_ip: host.primary_ip || said.ips?.[0],
    files: Array.isArray(files) ? undefined : files,
    config: { ...said.config, ...host.config, errors: host.config?.errors ?? said.errors ?? [] },
  };
}

/// The rows that hold all words of `q`, for a server that does not search by itself (no feature "search").
export function searched(me, items, q, keep = () => true) {
  if (!items || me.features?.includes('search')) return items;
  const words = q.toLowerCase().split(/\s+/).filter(Boolean);
  return items.filter((item) => keep(item) && words.every((word) => JSON.stringify(item).toLowerCase().includes(word)));
}

const total = (changes, kind) => changes.filter((change) => change.kind === kind).reduce((sum, change) => sum + (change.keys ?? 0), 0);

/// The changes of one host as the difference of two arrays.
export function diffOf(changes) {
  const of = (kind) => changes.filter((change) => change.kind === kind);
  const entry = ({ log_path, topic, service }) => ({ log_path, topic, service });
  return {
    added: of('added').map(entry), removed: of('removed').map(entry), same: [],
    changed: of('changed').map((change) => ({ after: entry(change), fields: change.fields.map(({ field, ...sides }) => ({ name: field, ...sides })) })),
  };
}

/// The plan in the answer to a change that was only tried: {totals, hosts, omitted, problems, warnings}.
/// An answer without one has no `totals`.
export function planOf(answer) {
  const plan = answer?.plan;
  if (!plan) return {};
  const changes = plan.changes ?? [];
  return {
    totals: {
      hosts: plan.keys?.write ?? 0, held: plan.keys?.held ?? 0,
      entries_added: total(changes, 'added'), entries_removed: total(changes, 'removed'), entries_changed: total(changes, 'changed'),
    },
    hosts: (plan.hosts ?? []).map(({ host, address, action, diff, lost }) => ({
      host: host || address, address, diff: diffOf(diff ?? []), lost, held: action?.startsWith('held:') ? action.slice(5) : null,
    })),
    omitted: plan.hosts_omitted ?? 0, problems: plan.errors ?? [], warnings: plan.warnings ?? [], topics: plan.topics ?? [],
  };
}

/// What is kept of an applied change, to follow it host by host: its place in etcd's history and the
/// hosts that were written.
export function savedOf(answer, plan) {
  const { rendered } = answer.data ?? {};
  const failed = new Set((rendered?.failed ?? []).map((key) => key.host));
  return {
    revision: answer.data?.revision ?? null, etcd: Number(/\d+/.exec(answer.etag ?? '')?.[0] ?? 0),
    hosts: (plan.hosts ?? []).filter((host) => !host.held && !failed.has(host.host)).map((host) => host.host),
    held: rendered?.held ?? [], lost: [...failed], files: answer.data?.files ?? [], more: plan.omitted ?? 0,
  };
}

/// How far a change is, from what its hosts say: the answer of `services/{name}/status`.
export function followed(saved, hosts) {
  const named = new Map(hosts.map((host) => [host.host, host]));
  const status = { revision: saved.revision, hosts: saved.hosts.length, applied: 0, failed: [], waiting: [], offline: [] };
  for (const name of saved.hosts) {
    const host = named.get(name);
    const at = (part) => Number(host?.config?.[part]?.revision ?? 0);
    if (!host || host.state === 'offline') status.offline.push(name);
    else if (at('failed') >= saved.etcd && at('failed') > at('applied')) status.failed.push(failure(host));
    else if (at('applied') < saved.etcd) status.waiting.push(name);
    else if (host.config.errors.length) status.failed.push(failure(host));
    else if (badFile(host, saved.files)) status.failed.push(badFile(host, saved.files));
    else status.applied += 1;
  }
  return status;
}

/// The first file of these entries that the agent may not or cannot read.
function badFile(host, entries = []) {
  const concerns = (file) => entries.some(({ log_path, topic }) => file.topic === topic && file.path.startsWith(log_path.split(/[*?[]/)[0]));
  const found = (host.not_tailing ?? []).find((file) => ['denied', 'error'].includes(file.state) && concerns(file));
  return found && { host: host.host, code: found.state, pointer: found.path, detail: found.last_error };
}

function failure(host) {
  const { code = 'failed', pointer = '', detail } = host.config.errors[0] ?? host.config.failed ?? {};
  return { host: host.host, code, pointer, detail: detail ?? host.config.failed?.detail };
}

/// A replay as its list shows it; one that its agent has not taken up yet is `sent`.
export const replayOf = ({ at, ...replay }) => ({ ...replay, created_at: at ?? replay.created_at });

/// A line of the tail. `id` names its record: topic, partition, offset.
export function lineOf(line) {
  const [topic, partition, offset] = /^(.*)\/(\d+)\/(\d+)$/s.exec(line.id)?.slice(1) ?? [];
  return { ...line, topic, partition, offset };
}

/// What the stream of a tail says of itself every second.
export function tailStatusOf({ rate, sampling, partitions, ...status }) {
  const read = Object.values(partitions ?? {});
  return {
    ...status, rate, ratio: sampling, topics: read.length,
    partitions: read.length && read.every((n) => n !== null) ? read.reduce((sum, n) => sum + n, 0) : null,
  };
}
