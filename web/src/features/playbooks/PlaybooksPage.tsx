import { useState } from 'react'
import { getRouteApi, Link } from '@tanstack/react-router'
import { useQuery } from '@tanstack/react-query'
import { playbooksQuery, runsQuery, schedulesQuery } from '../../api/changeQueries'
import { clustersQuery } from '../../api/queries'
import { useMay } from '../../api/roles'
import type { Playbook, Run } from '../../api/types'
import { age, clockTime, count } from '../../kinds/format'
import { Button } from '../../ui/Button'
import { EmptyState, ErrorNotice } from '../../ui/Notice'
import { PageHeader } from '../../ui/PageHeader'
import { SkeletonRows } from '../../ui/Skeleton'
import { StatusWord } from '../../ui/Status'
import { Table } from '../../ui/Table'
import { Tabs } from '../../ui/Tabs'
import { STANDING } from '../changes/words'
import { RunDialog } from './RunDialog'
import { Schedules } from './Schedules'
import styles from './PlaybooksPage.module.css'

const route = getRouteApi('/playbooks')

/** Sequences of changes: what there is, what ran, and what runs by the clock. */
export function PlaybooksPage() {
  const { tab } = route.useSearch()
  const navigate = route.useNavigate()
  const runs = useQuery(runsQuery())
  const schedules = useQuery(schedulesQuery())
  const waiting = runs.data?.items.filter(({ status }) => status === 'pending').length
  const proposed = schedules.data?.items.filter(({ in_force }) => !in_force).length
  return (
    <div className={styles.page}>
      <PageHeader title="Playbooks" />
      <Tabs
        label="Playbooks"
        value={tab ?? 'playbooks'}
        onChange={(next) =>
          void navigate({ search: { tab: next === 'playbooks' ? undefined : next }, replace: true })
        }
        tabs={[
          { value: 'playbooks', title: 'Playbooks', content: <Books /> },
          { value: 'runs', title: 'Runs', count: waiting, content: <Runs /> },
          { value: 'schedules', title: 'Schedules', count: proposed, content: <Schedules /> },
        ]}
      />
    </div>
  )
}

function Books() {
  const found = useQuery(playbooksQuery())
  const mayAsk = useMay('changes:write')
  const [chosen, setChosen] = useState<Playbook | null>(null)
  return (
    <div className={styles.tab}>
      {found.isError && <ErrorNotice error={found.error} onRetry={() => void found.refetch()} />}
      {found.isPending && <SkeletonRows label="Loading playbooks" />}
      <ul className={styles.books} aria-label="Playbooks">
        {found.data?.items.map((book) => (
          <li key={book.id} className={styles.book}>
            <div>
              <h2>{book.name}</h2>
              <p className={styles.quiet}>{book.description}</p>
            </div>
            {mayAsk && (
              <Button aria-label={`Plan a run of ${book.name}`} onClick={() => setChosen(book)}>
                Plan a run…
              </Button>
            )}
          </li>
        ))}
      </ul>
      {chosen && <RunDialog book={chosen} onClose={() => setChosen(null)} />}
    </div>
  )
}

function Runs() {
  const found = useQuery(runsQuery())
  const clusters = useQuery(clustersQuery()).data?.items ?? []
  const now = Date.now()
  const items = found.data?.items
  return (
    <div className={styles.tab}>
      {found.isError && <ErrorNotice error={found.error} onRetry={() => void found.refetch()} />}
      {found.isPending && <SkeletonRows label="Loading runs" />}
      {items?.length === 0 && (
        <EmptyState title="No playbook has run yet">
          <p>Planning a run previews every step and changes nothing.</p>
        </EmptyState>
      )}
      {items && items.length > 0 && (
        <div className={styles.table}>
          <Table
            label="Runs"
            rows={items}
            rowKey={(run) => run.id}
            columns={[
              {
                key: 'status',
                title: 'Status',
                cell: (run) => <StatusWord {...STANDING[run.status]} title={run.note} />,
              },
              { key: 'name', title: 'Playbook', cell: (run) => <RunLink run={run} /> },
              { key: 'with', title: 'With', cell: argumentsWords },
              {
                key: 'cluster',
                title: 'Cluster',
                cell: (run) => clusters.find(({ id }) => id === run.cluster)?.name ?? run.cluster,
              },
              {
                key: 'by',
                title: 'By',
                cell: (run) => (run.schedule ? 'a schedule' : run.created_by),
              },
              {
                key: 'age',
                title: 'Age',
                numeric: true,
                cell: (run) => <span title={clockTime(run.created_at)}>{age(run.created_at, now)}</span>,
              },
            ]}
          />
        </div>
      )}
      {found.data?.total != null && items && found.data.total > items.length && (
        <p className={styles.quiet}>
          The newest {count(items.length)} of {count(found.data.total)} are shown.
        </p>
      )}
    </div>
  )
}

function RunLink({ run }: { run: Run }) {
  return (
    <Link to="/c/$cluster/runs/$run" params={{ cluster: run.cluster, run: run.id }} preload={false}>
      {run.name}
    </Link>
  )
}

export function argumentsWords(run: Pick<Run, 'arguments'>): string {
  return Object.entries(run.arguments)
    .filter(([, value]) => value !== '')
    .map(([key, value]) => `${key} ${value}`)
    .join(', ')
}
