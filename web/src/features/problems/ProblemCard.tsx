import { Link } from '@tanstack/react-router'
import type { Problem } from '../../api/types'
import { age, probability } from '../../kinds/format'
import { ResourceLink } from '../../kinds/ResourceLink'
import { SeverityChip } from '../../ui/Status'
import { EvidenceMarks } from '../evidence/EvidenceLink'
import { InvestigateButton } from '../investigations/InvestigateButton'
import { askedOf, problemKey } from './order'
import styles from './ProblemCard.module.css'

interface ProblemCardProps {
  problem: Problem
  cluster: string | undefined
  now: number
}

/** A problem in three lines: how bad and how sure, what and where, and the evidence. */
export function ProblemCard({ problem, cluster, now }: ProblemCardProps) {
  return (
    <article className={`${styles.card} ${styles[problem.severity]}`}>
      <div className={styles.head}>
        <SeverityChip severity={problem.severity} />
        {cluster ? (
          <Link
            className={styles.title}
            to="/c/$cluster/problems"
            params={{ cluster }}
            search={{ problem: problemKey(problem) }}
            preload={false}
          >
            {problem.title}
          </Link>
        ) : (
          <span className={styles.title}>{problem.title}</span>
        )}
        <Certainty problem={problem} />
      </div>
      <p className={styles.summary}>{problem.summary}</p>
      <div className={styles.foot}>
        <ResourceLink cluster={cluster} resource={problem.resource} />
        {problem.since && <span className={styles.since}>for {age(problem.since, now)}</span>}
        {problem.explains.length > 0 && (
          <span className={styles.since}>
            explains {problem.explains.length} more {problem.explains.length === 1 ? 'object' : 'objects'}
          </span>
        )}
        <EvidenceMarks ids={problem.evidence} of={problem.title} />
        <span className={styles.space} />
        {cluster && <InvestigateButton tone="quiet" of={problem.title} asked={askedOf(problem, cluster)} />}
      </div>
    </article>
  )
}

/** How sure the diagnosis is. */
export function Certainty({ problem }: { problem: Problem }) {
  return (
    <span className={styles.certainty} title="Probability that this is the cause">
      {probability(problem.probability)}
    </span>
  )
}
