// Somebody else changed the service meanwhile: what only one side changed is taken, the rest is decided here.
import { html, useMemo, useState } from './dom.js';
import { t } from './i18n.js';
import { Button, Dialog, Mono, Text } from './parts.js';
import { fieldDiff, same } from './diff.js';
import { merge } from './merge.js';

const shown = (value) => (value === undefined ? t('merge.gone') : typeof value === 'string' ? value : JSON.stringify(value, null, 1));

export function MergeDialog({ base, mine, theirs, by, onClose, onMerged }) {
  const [choices, setChoices] = useState({});
  const { merged, conflicts } = useMemo(() => merge(base ?? {}, mine, theirs, choices), [base, mine, theirs, choices]);
  const open = conflicts.filter(({ pointer }) => !choices[pointer]);
  const taken = useMemo(() => (base ? fieldDiff(base, theirs).filter(({ name }) => !same(mine[name], theirs[name])) : []), [base, mine, theirs]);
  return html`<${Dialog} wide title=${t('merge.title')} onClose=${onClose}>
    <p>${by ? html`<strong><${Text} v=${by} /></strong> ` : ''}${by ? t('merge.by') : t('merge.someone')}</p>
    ${taken.length > 0 && html`<p class="muted">${t('merge.theirs_changed')} ${taken.map(({ name }, i) => html`${i > 0 ? ', ' : ''}<${Mono} v=${name} />`)}</p>`}
    ${conflicts.length === 0 && html`<p>${t('merge.clean')}</p>`}
    ${conflicts.map(({ pointer, base: was, mine: own, theirs: other }) => html`<fieldset class="conflict" key=${pointer}>
      <legend><${Mono} v=${pointer} /></legend>
      ${was !== undefined && html`<p class="small muted">${t('merge.was')} <${Mono} v=${shown(was)} lines /></p>`}
      ${[['mine', own, t('merge.mine')], ['theirs', other, t('merge.theirs')]].map(([side, value, label]) => html`<label class="side-choice">
        <input type="radio" name=${pointer} checked=${choices[pointer] === side} onChange=${() => setChoices({ ...choices, [pointer]: side })} />
        <span><span class="strong">${label}</span><pre><${Text} v=${shown(value)} lines /></pre></span></label>`)}
    </fieldset>`)}
    <div class="actions end"><${Button} kind="quiet" onClick=${onClose}>${t('cancel')}<//>
      <${Button} kind="primary" disabled=${open.length > 0} onClick=${() => onMerged(merged)}>${t('merge.use')}<//></div><//>`;
}
