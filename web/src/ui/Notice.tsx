import type { ReactNode } from 'react'
import type { ReportGap } from '../api/types'
import { asApiError } from '../api/errors'
import { Button } from './Button'
import { StatusShape } from './Status'
import styles from './Notice.module.css'

interface ErrorNoticeProps {
  error: unknown
  /** What was attempted, e.g. "The list of pods could not be read". */
  title?: string
  onRetry?: () => void
}

/** An error with its message, its remedy and its code: never a bare "something went wrong". */
export function ErrorNotice({ error, title, onRetry }: ErrorNoticeProps) {
  const { message, remedy, code, status } = asApiError(error)
  return (
    <div className={`${styles.notice} ${styles.error}`} role="alert">
      <StatusShape level="crit" size={16} />
      <div className={styles.body}>
        <p className={styles.title}>{title ?? message}</p>
        {title && <p>{message}</p>}
        <p className={styles.remedy}>{remedy}</p>
        <p className={styles.code}>
          {code}
          {status > 0 && ` · HTTP ${status}`}
        </p>
      </div>
      {onRetry && (
        <Button icon="refresh" onClick={onRetry}>
          Retry
        </Button>
      )}
    </div>
  )
}

/** Nothing to show, with why and with the next step. `page` when it is all that the page has. */
export function EmptyState({
  title,
  page,
  children,
}: {
  title: string
  page?: boolean
  children?: ReactNode
}) {
  const Title = page ? 'h1' : 'p'
  return (
    <div className={styles.empty}>
      <Title className={styles.emptyTitle}>{title}</Title>
      {children && <div className={styles.emptyBody}>{children}</div>}
    </div>
  )
}

const GAP_WORDS: Record<string, string> = {
  forbidden: 'not permitted',
  timeout: 'timed out',
  not_installed: 'not installed',
  not_recorded: 'not in the recording',
  error: 'failed',
  partial: 'read in part',
  stale: 'read some time ago',
}

/**
 * What could not be read, so that an absence is never taken for a zero. An API that is not installed
 * hides nothing: it is named among the rest, but is no reason for a notice of its own.
 */
export function GapsNotice({ gaps, what }: { gaps: ReportGap[] | undefined; what?: string }) {
  const telling = gaps?.filter((gap) => gap.reason !== 'not_installed')
  if (!gaps || !telling?.length) {
    return null
  }
  return (
    <details className={styles.gaps}>
      <summary>
        <StatusShape level="unknown" />
        <span>
          {what ?? 'Not everything could be read'}: {summarise(telling)}
        </span>
      </summary>
      <ul>
        {gaps.map((gap) => (
          <li key={`${gap.kind}/${gap.namespace}/${gap.reason}/${gap.message}`}>
            <strong>{gap.kind}</strong>
            {gap.namespace ? ` in ${gap.namespace}` : ''}: {GAP_WORDS[gap.reason] ?? gap.reason}.{' '}
            {gap.message}
          </li>
        ))}
      </ul>
    </details>
  )
}

const NAMED_GAPS = 3

function summarise(gaps: ReportGap[]): string {
  const byReason = new Map<string, Set<string>>()
  for (const gap of gaps) {
    byReason.set(gap.reason, (byReason.get(gap.reason) ?? new Set()).add(gap.kind))
  }
  return [...byReason]
    .map(([reason, kinds]) => {
      const named = [...kinds].slice(0, NAMED_GAPS).join(', ')
      const rest = kinds.size > NAMED_GAPS ? ` and ${kinds.size - NAMED_GAPS} more` : ''
      return `${named}${rest} ${GAP_WORDS[reason] ?? reason}`
    })
    .join('; ')
}
