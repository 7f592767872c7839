// What a page reads from the server: shown again at once, refreshed while somebody looks.
import { useCallback, useEffect, useRef, useState } from './dom.js';
import { api, send } from './api.js';
import { isLive, useChanged } from './live.js';

// While the server tells what changed, asking by the clock is for what it does not tell.
const paced = (every, on) => (on.length && isLive(on) ? Math.max(every, 15000) : every);

/// Reads `call` (null = nothing to read) when its request changes, and every `every` milliseconds
/// while the page is visible, and when one of the topics `on` of the events changed. Old data stays
/// while new data is on its way: nothing jumps.
export function useLoad(call, { every = 0, on = [] } = {}) {
  const key = call ? JSON.stringify(call) : '';
  const [state, setState] = useState({ data: null, etag: null, error: null, key: '' });
  const [turn, setTurn] = useState(0);
  useEffect(() => {
    if (!call) return undefined;
    const abort = new AbortController();
    let timer = 0;
    const read = async () => {
      if (document.hidden && every) {
        timer = setTimeout(read, every);
        return;
      }
      try {
        const { data, etag } = await send(call, { signal: abort.signal });
        setState({ data, etag, error: null, key });
      } catch (error) {
        if (error.name === 'AbortError') return;
        setState((old) => (old.key === key ? { ...old, error } : { data: null, etag: null, error, key }));
      }
      if (every) timer = setTimeout(read, paced(every, on));
    };
    read();
    return () => {
      abort.abort();
      clearTimeout(timer);
    };
  }, [key, turn, every]);
  const reload = useCallback(() => setTurn((n) => n + 1), []);
  useChanged(call ? on : [], reload);
  const current = state.key === key;
  return { ...state, error: current ? state.error : null, loading: !!call && !current, reload };
}

/// A list read page by page: `call(token)` describes the request of one page.
export function usePages(call, { every = 0, on = [] } = {}) {
  const first = call(null);
  const head = useLoad(first, { every, on });
  const key = JSON.stringify(first);
  const [more, setMore] = useState({ key: '', items: [], next: null, error: null, busy: false });
  const live = more.key === key;
  const latest = useRef(key);
  latest.current = key;
  const next = live ? more.next : head.data?.next_page_token;
  const loadMore = useCallback(async () => {
    const wanted = key;
    const before = live ? more.items : [];
    setMore({ key, items: before, next, error: null, busy: true });
    try {
      const { data } = await send(call(next));
      if (latest.current !== wanted) return;
      setMore({ key, items: [...before, ...data.items], next: data.next_page_token ?? null, error: null, busy: false });
    } catch (error) {
      if (latest.current === wanted) setMore({ key, items: before, next, error, busy: false });
    }
  }, [key, next, live, more.items]);
  const items = head.data ? [...head.data.items, ...(live ? more.items : [])] : null;
  return {
    items, total: head.data?.total ?? null, error: head.error ?? (live ? more.error : null), loading: head.loading,
    reload: head.reload, next: head.loading ? null : next, more: loadMore, busy: live && more.busy,
  };
}

/// Every host, page after page, and again every `every` milliseconds while somebody looks; 0 = not at all.
export function useAllHosts(every) {
  const [state, setState] = useState({ hosts: null, error: null });
  useEffect(() => {
    if (!every) return undefined;
    const abort = new AbortController();
    let timer = 0;
    const read = async () => {
      try {
        if (!document.hidden) setState({ hosts: await everyPage(abort.signal), error: null });
      } catch (error) {
        if (error.name === 'AbortError') return;
        setState((old) => ({ ...old, error }));
      }
      timer = setTimeout(read, every);
    };
    read();
    return () => {
      abort.abort();
      clearTimeout(timer);
    };
  }, [every]);
  return state;
}

async function everyPage(signal) {
  const hosts = [];
  let token;
  do {
    const { data } = await send(api.hosts({ limit: 500, page_token: token }), { signal });
    hosts.push(...data.items);
    token = data.next_page_token;
  } while (token);
  return hosts;
}

/// One change under way: `run(call)` sends it and answers {data, etag, status}, or null if it failed.
export function useSend() {
  const [state, setState] = useState({ busy: false, error: null });
  const run = useCallback(async (call) => {
    setState({ busy: true, error: null });
    try {
      const answer = await send(call);
      setState({ busy: false, error: null });
      return answer;
    } catch (error) {
      setState({ busy: false, error });
      return null;
    }
  }, []);
  const clear = useCallback(() => setState({ busy: false, error: null }), []);
  return { ...state, run, clear };
}

/// `value` once it has been the same for `ms`.
export function useSettled(value, ms) {
  const [settled, setSettled] = useState(value);
  const key = JSON.stringify(value);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(value), ms);
    return () => clearTimeout(timer);
  }, [key, ms]);
  return settled;
}
