import type { Level, Severity } from '../api/types'
import styles from './Status.module.css'

const WORDS: Record<Level, string> = {
  ok: 'Healthy',
  progress: 'In progress',
  warn: 'Warning',
  crit: 'Critical',
  unknown: 'Unknown',
}

const SHAPE_OF_SEVERITY: Record<Severity, Level | 'info'> = {
  critical: 'crit',
  warning: 'warn',
  info: 'info',
}

/**
 * The shape of a level. Each level has its own outline, so that colour is never the only difference:
 * ok ring with a check, progress open arc, warn triangle, crit filled octagon, unknown diamond.
 */
export function StatusShape({ level, size = 13 }: { level: Level | 'info'; size?: number }) {
  return (
    <svg
      className={`${styles.shape} ${styles[level]}`}
      width={size}
      height={size}
      viewBox="0 0 14 14"
      aria-hidden="true"
      focusable="false"
    >
      {SHAPES[level] ?? SHAPES.unknown}
    </svg>
  )
}

const line = { fill: 'none', stroke: 'currentColor', strokeWidth: 1.5, strokeLinecap: 'round' } as const

const SHAPES: Record<Level | 'info', React.ReactNode> = {
  info: (
    <>
      <circle cx="7" cy="7" r="5.7" {...line} />
      <path d="M7 6.4v3.6M7 4.2v.1" {...line} />
    </>
  ),
  ok: (
    <>
      <circle cx="7" cy="7" r="5.7" {...line} />
      <path d="M4.5 7.2 6.3 9l3.3-3.7" {...line} strokeLinejoin="round" />
    </>
  ),
  progress: <path d="M7 1.3a5.7 5.7 0 1 1-5.5 4.2" {...line} strokeWidth={1.8} />,
  warn: <path d="M7 1.7 12.9 12H1.1zM7 5.6v2.9M7 10.2v.1" {...line} strokeLinejoin="round" />,
  crit: (
    <>
      <path d="M4.4.8h5.2l3.6 3.6v5.2l-3.6 3.6H4.4L.8 9.6V4.4z" fill="currentColor" />
      <path d="M7 3.6v4M7 10v.2" className={styles.cut} strokeWidth="1.7" strokeLinecap="round" />
    </>
  ),
  unknown: <path d="M7 1.2 12.8 7 7 12.8 1.2 7z" {...line} strokeLinejoin="round" />,
}

/** Shape, word and colour of a level. `quiet` leaves healthy words grey: colour is for exceptions. */
export function StatusWord({ level, word, title }: { level: Level; word?: string; title?: string }) {
  return (
    <span className={`${styles.word} ${styles[level]}`} title={title}>
      <StatusShape level={level} />
      <span className={level === 'ok' ? styles.calm : undefined}>{word || WORDS[level]}</span>
    </span>
  )
}

/** Severity as a chip: critical is filled, warning is an outline, so that the difference survives greyscale. */
export function SeverityChip({ severity }: { severity: Severity }) {
  return (
    <span className={`${styles.chip} ${styles[`chip_${severity}`]}`}>
      <StatusShape level={SHAPE_OF_SEVERITY[severity] ?? 'unknown'} size={12} />
      {severity === 'critical' ? 'Critical' : severity === 'warning' ? 'Warning' : 'Info'}
    </span>
  )
}

/** A score of 0 to 100 with its meter; a dash with a reason where there is no score. */
export function HealthScore({
  health,
}: {
  health: { score: number | null; level: Level; reasons?: string[] } | null | undefined
}) {
  if (!health || typeof health.score !== 'number') {
    return (
      <span className={styles.none} title="No health score for this kind">
        –
      </span>
    )
  }
  const score = Math.round(health.score)
  const calm = health.level === 'ok'
  return (
    <span
      className={`${styles.health} ${calm ? styles.healthCalm : styles[health.level]}`}
      title={health.reasons?.join('\n') || undefined}
    >
      <span className={styles.meter} style={{ backgroundSize: `${score}% 100%` }} aria-hidden="true" />
      <span className={styles.score}>{score}</span>
    </span>
  )
}
