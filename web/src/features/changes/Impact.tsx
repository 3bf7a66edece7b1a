import { useQuery } from '@tanstack/react-query'
import { clustersQuery } from '../../api/queries'
import type { Change } from '../../api/types'
import { ProductionChip } from '../clusters/ClusterSwitcher'
import { BlastChip } from './Marks'
import { VERDICT, worstFirst } from './words'
import { StatusWord } from '../../ui/Status'
import styles from './Dialogs.module.css'

/** What a change does, said once more where it is confirmed: where, how far it reaches, and the way back. */
export function Impact({ change }: { change: Change }) {
  const cluster = useQuery(clustersQuery()).data?.items.find(({ id }) => id === change.cluster)
  const { preview } = change
  const { level, word } = VERDICT[preview.verdict]
  const doubts = worstFirst(preview.checks).filter(({ outcome }) => outcome !== 'ok')
  return (
    <div className={styles.impact}>
      <p className={styles.target}>
        <span>
          In <strong>{cluster?.name ?? change.cluster}</strong>
        </span>
        {preview.production && <ProductionChip />}
      </p>
      <p className={styles.target}>
        <BlastChip level={preview.blast.level} />
        <StatusWord level={level} word={word} />
      </p>
      <ul>
        {preview.blast.reasons.map((reason) => (
          <li key={reason}>{reason}</li>
        ))}
        {doubts.map((check) => (
          <li key={check.name}>{check.text}</li>
        ))}
      </ul>
      <p className={styles.quiet}>
        {preview.undo.possible
          ? `Can be undone. ${preview.undo.how}`
          : `Cannot be undone. ${preview.undo.how}`}
        {preview.undo.losses.length > 0 && ` Lost either way: ${preview.undo.losses.join(' ')}`}
      </p>
    </div>
  )
}
