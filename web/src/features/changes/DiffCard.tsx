import type { Change } from '../../api/types'
import { count } from '../../kinds/format'
import { ResourceLink } from '../../kinds/ResourceLink'
import { Card } from '../../ui/Card'
import { fieldPath, fieldValue } from './words'
import styles from './DiffCard.module.css'

const HOW_WORDS: Record<string, string> = {
  created: 'is created',
  changed: 'is changed',
  deleted: 'is deleted',
  evicted: 'is evicted',
}

/** Objects shown at once; a drain may have hundreds. */
const MOST_SHOWN = 25

/** Each field before and after, object by object, as the API server's own dry run answered. */
export function DiffCard({ change }: { change: Change }) {
  const { diffs } = change.preview
  return (
    <Card title="What changes" aside={`${count(diffs.length)} ${diffs.length === 1 ? 'object' : 'objects'}`}>
      <div className={styles.diffs}>
        {diffs.length === 0 && <p className={styles.quiet}>No field differs.</p>}
        {diffs.slice(0, MOST_SHOWN).map((diff) => (
          <section key={`${diff.kind}/${diff.namespace}/${diff.name}/${diff.how}`}>
            <h3 className={styles.object}>
              <ResourceLink cluster={change.cluster} resource={diff} />{' '}
              <span className={styles.quiet}>{HOW_WORDS[diff.how] ?? diff.how}</span>
            </h3>
            {diff.changes.length > 0 && (
              <dl className={styles.fields}>
                {diff.changes.map((field) => (
                  <div key={field.path} className={styles.field}>
                    <dt>{fieldPath(field.path)}</dt>
                    <dd>
                      <Value mark="−" word="before" value={field.before} className={styles.before} />
                      <Value mark="+" word="after" value={field.after} className={styles.after} />
                    </dd>
                  </div>
                ))}
              </dl>
            )}
            {diff.omitted > 0 && (
              <p className={styles.quiet}>{count(diff.omitted)} more fields are not shown.</p>
            )}
          </section>
        ))}
        {diffs.length > MOST_SHOWN && (
          <p className={styles.quiet}>{count(diffs.length - MOST_SHOWN)} more objects are not shown.</p>
        )}
        <details>
          <summary>What is sent to the cluster</summary>
          <pre className={styles.raw} tabIndex={0} aria-label="Operations">
            {JSON.stringify(change.operations, null, 2)}
          </pre>
        </details>
      </div>
    </Card>
  )
}

function Value({
  mark,
  word,
  value,
  className,
}: {
  mark: string
  word: string
  value: unknown
  className: string | undefined
}) {
  const text = fieldValue(value)
  return (
    <span className={`${styles.value} ${className ?? ''}`}>
      <span aria-hidden="true">{mark}</span>
      <span className="visually-hidden">{word}: </span>
      {text === null ? <em className={styles.absent}>not set</em> : <span>{text}</span>}
    </span>
  )
}
