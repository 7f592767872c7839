// What a service sends, what its limit holds back, and when what waits is gone.
import { html } from '../dom.js';
import { api } from '../api.js';
import { t } from '../i18n.js';
import { CurlButton, Page } from '../parts.js';
import { Rates } from '../rate_chart.js';
import { CRUMBS, ServiceTabs } from './service.js';

export function ServiceRates({ route, me }) {
  const name = route.segments[1];
  return html`<${Page} title=${name} crumbs=${CRUMBS()} wide actions=${html`<${CurlButton} call=${() => api.rates({ service: name })} />`}>
    <${ServiceTabs} name=${name} current="rates" me=${me} /><${Rates} query=${{ service: name }} /><//>`;
}
