import type { Change, Level } from '../../api/types'
import { isOpen } from '../../api/changeQueries'
import { clockTime, count } from '../../kinds/format'
import { Card } from '../../ui/Card'
import { StatusShape } from '../../ui/Status'
import { CheckList } from './PreviewCards'
import styles from './ProgressCard.module.css'

const OPERATION: Record<string, { level: Level; word: string }> = {
  started: { level: 'progress', word: 'sent' },
  done: { level: 'ok', word: 'done' },
  already_done: { level: 'ok', word: 'was so already' },
  refused: { level: 'crit', word: 'refused' },
  unknown: { level: 'unknown', word: 'not known whether it was done' },
}

const VERIFIED: Record<string, { level: Level; word: string }> = {
  '': { level: 'progress', word: 'Looking whether it holds' },
  verified: { level: 'ok', word: 'It did what it was for' },
  failed: { level: 'crit', word: 'It did not do what it was for' },
  unclear: { level: 'unknown', word: 'Whether it did what it was for is not clear' },
}

/** What was written and whether it holds, as it happens. */
export function ProgressCard({ change }: { change: Change }) {
  const { execution, verification, operations } = change
  if (!execution) {
    return null
  }
  const done = execution.operations.filter(({ outcome }) => outcome === 'done' || outcome === 'already_done')
  const troubled = execution.operations.filter(
    ({ outcome }) => outcome === 'refused' || outcome === 'unknown',
  )
  const level: Level = execution.error || troubled.length ? 'crit' : execution.finished_at ? 'ok' : 'progress'
  return (
    <Card title={isOpen(change) ? 'Progress' : 'Result'} aside={`since ${clockTime(execution.started_at)}`}>
      <ol className={styles.steps} aria-live="polite">
        <Step level={level} title={`${count(done.length)} of ${count(operations.length)} written`}>
          {execution.error && <p>{execution.error}</p>}
          {troubled.length > 0 && (
            <ul>
              {troubled.map(({ index, outcome, message }) => (
                <li key={index}>
                  {operations[index]?.kind} {operations[index]?.name}: {OPERATION[outcome]?.word ?? outcome}.{' '}
                  {message}
                </li>
              ))}
            </ul>
          )}
        </Step>
        {verification && (
          <Step
            level={VERIFIED[verification.outcome]?.level ?? 'unknown'}
            title={VERIFIED[verification.outcome]?.word ?? verification.outcome}
          >
            {verification.text && <p>{verification.text}</p>}
            {!verification.finished_at && (
              <p className={styles.quiet}>until {clockTime(verification.until)} at the latest</p>
            )}
            {verification.checks.length > 0 && <CheckList checks={verification.checks} />}
          </Step>
        )}
      </ol>
    </Card>
  )
}

function Step({ level, title, children }: { level: Level; title: string; children: React.ReactNode }) {
  return (
    <li className={styles.step}>
      <StatusShape level={level} size={15} />
      <div className={styles.body}>
        <p className={styles.title}>{title}</p>
        {children}
      </div>
    </li>
  )
}
