import { Link } from '@tanstack/react-router'
import { useQuery } from '@tanstack/react-query'
import { investigationQuery, isRunning, PENDING_POLL_MS } from '../../api/queries'
import type { InvestigationBlock } from '../../api/types'
import { StatusWord } from '../../ui/Status'
import { standing } from './words'
import styles from './InvestigationCard.module.css'

interface InvestigationCardProps {
  block: InvestigationBlock
  cluster: string | undefined
}

/** An investigation in an answer: as it was when the answer was given, until newer is known. */
export function InvestigationCard({ block, cluster }: InvestigationCardProps) {
  const { data } = useQuery({
    ...investigationQuery(block.id),
    refetchInterval: (query) => (query.state.data && isRunning(query.state.data) ? PENDING_POLL_MS : false),
    retry: false,
  })
  const { question, status } = data ?? block
  // What the answer itself says is not said twice.
  const news = data && data.message !== block.message ? data.message : ''
  const { level, word } = standing(data ?? { status, outcome: '', cause: null, resolution: '' })
  const where = data?.cluster ?? cluster
  return (
    <article className={styles.card} aria-label={`Investigation: ${question}`}>
      <div className={styles.head}>
        {where ? (
          <Link
            className={styles.question}
            to="/c/$cluster/investigations/$investigation"
            params={{ cluster: where, investigation: block.id }}
            preload={false}
          >
            {question}
          </Link>
        ) : (
          <span className={styles.question}>{question}</span>
        )}
        <StatusWord level={level} word={word} />
      </div>
      {news && <p>{news}</p>}
      {data && <p className={styles.quiet}>{`${data.steps_done} steps`}</p>}
    </article>
  )
}

/** An investigation in a table of an answer. */
export function InvestigationLink({ id, cluster }: { id: string; cluster: string }) {
  return (
    <Link
      to="/c/$cluster/investigations/$investigation"
      params={{ cluster, investigation: id }}
      preload={false}
    >
      Open
    </Link>
  )
}
