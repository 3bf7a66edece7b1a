import type { Level } from '../api/types'
import { NONE } from '../kinds/format'
import styles from './ScoreRing.module.css'

const RADIUS = 34
const LENGTH = 2 * Math.PI * RADIUS

/** A score of 0 to 100 as a ring with its number. */
export function ScoreRing({ score, level, label }: { score: number | null; level: Level; label: string }) {
  const rounded = score === null ? null : Math.round(score)
  return (
    <svg
      className={`${styles.ring} ${styles[level]}`}
      viewBox="0 0 84 84"
      role="img"
      aria-label={`${label}: ${rounded === null ? 'not known' : `${rounded} of 100`}`}
    >
      <circle cx="42" cy="42" r={RADIUS} className={styles.track} />
      <circle
        cx="42"
        cy="42"
        r={RADIUS}
        className={styles.arc}
        strokeDasharray={`${(LENGTH * (rounded ?? 0)) / 100} ${LENGTH}`}
        transform="rotate(-90 42 42)"
      />
      <text x="42" y="43" className={styles.number}>
        {rounded ?? NONE}
      </text>
      <text x="42" y="57" className={styles.unit}>
        of 100
      </text>
    </svg>
  )
}
