import type { Hypothesis, Investigation } from '../../api/types'
import { age, probability } from '../../kinds/format'
import { ResourceLink } from '../../kinds/ResourceLink'
import { Card } from '../../ui/Card'
import { Icon } from '../../ui/Icon'
import { ActionMenu } from '../changes/ActionMenu'
import { EvidenceList } from '../evidence/EvidenceList'
import { CauseChain, Explained, NotKnown, RemedyNote } from '../problems/CauseParts'
import { HYPOTHESIS_WORDS, inOrder } from './words'
import styles from './Hypotheses.module.css'

/** Every cause that was considered: what speaks for it, what against it, what is missing, and why it stands or falls. */
export function Hypotheses({ one }: { one: Investigation }) {
  const hypotheses = inOrder(one.hypotheses)
  if (hypotheses.length === 0) {
    return null
  }
  const refuted = hypotheses.filter(({ status }) => status === 'refuted').length
  return (
    <Card title="Hypotheses" aside={refuted > 0 ? `${refuted} refuted` : undefined} flush>
      <ul className={styles.list}>
        {hypotheses.map((hypothesis, index) => (
          <li key={hypothesis.id}>
            <HypothesisView hypothesis={hypothesis} one={one} open={index === 0} />
          </li>
        ))}
      </ul>
    </Card>
  )
}

interface HypothesisViewProps {
  hypothesis: Hypothesis
  one: Investigation
  open: boolean
}

function HypothesisView({ hypothesis, one, open }: HypothesisViewProps) {
  const { resource, since } = hypothesis
  const toldAbove = hypothesis.remedy.text === one.remedy?.text
  const seen = one.snapshot ? Date.parse(one.snapshot.as_of) : Date.parse(one.created_at)
  return (
    <details className={styles.hypothesis} data-status={hypothesis.status} open={open}>
      <summary>
        <Icon name="chevronRight" size={12} />
        <span className={`${styles.status} ${styles[hypothesis.status]}`}>
          <StatusMark status={hypothesis.status} />
          {HYPOTHESIS_WORDS[hypothesis.status]}
        </span>
        <span className={styles.title}>{hypothesis.title}</span>
        <span className={styles.resource}>
          {resource.kind} {resource.namespace ? `${resource.namespace}/` : ''}
          {resource.name}
        </span>
        <span className={styles.probability} title="Probability that this is a cause">
          {probability(hypothesis.probability)}
        </span>
      </summary>
      <div className={styles.body}>
        {hypothesis.summary && <p className={styles.text}>{hypothesis.summary}</p>}
        {hypothesis.why && <p className={styles.text}>{hypothesis.why}</p>}
        <p className={styles.facts}>
          <ResourceLink cluster={one.cluster} resource={resource} />
          {since && <span>for {age(since, seen)}</span>}
          <code>{hypothesis.mode}</code>
        </p>
        <EvidenceList title="Evidence for it" ids={hypothesis.for} cluster={one.cluster} />
        <EvidenceList title="Evidence against it" ids={hypothesis.against} cluster={one.cluster} />
        <NotKnown texts={hypothesis.missing} />
        <CauseChain steps={hypothesis.chain} />
        <Explained resources={hypothesis.explains} cluster={one.cluster} />
        {hypothesis.status !== 'refuted' && !toldAbove && <RemedyNote remedy={hypothesis.remedy} />}
        {hypothesis.status === 'supported' && (
          <div>
            <ActionMenu
              tone="plain"
              cluster={one.cluster}
              resource={resource}
              cause={{ reason: hypothesis.title, evidence: hypothesis.for }}
            />
          </div>
        )}
      </div>
    </details>
  )
}

/** Each status has its own outline: a check, a cross, a ring. */
function StatusMark({ status }: { status: Hypothesis['status'] }) {
  const path = { supported: 'M2.5 7.5 5.5 10.5 11.5 3.5', refuted: 'M3 3l8 8M11 3l-8 8', proposed: '' }[
    status
  ]
  return (
    <svg width={12} height={12} viewBox="0 0 14 14" aria-hidden="true" focusable="false">
      {path ? (
        <path d={path} fill="none" stroke="currentColor" strokeWidth="2" strokeLinecap="round" />
      ) : (
        <circle cx="7" cy="7" r="4.5" fill="none" stroke="currentColor" strokeWidth="1.6" />
      )}
    </svg>
  )
}
