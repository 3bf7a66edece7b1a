import { Link } from '@tanstack/react-router'
import type { Investigation } from '../../api/types'
import { clockTime, probability } from '../../kinds/format'
import { refKey, ResourceLink } from '../../kinds/ResourceLink'
import { Card } from '../../ui/Card'
import { GapsNotice } from '../../ui/Notice'
import { SeverityChip } from '../../ui/Status'
import { RemedyNote } from '../problems/CauseParts'
import styles from './Conclusion.module.css'

/** What was found, in one sentence; what to do; and what could not be read. */
export function Conclusion({ one }: { one: Investigation }) {
  const { cause } = one
  return (
    <Card title="Conclusion" aside={one.concluded_at ? clockTime(one.concluded_at) : undefined}>
      <div className={styles.conclusion}>
        <p className={styles.message}>{one.message}</p>
        {cause && (
          <div className={styles.cause}>
            <SeverityChip severity={cause.severity} />
            <ResourceLink cluster={one.cluster} resource={cause.resource} />
            <span title="Probability that this is the cause">{probability(cause.probability)}</span>
            <code>{cause.mode}</code>
          </div>
        )}
        {one.remedy && <RemedyNote remedy={one.remedy} />}
        {one.nearest.length > 0 && (
          <section>
            <h3 className={styles.heading}>Names that are near</h3>
            <ul>
              {one.nearest.map((resource) => (
                <li key={refKey(resource)}>
                  <ResourceLink cluster={one.cluster} resource={resource} />
                </li>
              ))}
            </ul>
          </section>
        )}
        {one.outside_of_template > 0 && (
          <p className={styles.quiet}>
            {one.outside_of_template} more {one.outside_of_template === 1 ? 'problem was' : 'problems were'}{' '}
            found outside of what this investigation looks at.{' '}
            <Link to="/c/$cluster/problems" params={{ cluster: one.cluster }}>
              All problems
            </Link>
          </p>
        )}
        <GapsNotice gaps={one.gaps} what="A cause may be missed where something could not be read" />
      </div>
    </Card>
  )
}
