// One live tail: what arrived, what waits while it is paused, and how the stream is. Draws nothing.
import { api, events } from './api.js';
import { Ring } from './ring.js';
import { lineOf, tailStatusOf } from './shapes.js';

export const ROWS = 2000;
const PATIENCE = [1000, 2000, 4000, 8000]; // milliseconds before the next attempt

/// `state`: opening, open, lost (it tries again), ended (the server said so), refused.
export class Follower {
  constructor(query, changed) {
    this.call = api.tail(query);
    this.changed = changed;
    this.ring = new Ring(ROWS);
    this.held = new Ring(ROWS); // what came while paused
    this.state = 'opening';
    this.status = {};
    this.problem = null;
    this.error = null;
    this.paused = false;
    this.tries = 0;
    this.frame = 0;
  }

  /// Follows while the page is visible; returns what ends it.
  start() {
    const looked = () => (document.hidden ? this.close() : this.open());
    document.addEventListener('visibilitychange', looked);
    looked();
    return () => {
      document.removeEventListener('visibilitychange', looked);
      this.close();
      cancelAnimationFrame(this.frame);
    };
  }

  pause() {
    this.paused = true;
    this.soon();
  }

  resume() {
    this.paused = false;
    this.ring.add(this.held.rows);
    this.held = new Ring(ROWS);
    this.soon();
  }

  clear() {
    this.ring.clear();
    this.soon();
  }

  /// Opens what ended again.
  again() {
    this.tries = 0;
    this.open();
  }

  close() {
    this.abort?.abort();
    this.abort = null;
    clearTimeout(this.timer);
  }

  async open() {
    this.close();
    const abort = new AbortController();
    this.abort = abort;
    this.error = null;
    this.problem = null;
    this.state = 'opening';
    this.soon();
    try {
      await events(this.call, (event, data) => this.take(event, data), { signal: abort.signal, opened: () => this.opened() });
      this.lost(null);
    } catch (error) {
      if (abort.signal.aborted) return;
      this.lost(error);
    }
  }

  opened() {
    this.state = 'open';
    this.tries = 0;
    if (this.ring.length) this.add([{ gap: true, id: `gap ${this.ring.seen}` }]);
    this.soon();
  }

  lost(error) {
    this.soon();
    if (this.state === 'ended') return;
    this.error = error;
    if (error?.status >= 400 && error.status < 500) {
      this.state = 'refused';
      return;
    }
    this.state = 'lost';
    this.timer = setTimeout(() => this.open(), PATIENCE[Math.min(this.tries, PATIENCE.length - 1)]);
    this.tries += 1;
  }

  take(event, data) {
    if (event === 'lines') this.add(data.map(lineOf));
    else if (event === 'status') this.status = tailStatusOf(data);
    else if (event === 'problem') this.problem = data.code ? data : null; // an empty one takes it back
    else if (event === 'end') this.state = 'ended';
    this.soon();
  }

  add(rows) {
    (this.paused ? this.held : this.ring).add(rows);
  }

  soon() {
    this.frame ||= requestAnimationFrame(() => {
      this.frame = 0;
      this.changed();
    });
  }
}
