import { useQueries } from '@tanstack/react-query'
import { evidenceQuery } from '../../api/queries'
import { EvidenceLink } from './EvidenceLink'
import styles from './EvidenceList.module.css'

interface EvidenceListProps {
  title: string
  ids: string[]
  cluster: string | undefined
}

/** Evidence in words, numbered; each opens over the page. */
export function EvidenceList({ title, ids, cluster }: EvidenceListProps) {
  const evidence = useQueries({ queries: ids.map((id) => evidenceQuery(id, cluster)) })
  if (ids.length === 0) {
    return null
  }
  return (
    <section>
      <h3 className={styles.heading}>{title}</h3>
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
