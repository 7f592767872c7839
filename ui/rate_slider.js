// The limit of one entry, moved by hand: what its files do now, and what they would do with it.
import { html } from './dom.js';
import { api } from './api.js';
import { useLoad, useSettled } from './load.js';
import { bytes, duration, limit as limitText, lines } from './format.js';
import { t, tn } from './i18n.js';
import { RateChart } from './rate_chart.js';
import { STEPS, limitAt, positionOf } from './rates.js';

/// `value` is the limit under the hand, lines/s for each file; `several`: the service has other entries, whose
/// files are counted as well.
export function RateSlider({ service, several, value = 0, onChange }) {
  const asked = useSettled(value, 150);
  const { data } = useLoad(api.rates({ service, send_rate: asked }), { every: 5000 });
  return html`<div class="rate-slider span">
    <label class="slider"><span class="hidden">${t('rates.slide')}</span><input type="range" min="0" max=${STEPS} step="1" value=${positionOf(value)} aria-valuetext=${limitText(value)} onInput=${(event) => onChange(limitAt(Number(event.target.value)))} />
      <span class="slider-ends muted small" aria-hidden="true"><span>${t('unit.unlimited')}</span><span>1 000 000</span></span></label>
    ${!data?.now || !data.preview ? html`<p class="muted rate-note">${data ? t('rates.empty_text') : t('loading')}</p>`
    : html`<${Effect} preview=${data.preview} now=${data.now} several=${several} /><${RateChart} data=${data} proposed=${value ? value * Math.max(1, data.now.files) : null} height=${180} bare />`}</div>`;
}

function Effect({ preview, now, several }) {
  const { sent, offered, files_throttled: held, drain_s: drain } = preview;
  const grows = offered - sent > 0.5;
  return html`<div class=${`effect ${grows ? 'warn' : 'ok'}`} role="status"><p class="strong">${t('rates.would', { limit: limitText(preview.send_rate), sent: lines(sent), offered: lines(offered) })}</p>
    <p class="muted">${grows ? t('rates.grows', { files: tn('rates.files', held), rate: lines(offered - sent) })
    : now.lag_bytes > 0 ? (drain == null ? t('rates.stays', { lag: bytes(now.lag_bytes) }) : t('rates.drains', { lag: bytes(now.lag_bytes), time: duration(Math.max(1, drain)) }))
      : t('rates.free')} ${several && t('rates.all_files')}</p></div>`;
}
