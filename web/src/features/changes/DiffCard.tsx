import type { Change } from '../../api/types'
import { count } from '../../kinds/format'
import { ResourceLink } from '../../kinds/ResourceLink'
import { Card } from '../../ui/Card'
import { fieldPath, fieldValue, withoutDiff } from './words'
import styles from './DiffCard.module.css'

const HOW_WORDS: Record<string, string> = {
  created: 'is created',
  changed: 'is changed',
  deleted: 'is deleted',
  evicted: 'is evicted',
}

const VERB_WORDS: Record<string, string> = {
  evict: 'is evicted',
  delete: 'is deleted',
  create: 'is created',
}

/** Objects shown at once; a drain may have hundreds. */
const MOST_SHOWN = 25

/** Each field before and after, object by object, as the API server's own dry run answered. */
export function DiffCard({ change }: { change: Change }) {
  const { diffs } = change.preview
  const others = withoutDiff(change)
  const objects = diffs.length + others.length
  return (
    <Card title="What changes" aside={`${count(objects)} ${objects === 1 ? 'object' : 'objects'}`}>
      <div className={styles.diffs}>
        {objects === 0 && <p className={styles.quiet}>No field differs.</p>}
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
        {others.length > 0 && (
          <ul className={styles.others}>
            {others.slice(0, MOST_SHOWN).map((one) => (
              <li key={`${one.verb}/${one.kind}/${one.namespace}/${one.name}`}>
                <ResourceLink cluster={change.cluster} resource={one} />{' '}
                <span className={styles.quiet}>{VERB_WORDS[one.verb] ?? one.verb}</span>
              </li>
            ))}
            {others.length > MOST_SHOWN && (
              <li className={styles.quiet}>
                {count(others.length - MOST_SHOWN)} more objects are not shown.
              </li>
            )}
          </ul>
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
