import type { Change } from '../../api/types'
import { clockTime, count } from '../../kinds/format'
import { ResourceLink } from '../../kinds/ResourceLink'
import { Card } from '../../ui/Card'
import { StatusShape, StatusWord } from '../../ui/Status'
import { BlastChip } from './Marks'
import { costWords, OUTCOME_LEVEL, phrase, VERDICT, worstFirst } from './words'
import styles from './PreviewCards.module.css'

/** Each question that the preview asked, with its answer; what speaks against the change first. */
export function ChecksCard({ change }: { change: Change }) {
  const { preview } = change
  const { level, word } = VERDICT[preview.verdict]
  return (
    <Card title="Checks" aside={`as of ${clockTime(preview.as_of)}`}>
      <div className={styles.stack}>
        <StatusWord level={level} word={word} />
        <CheckList checks={preview.checks} />
        {preview.gaps.length > 0 && (
          <details>
            <summary className={styles.quiet}>What could not be read ({preview.gaps.length})</summary>
            <ul className={styles.plain}>
              {preview.gaps.map((gap) => (
                <li key={gap}>{gap}</li>
              ))}
            </ul>
          </details>
        )}
      </div>
    </Card>
  )
}

export function CheckList({ checks }: { checks: Change['preview']['checks'] }) {
  return (
    <ul className={styles.checks}>
      {worstFirst(checks).map((check, index) => {
        const { level, word } = OUTCOME_LEVEL[check.outcome]
        return (
          <li key={`${check.name}/${index}`}>
            <span className={styles.mark} title={word}>
              <StatusShape level={level} />
              <span className="visually-hidden">{word}</span>
            </span>
            <span className={styles.name}>{phrase(check.name)}</span>
            <span className={styles.text}>
              {check.text}
              {check.remedy && <span className={styles.quiet}> {check.remedy}</span>}
            </span>
          </li>
        )
      })}
    </ul>
  )
}

/** Reasons shown at once; the rest is one click away. */
const MOST_REASONS = 6

function Reasons({ reasons }: { reasons: string[] }) {
  return (
    <ul className={styles.plain}>
      {reasons.map((reason) => (
        <li key={reason}>{reason.charAt(0).toUpperCase() + reason.slice(1)}</li>
      ))}
    </ul>
  )
}

/** What else the change reaches. */
export function BlastCard({ change }: { change: Change }) {
  const { blast } = change.preview
  const cost = costWords(change.preview.cost)
  return (
    <Card title="Blast radius" aside={<BlastChip level={blast.level} />}>
      <div className={styles.stack}>
        <Reasons reasons={blast.reasons.slice(0, MOST_REASONS)} />
        {blast.reasons.length > MOST_REASONS && (
          <details>
            <summary className={styles.quiet}>{blast.reasons.length - MOST_REASONS} more reasons</summary>
            <Reasons reasons={blast.reasons.slice(MOST_REASONS)} />
          </details>
        )}
        <dl className={styles.facts}>
          <dt>Pods touched</dt>
          <dd>
            {count(blast.pods)}
            {blast.pods > 0 && `, ${count(blast.unavailable_at_once)} away at once`}
          </dd>
          {blast.entry_points.length > 0 && (
            <>
              <dt>Traffic enters by</dt>
              <dd>{blast.entry_points.join(', ')}</dd>
            </>
          )}
          {blast.data.length > 0 && (
            <>
              <dt>Data in use</dt>
              <dd>{blast.data.join(', ')}</dd>
            </>
          )}
          {cost && (
            <>
              <dt>Requested</dt>
              <dd title={change.preview.cost?.note}>
                {cost}
                {change.preview.cost?.usd_per_month === null && (
                  <span className={styles.quiet}> (price not known)</span>
                )}
              </dd>
            </>
          )}
        </dl>
        {blast.hits.length > 0 && (
          <section>
            <h3 className={styles.heading}>Affected</h3>
            <ul className={styles.hits}>
              {blast.hits.map((hit) => (
                <li key={`${hit.kind}/${hit.namespace}/${hit.name}`}>
                  <ResourceLink cluster={change.cluster} resource={hit} />
                  <span className={styles.quiet}>{hit.effect}</span>
                </li>
              ))}
              {blast.omitted > 0 && <li className={styles.quiet}>and {count(blast.omitted)} more</li>}
            </ul>
          </section>
        )}
      </div>
    </Card>
  )
}

/** Whether there is a way back, and what is lost either way. */
export function UndoCard({ change }: { change: Change }) {
  const { undo } = change.preview
  return (
    <Card title="Undo">
      <div className={styles.stack}>
        <StatusWord
          level={undo.possible ? 'ok' : 'warn'}
          word={undo.possible ? 'Can be undone' : 'Cannot be undone'}
        />
        {undo.how && <p>{undo.how}</p>}
        {undo.losses.length > 0 && (
          <>
            <h3 className={styles.heading}>Not brought back</h3>
            <ul className={styles.plain}>
              {undo.losses.map((loss) => (
                <li key={loss}>{loss}</li>
              ))}
            </ul>
          </>
        )}
      </div>
    </Card>
  )
}
