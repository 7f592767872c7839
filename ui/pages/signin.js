// Signing in with a token. The page keeps nothing: the server answers with a cookie that no script reads.
import { html, useEffect, useState } from '../dom.js';
import { api, send } from '../api.js';
import { useSend } from '../load.js';
import { t } from '../i18n.js';
import { Command, Field, Notice, Problem } from '../parts.js';

// A link such as /#token=lgw_... brings the token along: it never reaches a server's log, and leaves the
// address bar at once. Signing in stays a click, so that no foreign link does it.
const linked = /^#token=(lgw_[\w-]+)$/.exec(location.hash)?.[1] ?? '';
if (linked) history.replaceState(history.state, '', location.pathname + location.search);

export function SignIn({ onDone, settings }) {
  const [token, setToken] = useState(linked);
  const [dropped, setDropped] = useState(false);
  const { run, busy, error } = useSend();
  useEffect(() => {
    document.title = `${t('sign_in.title')} · logagent`;
  }, []);
  const submit = async (event) => {
    event.preventDefault();
    setDropped(false);
    const answer = await run(api.signIn(token.trim()));
    if (!answer) return;
    try {
      onDone((await send(api.whoami())).data);
    } catch (problem) {
      // The server took the token and the browser did not keep the cookie.
      if (problem.status === 401) setDropped(true);
    }
  };
  const refused = error?.status === 401;
  return html`<main id="main" class="sign-in">
    <form onSubmit=${submit}>
      <div class="sign-in-brand"><img src=${new URL('../icon.svg', import.meta.url).href} alt="" width="40" height="40" /><h1>${t('sign_in.title')}</h1></div>
      ${(dropped || error?.code === 'tls_required') && html`<${Notice} kind="bad" title=${t('sign_in.tls')}><p>${t('sign_in.tls_text')}</p><//>`}
      ${error && !refused && error.code !== 'tls_required' && html`<${Problem} error=${error} />`}
      <${Field} label=${t('sign_in.token')} help=${t('sign_in.help')} errors=${refused ? [t('sign_in.refused')] : []}>
        ${(props) => html`<input ...${props} type="password" autocomplete="current-password" spellcheck=${false} autofocus placeholder="lgw_…"
          value=${token} onInput=${(event) => setToken(event.target.value)} required />`}<//>
      <button class="button primary" disabled=${busy || !token.trim()} aria-busy=${busy}>${t('sign_in.button')}</button>
      <details><summary>${t('sign_in.where')}</summary>
        <p>${t('sign_in.where_text')}</p>
        <${Command} text="logagent web -c /etc/logagent/web.ini" /></details>
    </form>
    ${settings}
  </main>`;
}
