import { useQueries } from '@tanstack/react-query'
import { evidenceQuery } from '../../api/queries'
import type { Problem } from '../../api/types'
import { age } from '../../kinds/format'
import { refKey, ResourceLink } from '../../kinds/ResourceLink'
import { CopyCommand } from '../../ui/CopyCommand'
import { SeverityChip } from '../../ui/Status'
import { EvidenceLink } from '../evidence/EvidenceLink'
import { Certainty } from './ProblemCard'
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
      {problem.chain.length > 0 && (
        <section>
          <h3>Chain of causes</h3>
          <ol className={styles.chain}>
            {problem.chain.map((step) => (
              <li key={step}>{step}</li>
            ))}
          </ol>
        </section>
      )}
      {problem.remedy.text && (
        <section>
          <h3>What to do</h3>
          <p className={styles.block}>{problem.remedy.text}</p>
          {problem.remedy.command && (
            <>
              <CopyCommand command={problem.remedy.command} />
              <p className={styles.quiet}>To copy. Nothing has been executed.</p>
            </>
          )}
        </section>
      )}
      <EvidenceList ids={problem.evidence} cluster={cluster} />
      {problem.explains.length > 0 && (
        <section>
          <h3>Also explains</h3>
          <ul className={styles.list}>
            {problem.explains.map((resource) => (
              <li key={refKey(resource)}>
                <ResourceLink cluster={cluster} resource={resource} />
              </li>
            ))}
          </ul>
        </section>
      )}
      {problem.missing.length > 0 && (
        <section>
          <h3>Not known</h3>
          <ul className={styles.list}>
            {problem.missing.map((text) => (
              <li key={text}>{text}</li>
            ))}
          </ul>
        </section>
      )}
    </article>
  )
}

function EvidenceList({ ids, cluster }: { ids: string[]; cluster: string | undefined }) {
  const evidence = useQueries({ queries: ids.map((id) => evidenceQuery(id, cluster)) })
  if (ids.length === 0) {
    return null
  }
  return (
    <section>
      <h3>Evidence</h3>
      <ol className={styles.evidence}>
        {ids.map((id, index) => (
          <li key={id}>
            <span className={styles.number}>{index + 1}</span>
            <EvidenceLink id={id}>{evidence[index]?.data?.text || id}</EvidenceLink>
          </li>
        ))}
      </ol>
    </section>
  )
}
