import type { Investigation, InvestigationStep } from '../../api/types'
import { clockTime, duration } from '../../kinds/format'
import { Card } from '../../ui/Card'
import { StatusShape } from '../../ui/Status'
import { EvidenceMarks } from '../evidence/EvidenceLink'
import { KIND_WORDS } from './words'
import styles from './Steps.module.css'

interface StepsProps {
  one: Investigation
  running: boolean
  /** No live connection: the steps come by asking for them. */
  polling: boolean
}

/** The journal: what was done, in order, with what came of it. Failed steps stay visible. */
export function Steps({ one, running, polling }: StepsProps) {
  const failed = one.steps.filter((step) => step.failed).length
  const counted = `${one.steps.length} ${one.steps.length === 1 ? 'step' : 'steps'}`
  return (
    <Card title="Steps" aside={failed > 0 ? `${counted}, ${failed} failed` : counted} flush>
      <ol className={styles.steps} aria-busy={running} aria-label="Steps">
        {one.steps.map((step) => (
          <StepView key={step.n} step={step} began={one.created_at} />
        ))}
        {running && (
          <li className={styles.next}>
            <StatusShape level="progress" />
            <span role="status">
              {one.status === 'created' ? 'Waiting for a worker' : 'Working'}
              {polling && ', no live connection: steps come by polling'}
            </span>
          </li>
        )}
      </ol>
    </Card>
  )
}

function StepView({ step, began }: { step: InvestigationStep; began: string }) {
  return (
    <li className={styles.step} data-kind={step.kind} data-failed={step.failed}>
      <span className={styles.number}>{step.n}</span>
      <div className={styles.what}>
        <p>
          <span className={styles.kind}>{KIND_WORDS[step.kind]}</span>
          <span className={styles.title}>{step.title}</span>
          {step.tool && <code className={styles.tool}>{step.tool}</code>}
        </p>
        {step.summary && <p className={styles.summary}>{step.summary}</p>}
        {step.error && (
          <p className={styles.failed}>
            <StatusShape level="warn" />
            <span>
              {step.error.message} {step.error.remedy} <code>{step.error.code}</code>
            </span>
          </p>
        )}
        <EvidenceMarks ids={step.evidence} of={`step ${step.n}`} />
      </div>
      <span className={styles.time} title={clockTime(step.ended_at)}>
        {offset(began, step.ended_at)}
      </span>
    </li>
  )
}

/** Time since the start: the first seconds with a tenth. */
function offset(began: string, ended: string): string {
  const seconds = (Date.parse(ended) - Date.parse(began)) / 1000
  if (Number.isNaN(seconds)) {
    return ''
  }
  return seconds < 60 ? `${Math.max(0, seconds).toFixed(1)}s` : duration(seconds)
}
