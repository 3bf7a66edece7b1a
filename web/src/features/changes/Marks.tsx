import type { Blast } from '../../api/types'
import { StatusShape } from '../../ui/Status'
import { BLAST_SEVERITY } from './words'
import styles from './Marks.module.css'

const SHAPES = { info: 'info', warning: 'warn', critical: 'crit' } as const

/** How far a change reaches, in one word with its shape. */
export function BlastChip({ level }: { level: Blast['level'] }) {
  const severity = BLAST_SEVERITY[level]
  return (
    <span className={`${styles.chip} ${styles[severity]}`} title={`Blast radius: ${level}`}>
      <StatusShape level={SHAPES[severity]} size={12} />
      {level.charAt(0).toUpperCase() + level.slice(1)}
    </span>
  )
}
