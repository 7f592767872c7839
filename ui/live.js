// What changed on the server, told by one stream of events for the whole page while somebody looks.
// Without the feature "events" nothing is opened, and the pages ask at intervals.
import { api, events } from './api.js';
import { useEffect, useRef } from './dom.js';

const listeners = new Set(); // {topics, changed(topics, rates)}
let enabled = false;
let abort = null;
let asked = ''; // the topics of the open stream
let lastId = null;
let open = false;
let tries = 0;
let timer = 0;

// What the server tells of; other topics are asked for by the clock.
const told = (topic) => /^(hosts$|service:.|rollout:.)/.test(topic);

/// Whether all that `topics` mean is told as it changes.
export const isLive = (topics) => open && topics.every(told);

export function enableEvents(on) {
  enabled = on;
  soon();
}

/// Calls `changed()` at most once a second when one of `topics` changed.
export function useChanged(topics, changed) {
  const latest = useRef(changed);
  latest.current = changed;
  const key = topics.filter(told).join();
  useEffect(() => {
    if (!key) return undefined;
    let waiting = 0;
    let last = 0;
    const tell = () => {
      waiting ||= setTimeout(() => {
        waiting = 0;
        last = Date.now();
        latest.current();
      }, Math.max(0, last + 1000 - Date.now()));
    };
    const end = listen({ topics: key.split(','), changed: tell });
    return () => {
      clearTimeout(waiting);
      end();
    };
  }, [key]);
}

function listen(listener) {
  listeners.add(listener);
  soon();
  return () => {
    listeners.delete(listener);
    soon();
  };
}

const wanted = () => [...new Set([...listeners].flatMap(({ topics }) => topics))].sort().join();

// Pages come and go in one turn: the stream follows when that is over.
function soon() {
  clearTimeout(timer);
  timer = setTimeout(follow, 50);
}

document.addEventListener?.('visibilitychange', soon);

async function follow() {
  const topics = enabled && !document.hidden ? wanted() : '';
  if (abort && topics === asked) return;
  abort?.abort();
  abort = null;
  open = false;
  asked = topics;
  if (!topics) return;
  abort = new AbortController();
  const { signal } = abort;
  try {
    await events(api.events(topics), take, { signal, lastId, opened: () => { open = true; tries = 0; } });
  } catch (error) {
    if (signal.aborted) return;
    if ([401, 404, 422].includes(error.status)) enabled = false;
  }
  if (signal.aborted) return;
  abort = null;
  open = false;
  tries += 1;
  clearTimeout(timer);
  timer = setTimeout(follow, Math.min(30000, 1000 * 2 ** tries));
}

function take(event, data, id) {
  if (id) lastId = id;
  if (event === 'end') enabled = false;
  const all = event === 'reset' || (event === 'dropped' && !data.topic);
  const topic = data.topic ?? event;
  for (const listener of listeners) if (all || listener.topics.includes(topic)) listener.changed();
}
