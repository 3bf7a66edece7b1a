import type { Problem } from '../../api/types'
import { age } from '../../kinds/format'
import { ResourceLink } from '../../kinds/ResourceLink'
import { SeverityChip } from '../../ui/Status'
import { EvidenceList } from '../evidence/EvidenceList'
import { ActionMenu } from '../changes/ActionMenu'
import { InvestigateButton } from '../investigations/InvestigateButton'
import { CauseChain, Explained, NotKnown, RemedyNote } from './CauseParts'
import { Certainty } from './ProblemCard'
import { askedOf } from './order'
import styles from './ProblemDetail.module.css'

interface ProblemDetailProps {
  problem: Problem
  cluster: string | undefined
  now: number
}

/** Everything known about a problem: the chain of causes, the evidence, what to do, and what is not known. */
export function ProblemDetail({ problem, cluster, now }: ProblemDetailProps) {
  return (
    <article className={styles.detail}>
      <div className={styles.head}>
        <SeverityChip severity={problem.severity} />
        <Certainty problem={problem} />
        {problem.since && <span className={styles.quiet}>for {age(problem.since, now)}</span>}
        <code className={styles.mode}>{problem.mode}</code>
      </div>
      <h2 className={styles.title}>{problem.title}</h2>
      <ResourceLink cluster={cluster} resource={problem.resource} />
      <p className={styles.summary}>{problem.summary}</p>
      {cluster && (
        <div className={styles.actions}>
          <InvestigateButton asked={askedOf(problem, cluster)} />
          <ActionMenu
            tone="plain"
            cluster={cluster}
            resource={problem.resource}
            cause={{ reason: problem.title, evidence: problem.evidence, symptom: problem.id }}
          />
        </div>
      )}
      <CauseChain steps={problem.chain} />
      <RemedyNote remedy={problem.remedy} />
      <EvidenceList title="Evidence" ids={problem.evidence} cluster={cluster} />
      <Explained resources={problem.explains} cluster={cluster} />
      <NotKnown texts={problem.missing} />
    </article>
  )
}
