import { lazy, Suspense } from 'react'
import { Link } from '@tanstack/react-router'
import { useQuery } from '@tanstack/react-query'
import { overviewQuery } from '../../api/queries'
import type { Block, ColumnType, ResourceRef, TableBlock } from '../../api/types'
import { Chart } from '../../charts/Chart'
import { asRef, Cell, isNumeric } from '../../kinds/Cell'
import { count } from '../../kinds/format'
import { useKinds } from '../../kinds/registry'
import { ResourceLink } from '../../kinds/ResourceLink'
import { CopyCommand } from '../../ui/CopyCommand'
import { Table } from '../../ui/Table'
import { EvidenceLink } from '../evidence/EvidenceLink'
import { InvestigationCard, InvestigationLink } from '../investigations/InvestigationCard'
import { ProblemCard } from '../problems/ProblemCard'
import { Suggestion } from './TranscriptView'
import styles from './BlockView.module.css'

const INVESTIGATION = /^iv_[a-z2-7]{26}$/
const Markdown = lazy(() => import('./Markdown'))

interface BlockViewProps {
  block: Block
  cluster: string | undefined
  onAsk: (message: string) => void
}

/** One block of an answer. The same blocks come over the API, so what is shown here can be had there. */
export function BlockView({ block, cluster, onAsk }: BlockViewProps) {
  const now = useClusterNow(cluster)
  switch (block.type) {
    case 'text':
      return (
        <Suspense fallback={<p className={styles.plain}>{block.text}</p>}>
          <Markdown text={block.text} />
        </Suspense>
      )
    case 'table':
      return <AnswerTable block={block} cluster={cluster} />
    case 'chart':
      return <Chart block={block} />
    case 'evidence':
      return (
        <ul className={styles.evidence} aria-label="Evidence">
          {block.items.map((item) => (
            <li key={item.id}>
              <EvidenceLink id={item.id}>{item.text}</EvidenceLink>
              {item.resource.name && <ResourceLink cluster={cluster} resource={item.resource} />}
            </li>
          ))}
        </ul>
      )
    case 'problem':
      return <ProblemCard problem={block.problem} cluster={cluster} now={now} />
    case 'action':
      return (
        <section className={styles.action} aria-label={block.title}>
          <h3>{block.title}</h3>
          <p>{block.text}</p>
          {block.command && <CopyCommand command={block.command} />}
          <p className={styles.quiet}>A proposal. Nothing has been executed.</p>
        </section>
      )
    case 'investigation':
      return <InvestigationCard block={block} cluster={cluster} />
    case 'choices':
      return (
        <section className={styles.choices} aria-label={block.question}>
          <BlockView block={{ type: 'text', text: block.question }} cluster={cluster} onAsk={onAsk} />
          {block.items.map((item) => (
            <button key={item.label} type="button" onClick={() => onAsk(item.message)}>
              {item.label}
            </button>
          ))}
        </section>
      )
    case 'suggestions':
      return (
        <ul className={styles.suggestions} aria-label="Follow-up questions">
          {block.items.map((text) => (
            <Suggestion key={text} text={text} onAsk={onAsk} />
          ))}
        </ul>
      )
    default:
      return null
  }
}

/** The time the cluster was read: ages in answers count to it, as everywhere else. */
function useClusterNow(cluster: string | undefined): number {
  const overview = useQuery({ ...overviewQuery(cluster ?? ''), enabled: cluster !== undefined })
  const asOf = overview.data?.as_of
  return asOf ? Date.parse(asOf) : Date.now()
}

/** Rows of an answer; an object's name links to it, and a cut table links to the whole list. */
function AnswerTable({ block, cluster }: { block: TableBlock; cluster: string | undefined }) {
  const kinds = useKinds()
  const now = useClusterNow(cluster)
  const more = block.total > block.rows.length
  return (
    <figure className={styles.table}>
      {block.title && <figcaption>{block.title}</figcaption>}
      <Table
        label={block.title || 'Table'}
        rows={block.rows}
        rowKey={(_, index) => String(index)}
        columns={block.columns.map((column) => ({
          key: column.key,
          title: column.title,
          numeric: isNumeric(column as { type: ColumnType }),
          cell: (row: Record<string, unknown>) => {
            const value = row[column.key]
            if (typeof value === 'string' && INVESTIGATION.test(value) && cluster) {
              return <InvestigationLink id={value} cluster={cluster} />
            }
            const resource =
              asRef(value) ?? (column.key === 'name' ? resourceOfRow(row, block.link?.kind) : null)
            return resource && kinds.find(resource.kind) ? (
              <ResourceLink cluster={cluster} resource={resource}>
                {column.key === 'name' ? resource.name : undefined}
              </ResourceLink>
            ) : (
              <Cell type={column.type as ColumnType} value={value} now={now} />
            )
          },
        }))}
      />
      {(more || block.link) && (
        <p className={styles.foot}>
          {more && `${count(block.rows.length)} of ${count(block.total)} `}
          {block.link && cluster && (
            <Link
              to="/c/$cluster/k/$kind"
              params={{ cluster, kind: block.link.kind }}
              search={{ q: block.link.q || undefined, namespace: block.link.namespace || undefined }}
              preload={false}
            >
              Open as a list
            </Link>
          )}
        </p>
      )}
    </figure>
  )
}

function resourceOfRow(row: Record<string, unknown>, linkKind: string | undefined): ResourceRef | null {
  const kind = typeof row.kind === 'string' ? row.kind : linkKind
  return kind && typeof row.name === 'string'
    ? { kind, name: row.name, namespace: typeof row.namespace === 'string' ? row.namespace : undefined }
    : null
}
